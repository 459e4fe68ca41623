package obs

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracer exports a span per request. It implements web.Tracer. What a caller says about its
// own trace becomes a link only: a stranger decides neither what is sampled nor under which id.
// Baggage is not read.
type Tracer struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// NewTracer exports to a collector's URL, for example http://localhost:4318. Without a path it is
// the collector's base URL, and traces go to /v1/traces, as OTLP/HTTP has it. It does not wait
// for the collector; spans that cannot be delivered are dropped.
func NewTracer(ctx context.Context, endpoint, version string) (*Tracer, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("obs: traces: %w", err)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()))
	if err != nil {
		return nil, fmt.Errorf("obs: traces: %w", err)
	}
	return newTracer(sdktrace.WithBatcher(exporter), version), nil
}

func newTracer(to sdktrace.TracerProviderOption, version string) *Tracer {
	about := resource.NewSchemaless(attribute.String("service.name", "admit"), attribute.String("service.version", version))
	provider := sdktrace.NewTracerProvider(to, sdktrace.WithResource(about))
	return &Tracer{provider: provider, tracer: provider.Tracer("github.com/admit-id/admit")}
}

// Start opens a span that is named by the route, never by the path, which may hold secrets.
func (t *Tracer) Start(r *http.Request, method, pattern string) (*http.Request, func(status int)) {
	options := []trace.SpanStartOption{trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", method), attribute.String("http.route", pattern))}
	remote := propagation.TraceContext{}.Extract(context.Background(), propagation.HeaderCarrier(r.Header))
	if caller := trace.SpanContextFromContext(remote); caller.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: caller}))
	}
	ctx, span := t.tracer.Start(r.Context(), method+" "+pattern, options...)
	return r.WithContext(ctx), func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= 500 {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// Close delivers what is left.
func (t *Tracer) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }
