package middleware

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/admit-id/admit/client/verify"
)

// byName verifies tokens by a table.
type byName map[string]error

func (b byName) Verify(_ context.Context, token string) (verify.Claims, error) {
	err, ok := b[token]
	if !ok {
		err = verify.ErrMalformed
	}
	return verify.Claims{Subject: "u_1"}, err
}

func TestRequireToken(t *testing.T) {
	table := byName{
		"good": nil, "forged": verify.ErrSignature, "expired": verify.ErrExpired, "foreign": verify.ErrIssuer,
		"later": fmt.Errorf("%w: no route", verify.ErrKeysUnavailable),
	}
	var why error
	h := RequireToken(table, Options{Refused: func(_ *http.Request, err error) { why = err }})(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, ok := Claims(r.Context())
			fmt.Fprint(w, c.Subject, ok, Token(r.Context()))
		}))
	const (
		plain   = "Bearer"
		invalid = `Bearer error="invalid_token", error_description="The access token is not valid."`
	)
	for _, c := range []struct {
		name      string
		headers   []string
		status    int
		challenge string
		why       error
	}{
		{"good", []string{"Bearer good"}, 200, "", nil},
		{"scheme in another case", []string{"bEARER good"}, 200, "", nil},
		{"missing", nil, 401, plain, ErrNoToken},
		{"forged", []string{"Bearer forged"}, 401, invalid, verify.ErrSignature},
		{"expired", []string{"Bearer expired"}, 401, invalid, verify.ErrExpired},
		{"foreign issuer", []string{"Bearer foreign"}, 401, invalid, verify.ErrIssuer},
		{"no keys", []string{"Bearer later"}, 503, "", verify.ErrKeysUnavailable},
		{"two headers", []string{"Bearer good", "Bearer good"}, 401, invalid, ErrHeader},
		{"joined", []string{"Bearer good, Bearer good"}, 401, invalid, ErrHeader},
		{"two spaces", []string{"Bearer  good"}, 401, invalid, ErrHeader},
		{"bare scheme", []string{"Bearer"}, 401, invalid, ErrHeader},
		{"empty", []string{""}, 401, invalid, ErrHeader},
		{"basic", []string{"Basic good"}, 401, invalid, ErrHeader},
		{"not ASCII", []string{"Bearer gööd"}, 401, invalid, verify.ErrMalformed},
	} {
		why = nil
		r := httptest.NewRequest("GET", "/?access_token=good", nil)
		r.Header["Authorization"] = c.headers
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("WWW-Authenticate") != c.challenge || !errors.Is(why, c.why) {
			t.Errorf("%s: got %d %q because of %v", c.name, w.Code, w.Header().Get("WWW-Authenticate"), why)
		}
		body := w.Body.String()
		if c.status == 200 && body != "u_1truegood" {
			t.Errorf("%s: got %q", c.name, body)
		}
		if c.status != 200 && (w.Header().Get("Cache-Control") != "no-store" || strings.Contains(body, "good")) {
			t.Errorf("%s: got %q", c.name, body)
		}
	}
}

func TestClaimsWithoutTheMiddleware(t *testing.T) {
	if _, ok := Claims(context.Background()); ok || Token(context.Background()) != "" {
		t.Error("claims out of nowhere")
	}
}
