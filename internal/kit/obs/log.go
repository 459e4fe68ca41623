// Package obs owns how a running node is seen from outside: JSON logs without secrets,
// Prometheus metrics, and OpenTelemetry traces when a collector is configured. There is no
// profiler endpoint.
package obs

import (
	"context"
	"io"
	"log/slog"
	"regexp"
	"strings"

	"go.opentelemetry.io/otel/trace"

	"github.com/admit-id/admit/internal/kit/secret"
)

// NewLogger writes JSON lines. Values under names that hold secrets, and text that looks like
// one, are masked (I-26): the second line of defence behind secret.Text.
func NewLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(traced{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: redact})})
}

// names of attributes whose values are never written.
var secretNames = map[string]bool{
	"authorization": true, "cookie": true, "set-cookie": true, "password": true, "secret": true, "token": true,
	"access_token": true, "id_token": true, "refresh_token": true, "code": true, "code_verifier": true, "client_secret": true,
	"accesskey": true, "access_key": true, "private_key": true, "master_key": true, "dsn": true, "smtp_url": true,
}

// looksSecret matches what must not be in a log wherever it stands: JWTs, access keys with their
// private key, user and password in URLs, and query values of tokens and codes.
var looksSecret = regexp.MustCompile(
	`eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?` +
		`|MC4CAQAwBQYDK2Vw[A-Za-z0-9+/=_-]*` +
		`|://[^/\s:@]*:[^/\s@]+@` +
		`|\b(?:code|token|state|access_token|id_token|code_verifier)=[^&\s"]+`)

func redact(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindLogValuer {
		a.Value = a.Value.Resolve()
	}
	if secretNames[strings.ToLower(a.Key)] {
		return slog.String(a.Key, secret.Mask)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, scrub(a.Value.String()))
	case slog.KindAny:
		if err, ok := a.Value.Any().(error); ok {
			return slog.String(a.Key, scrub(err.Error()))
		}
	}
	return a
}

// signs are what every match of looksSecret holds one of. Looking for them is a hundred times
// cheaper, and most text has none.
var signs = [...]string{"eyJ", "MC4CAQ", "://", "="}

func scrub(text string) string {
	for _, sign := range signs {
		if strings.Contains(text, sign) {
			return looksSecret.ReplaceAllString(text, secret.Mask)
		}
	}
	return text
}

// traced adds the trace's id to what is logged within one.
type traced struct{ slog.Handler }

func (t traced) Handle(ctx context.Context, r slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsSampled() {
		r.AddAttrs(slog.String("trace", span.TraceID().String()))
	}
	return t.Handler.Handle(ctx, r)
}

func (t traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{t.Handler.WithAttrs(attrs)} }
func (t traced) WithGroup(name string) slog.Handler       { return traced{t.Handler.WithGroup(name)} }
