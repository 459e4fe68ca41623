package middleware

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/admit-id/admit/client/verify"
)

func TestCookieChoices(t *testing.T) {
	var why error
	all := app(Options{Cookie: newCookie(t, CookieConfig{Name: "__Host-shop", AntiCSRF: CustomHeader, Header: "Shop-Call", EveryMethod: true})}, &why)
	for _, a := range []attack{
		{"script", "GET /", []string{"Cookie: __Host-shop=ann", own, "Shop-Call: 1"}, "", 200, "", nil},
		{"a link", "GET /", []string{"Cookie: __Host-shop=ann", "Sec-Fetch-Site: none"}, "", 403, "CsrfHeader", ErrCSRFHeader},
		{"a foreign image", "GET /", []string{"Cookie: __Host-shop=ann", cross}, "", 403, "CrossOrigin", ErrCrossOrigin},
		{"HEAD", "HEAD /", []string{"Cookie: __Host-shop=ann", own}, "", 403, "", ErrCSRFHeader},
		{"the default's name", "GET /", []string{cookie, own, "Shop-Call: 1"}, "", 401, "", ErrNoToken},
		{"the default's header", "GET /", []string{"Cookie: __Host-shop=ann", own, script}, "", 403, "CsrfHeader", ErrCSRFHeader},
	} {
		a.run(t, all, &why)
	}
	in := app(Options{Cookie: newCookie(t, CookieConfig{AntiCSRF: CustomHeader, SignIn: http.RedirectHandler("/sign-in", http.StatusSeeOther)})}, &why)
	for request, status := range map[string]int{"GET": 303, "HEAD": 303, "POST": 401} {
		w := httptest.NewRecorder()
		if in.ServeHTTP(w, httptest.NewRequest(request, site, nil)); w.Code != status || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d", request, w.Code)
		}
	}
	attack{"a bad header is no visitor", "GET /", []string{"Authorization: Bearer old"}, "", 401, "", verify.ErrExpired}.run(t, in, &why)
	key := make([]byte, 32)
	for name, c := range map[string]CookieConfig{
		"no mode": {}, "no such mode": {AntiCSRF: 3}, "no key": {AntiCSRF: SessionToken}, "short key": {AntiCSRF: SessionToken, Key: key[:31]},
		"key without use": {AntiCSRF: CustomHeader, Key: key}, "browser's header": {AntiCSRF: CustomHeader, Header: "accept-language"},
		"proxy's header": {AntiCSRF: CustomHeader, Header: "X-Forwarded-For"}, "simple header": {AntiCSRF: SessionToken, Key: key, Header: "Content-Type"},
		"cookie": {AntiCSRF: CustomHeader, Header: "Cookie"}, "no name": {AntiCSRF: CustomHeader, Header: "a b"}, "no cookie name": {AntiCSRF: CustomHeader, Name: "a=b"},
		"origin with a path": {AntiCSRF: CustomHeader, Origins: []string{"https://a.example/x"}}, "below zero": {AntiCSRF: SessionToken, Key: key, MaxForm: -1},
	} {
		if _, err := NewCookie(c); err == nil {
			t.Error(name)
		}
	}
	if made := newCookie(t, CookieConfig{AntiCSRF: SessionToken}); strings.Contains(fmt.Sprintf("%v %+v %#v", made, made, made), "7") {
		t.Error("the key is printed")
	}
}
