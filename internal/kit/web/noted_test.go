package web

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

type loud struct{ error }

func (loud) Noted() bool { return true }

// A refusal that asks for it is logged for the operator; others only at debug.
func TestNotedRefusals(t *testing.T) {
	var log bytes.Buffer
	d := deps()
	d.Log = slog.New(slog.NewTextHandler(&log, nil)) // info and above
	quiet, noisy := route("GET", "/quiet", Public, NoCORS), route("GET", "/noisy", Public, NoCORS)
	cause := errors.New("the reason")
	quiet.Hot, noisy.Hot = true, true
	quiet.Handler = func(http.ResponseWriter, *http.Request) error { return errTooLarge.With(cause) }
	noisy.Handler = func(http.ResponseWriter, *http.Request) error { return loud{errTooLarge.With(cause)} }
	rt, err := NewRouter(d, []Route{quiet, noisy})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{"/quiet": false, "/noisy": true} {
		log.Reset()
		r := httptest.NewRequest("GET", "http://a.example"+path, nil)
		rt.ServeHTTP(httptest.NewRecorder(), r)
		if got := strings.Contains(log.String(), "the reason"); got != want {
			t.Errorf("%s: logged %v: %s", path, got, log.String())
		}
	}
}
