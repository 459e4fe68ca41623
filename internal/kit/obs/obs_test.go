package obs

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/admit-id/admit/internal/kit/secret"
)

func TestLogHasNoSecrets(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(&out, slog.LevelDebug)
	canary := "hunter2hunter2"
	jwt := "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1In0." + canary
	log.Info("m "+jwt, "text", secret.New(canary), "Authorization", "Bearer "+canary, "token", canary,
		"err", errors.New("GET https://u:"+canary+"@host/x: refused"), "url", "/login?code="+canary+"&x=1",
		slog.Group("deep", "password", canary), "key", "sc_1.k.acc.MC4CAQAwBQYDK2VwBCIEI"+canary)
	log.With("cookie", canary).WithGroup("g").Info("x", "secret", canary)
	if strings.Contains(out.String(), canary) {
		t.Error(out.String())
	}
	if !strings.Contains(out.String(), `"url":"/login?[secret]&x=1"`) {
		t.Error("what is no secret is gone:", out.String())
	}
}

func TestMetrics(t *testing.T) {
	m := NewMetrics("v1")
	m.Route("GET", "/v1/x/{id}")(204, 0.001)
	m.Route("", "")(404, 0.001)
	m.Gauge("admit_test", "h", func() float64 { return 7 })
	m.Counter("admit_test_total", "h")()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{`admit_http_requests_total{method="GET",route="/v1/x/{id}",status="2xx"} 1`,
		`route="unmatched",status="4xx"} 1`, "admit_test 7", "admit_test_total 1", "go_goroutines", `version="v1"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestTrace(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	tracer := newTracer(sdktrace.WithSyncer(spans), "v1")
	r := httptest.NewRequest("GET", "/v1/x/secret", nil)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	_, end := tracer.Start(r, "GET", "/v1/x/{id}")
	end(503)
	got := spans.GetSpans()
	if len(got) != 1 || got[0].Name != "GET /v1/x/{id}" || len(got[0].Links) != 1 || got[0].Parent.IsValid() ||
		got[0].SpanContext.TraceID().String() == "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("%+v", got)
	}
}

func TestTracesGoWhereCollectorsTakeThem(t *testing.T) {
	for base, want := range map[string]string{"": "/v1/traces", "/": "/v1/traces", "/custom": "/custom"} {
		paths := make(chan string, 1)
		collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { paths <- r.URL.Path }))
		tracer, err := NewTracer(t.Context(), collector.URL+base, "v1")
		if err != nil {
			t.Fatal(err)
		}
		_, end := tracer.Start(httptest.NewRequest("GET", "/x", nil), "GET", "/x")
		end(200)
		if err := tracer.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if got := <-paths; got != want {
			t.Errorf("%q: traces went to %s, want %s", base, got, want)
		}
		collector.Close()
	}
}
