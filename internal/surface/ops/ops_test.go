package ops

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
)

func TestReadiness(t *testing.T) {
	clk := clock.NewFake(time.Unix(1e9, 0))
	var broken error
	calls := 0
	s := New(Deps{Clock: clk, Metrics: http.NotFoundHandler(), Checks: []Check{
		{"database", func(context.Context) error { calls++; return broken }},
		{"keys", func(context.Context) error { return nil }},
	}})
	ask := func(h func(http.ResponseWriter, *http.Request)) (int, string) {
		w := httptest.NewRecorder()
		h(w, httptest.NewRequest("GET", "/readyz", nil))
		return w.Code, w.Body.String()
	}
	public := func(w http.ResponseWriter, r *http.Request) {
		if err := s.readyz(w, r); err != nil {
			t.Error(err)
		}
	}
	if code, body := ask(public); code != 200 || body != `{"status":"ready"}` {
		t.Error(code, body)
	}
	broken = errors.New("no route to db.internal")
	if code, _ := ask(public); code != 200 || calls != 1 {
		t.Error("not remembered:", code, calls)
	}
	clk.Advance(time.Second)
	if code, body := ask(public); code != 503 || strings.Contains(body, "internal") {
		t.Error("strangers learn too much, or wrong:", code, body)
	}
	if code, body := ask(s.Operator().ServeHTTP); code != 503 || !strings.Contains(body, "db.internal") {
		t.Error("the operator learns too little:", code, body)
	}
}

func TestACheckThatHangsDoesNotHangTheProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clk := clock.NewFake(time.Unix(1e9, 0))
		release := make(chan struct{})
		running := 0
		s := New(Deps{Clock: clk, Checks: []Check{{"database", func(context.Context) error { running++; <-release; return nil }}, {"keys", func(context.Context) error { return nil }}}})
		for range 3 {
			start := time.Now()
			if results, ready := s.check(t.Context()); ready || results[0].Why != errSilent.Error() || !results[1].Ready || time.Since(start) > checkTimeout {
				t.Errorf("%v after %v", results, time.Since(start))
			}
			clk.Advance(time.Second)
		}
		close(release)
		synctest.Wait()
		if _, ready := s.check(t.Context()); !ready || running != 1 {
			t.Errorf("ready %v, %d checks at once", ready, running)
		}
	})
}

func TestMetricsOnlyForLoopbackDeployments(t *testing.T) {
	for loopback, want := range map[bool]int{true: 3, false: 2} {
		if got := len(New(Deps{Loopback: loopback}).Routes()); got != want {
			t.Errorf("loopback %v: %d routes", loopback, got)
		}
	}
}
