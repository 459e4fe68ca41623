package wire

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth"
)

// TestForm is OAU-29.
func TestForm(t *testing.T) {
	for name, c := range map[string]struct {
		target, kind, body string
		ok                 bool
	}{
		"form":        {"/", "application/x-www-form-urlencoded", "a=1&b=%20x&empty=", true},
		"utf-8":       {"/", "application/x-www-form-urlencoded; charset=UTF-8", "a=1", true},
		"utf-16":      {"/", "application/x-www-form-urlencoded; charset=utf-16", "a=1", false},
		"json":        {"/", "application/json", `{"a":1}`, false},
		"multipart":   {"/", "multipart/form-data; boundary=x", "--x--", false},
		"no type":     {"/", "", "a=1", false},
		"twice":       {"/", "application/x-www-form-urlencoded", "a=1&a=1", false},
		"twice empty": {"/", "application/x-www-form-urlencoded", "a=&a=1", false},
		"resource":    {"/", "application/x-www-form-urlencoded", "resource=1&resource=2", true},
		"semicolon":   {"/", "application/x-www-form-urlencoded", "a=1;b=2", false},
		"query":       {"/?client_secret=x", "application/x-www-form-urlencoded", "a=1", false},
		"control":     {"/", "application/x-www-form-urlencoded", "a=%00", false},
		"not utf-8":   {"/", "application/x-www-form-urlencoded", "a=%ff", false},
		"too large":   {"/", "application/x-www-form-urlencoded", "a=" + strings.Repeat("x", MaxForm), false},
		"too many":    {"/", "application/x-www-form-urlencoded", "a" + strings.Join(strings.Split(strings.Repeat("x", 200), ""), "=1&"), false},
	} {
		r := httptest.NewRequest("POST", c.target, strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		got, err := Form(r, "resource")
		if (err == nil) != c.ok {
			t.Errorf("%s: %v %v", name, got, err)
		}
		if name == "form" && (len(got) != 2 || got.Get("b") != " x") {
			t.Errorf("%v", got)
		}
	}
}

func TestError(t *testing.T) {
	for _, c := range []struct {
		err             error
		status          int
		code, challenge string
	}{
		{oauth.Fail(oauth.InvalidGrant, "No."), 400, "invalid_grant", ""},
		{oauth.Fail(oauth.InvalidClient, "No."), 401, "invalid_client", "Basic"},
		{oauth.Fail(oauth.InvalidToken, "No."), 401, "invalid_token", "Bearer"},
		{oauth.Fail(oauth.InsufficientScope, "No."), 403, "insufficient_scope", ""},
		{fault.New(fault.Limited, "", "Wait."), 429, "temporarily_unavailable", ""},
		{fault.New(fault.TooLarge, "", "Large."), 413, "invalid_request", ""},
		{fault.New(fault.Unavailable, "", "Not \"now\"."), 503, "temporarily_unavailable", ""},
		{fault.New(fault.Unauthenticated, "", "Used.").With(&web.ProofError{Code: "invalid_dpop_proof"}), 401, "invalid_dpop_proof", ""},
		{errors.New("a secret"), 500, "server_error", ""},
	} {
		w := httptest.NewRecorder()
		Error(w, httptest.NewRequest("POST", "/", nil), c.err)
		body := w.Body.String()
		if w.Code != c.status || !strings.Contains(body, `"error":"`+c.code+`"`) || strings.Contains(body, "secret") || strings.Contains(body, `\"`) ||
			w.Header().Get("Cache-Control") != "no-store" || !strings.HasPrefix(w.Header().Get("Www-Authenticate"), c.challenge) {
			t.Errorf("%v: %d %s %v", c.err, w.Code, body, w.Header())
		}
	}
}
