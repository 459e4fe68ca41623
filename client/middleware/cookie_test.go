package middleware

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/client/verify"
)

// cookied verifies tokens by a table: claims, or an error.
func cookied() Verifier {
	later := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	return mixed{claimed{
		"ann":   {Subject: "ann", SessionID: "s1", ExpiresAt: later},
		"ann2":  {Subject: "ann", SessionID: "s1", ExpiresAt: later.Add(time.Hour)},
		"eve":   {Subject: "eve", SessionID: "s9", ExpiresAt: later},
		"job":   {Subject: "job", ExpiresAt: later},
		"keyed": {Subject: "ann", SessionID: "s1", ExpiresAt: later, Confirmation: verify.Confirmation{JKT: "k"}},
		"cert":  {Subject: "ann", SessionID: "s1", ExpiresAt: later, Confirmation: verify.Confirmation{X5T: "x"}},
	}, map[string]error{"old": verify.ErrExpired, "dark": verify.ErrKeysUnavailable}}
}

type mixed struct {
	table claimed
	errs  map[string]error
}

// Verify lets bound tokens through, as somebody's own verifier may.
func (m mixed) Verify(ctx context.Context, token string) (verify.Claims, error) {
	if err := m.errs[token]; err != nil {
		return verify.Claims{}, err
	}
	return m.table.VerifyBound(ctx, token)
}

const site = "https://app.example.com"

func newCookie(t *testing.T, c CookieConfig) *Cookie {
	t.Helper()
	if c.AntiCSRF == SessionToken && c.Key == nil {
		c.Key = bytes.Repeat([]byte{7}, 32)
	}
	made, err := NewCookie(c)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// app is an application; it answers with who is calling, and a page has the value for its form.
func app(options Options, why *error) http.Handler {
	options.Refused = func(_ *http.Request, err error) { *why = err }
	return RequireToken(cookied(), options)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprint(w, CSRFToken(r))
			return
		}
		c, _ := Claims(r.Context())
		fmt.Fprint(w, c.Subject, r.PostFormValue("order"))
	}))
}

// page returns what the page of a session has for its forms.
func page(t *testing.T, h http.Handler, token string) string {
	t.Helper()
	r := httptest.NewRequest("GET", site+"/", nil)
	r.AddCookie(&http.Cookie{Name: CookieName, Value: token})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 200 || w.Header().Get("Vary") != "Cookie" || w.Header().Get("Cache-Control") != "private" {
		t.Fatal(w.Code, w.Header(), w.Body)
	}
	return w.Body.String()
}

type attack struct {
	name    string
	request string   // method and path
	headers []string // "Name: value"
	form    string
	status  int
	code    string // errorCode, or who is calling
	why     error
}

func (a attack) run(t *testing.T, h http.Handler, why *error) {
	t.Helper()
	*why = nil
	method, path, _ := strings.Cut(a.request, " ")
	var r *http.Request
	if a.form == "" {
		r = httptest.NewRequest(method, site+path, nil)
	} else {
		r = httptest.NewRequest(method, site+path, strings.NewReader(a.form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, header := range a.headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Content-Type" {
			r.Header.Del(name)
		}
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != a.status || !errors.Is(*why, a.why) || !strings.Contains(w.Body.String(), a.code) {
		t.Errorf("%s: %d %s because of %v", a.name, w.Code, w.Body, *why)
	}
	if challenged := w.Header().Get("WWW-Authenticate") != ""; challenged != (w.Code == 401) {
		t.Errorf("%s: %d with WWW-Authenticate %t", a.name, w.Code, challenged)
	}
	if w.Code >= 400 && w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s: %v", a.name, w.Header())
	}
}

const (
	cookie  = "Cookie: authorization=ann"
	cross   = "Sec-Fetch-Site: cross-site"
	sibling = "Sec-Fetch-Site: same-site"
	own     = "Sec-Fetch-Site: same-origin"
	script  = "X-Requested-With: fetch"
	foreign = "Origin: https://evil.example.net"
)

func TestCookieWithCustomHeader(t *testing.T) {
	var why error
	h := app(Options{Cookie: newCookie(t, CookieConfig{AntiCSRF: CustomHeader, Origins: []string{"https://www.example.com"}})}, &why)
	for _, a := range []attack{
		{"a page's script", "POST /", []string{cookie, own, script}, "", 200, "ann", nil},
		{"an old browser's script", "POST /", []string{cookie, "Origin: " + site, script}, "", 200, "ann", nil},
		{"no browser", "POST /", []string{cookie, script}, "", 200, "ann", nil},
		{"a trusted origin", "POST /", []string{cookie, sibling, "Origin: https://www.example.com", script}, "", 200, "ann", nil},
		{"a trusted origin without the header", "POST /", []string{cookie, sibling, "Origin: https://www.example.com"}, "", 403, "CsrfHeader", ErrCSRFHeader},
		{"the header is missing", "POST /", []string{cookie, own}, "", 403, "CsrfHeader", ErrCSRFHeader},
		{"the header is empty", "POST /", []string{cookie, own, "X-Requested-With: "}, "", 403, "CsrfHeader", ErrCSRFHeader},
		{"the header is blank", "POST /", []string{cookie, own, "X-Requested-With:   "}, "", 403, "CsrfHeader", ErrCSRFHeader},
		{"the header is there twice", "POST /", []string{cookie, own, script, script}, "", 403, "CsrfHeader", ErrCSRFHeader},
		{"the header in the form", "POST /", []string{cookie, own}, "X-Requested-With=fetch", 403, "CsrfHeader", ErrCSRFHeader},
		{"cross-site form", "POST /", []string{cookie, cross, foreign}, "order=1", 403, "CrossOrigin", ErrCrossOrigin},
		{"cross-site form, old browser", "POST /", []string{cookie, foreign}, "order=1", 403, "CrossOrigin", ErrCrossOrigin},
		{"cross-site form, no origin told", "POST /", []string{cookie}, "order=1", 403, "CsrfHeader", ErrCSRFHeader},
		{"cross-site form from a sandbox", "POST /", []string{cookie, "Origin: null", script}, "order=1", 403, "CrossOrigin", ErrCrossOrigin},
		{"cross-site fetch that CORS let through", "POST /", []string{cookie, cross, foreign, script}, "", 403, "CrossOrigin", ErrCrossOrigin},
		{"a sibling's fetch", "POST /", []string{cookie, sibling, "Origin: https://blog.example.com", script}, "", 403, "CrossOrigin", ErrCrossOrigin},
		{"another port", "POST /", []string{cookie, "Origin: https://app.example.com:8443", script}, "", 403, "CrossOrigin", ErrCrossOrigin},
		{"DELETE", "DELETE /", []string{cookie, cross}, "", 403, "CrossOrigin", ErrCrossOrigin},
		{"unknown method", "PURGE /", []string{cookie}, "", 403, "CsrfHeader", ErrCSRFHeader},
		{"method in small letters", "get /", []string{cookie}, "", 403, "CsrfHeader", ErrCSRFHeader},
		{"a link from elsewhere", "GET /", []string{cookie, cross}, "", 200, "", nil},
		{"HEAD", "HEAD /", []string{cookie, cross}, "", 200, "", nil},
		{"OPTIONS", "OPTIONS /", []string{cookie, cross}, "", 200, "", nil},
		{"method override by header", "GET /", []string{cookie, "X-HTTP-Method-Override: DELETE"}, "", 403, "CsrfHeader", ErrCSRFHeader},
		{"method override by another header", "GET /", []string{cookie, cross, "X-HTTP-Method: DELETE"}, "", 403, "CrossOrigin", ErrCrossOrigin},
		{"method override by query", "GET /?a=b&_method=DELETE", []string{cookie}, "", 403, "CsrfHeader", ErrCSRFHeader},
		{"method override by escaped query", "GET /?%5fmethod=DELETE", []string{cookie}, "", 403, "CsrfHeader", ErrCSRFHeader},
		{"WebSocket", "GET /", []string{cookie, "Upgrade: websocket", own}, "", 200, "", nil},
		{"WebSocket of an old browser", "GET /", []string{cookie, "Upgrade: websocket", "Origin: " + site}, "", 200, "", nil},
		{"WebSocket of a sibling", "GET /", []string{cookie, "Upgrade: websocket", sibling}, "", 403, "CrossOrigin", ErrCrossOrigin},
		{"WebSocket of nobody", "GET /", []string{cookie, "Upgrade: websocket"}, "", 403, "CrossOrigin", ErrCrossOrigin},
	} {
		a.run(t, h, &why)
	}
}

func TestCookieWithSessionToken(t *testing.T) {
	var why error
	h := app(Options{Cookie: newCookie(t, CookieConfig{AntiCSRF: SessionToken, MaxForm: 2000})}, &why)
	ann, again, eve := page(t, h, "ann"), page(t, h, "ann2"), page(t, h, "eve")
	if ann == again || len(ann) != 64 {
		t.Errorf("two pages: %q, %q", ann, again)
	}
	foreignKey := page(t, app(Options{Cookie: newCookie(t, CookieConfig{AntiCSRF: SessionToken, Key: bytes.Repeat([]byte{8}, 32)})}, &why), "ann")
	flipped := "A" + ann[1:]
	if ann[0] == 'A' {
		flipped = "B" + ann[1:]
	}
	header := func(v string) string { return "X-CSRF-Token: " + v }
	field := func(v string) string { return url.Values{"order": {"7"}, CSRFField: {v}}.Encode() }
	for _, a := range []attack{
		{"form", "POST /", []string{cookie, own}, field(ann), 200, "ann7", nil},
		{"form, old browser", "POST /", []string{cookie}, field(ann), 200, "ann7", nil},
		{"form of an earlier token of the session", "POST /", []string{cookie, own}, field(again), 200, "ann7", nil},
		{"form after a silent renewal", "POST /", []string{"Cookie: authorization=ann2", own}, field(ann), 200, "ann7", nil},
		{"header", "POST /", []string{cookie, own, header(ann)}, "order=7", 200, "ann7", nil},
		{"header with DELETE", "DELETE /", []string{cookie, own, header(ann)}, "", 200, "ann", nil},
		{"header with JSON", "POST /", []string{cookie, own, header(ann), "Content-Type: application/json"}, "{}", 200, "ann", nil},
		{"cross-site form", "POST /", []string{cookie, cross, foreign}, "order=7", 403, "CrossOrigin", ErrCrossOrigin},
		{"cross-site form, no origin told", "POST /", []string{cookie}, "order=7", 403, "CsrfToken", ErrCSRFToken},
		{"cross-site form with the attacker's token", "POST /", []string{cookie}, field(eve), 403, "CsrfToken", ErrCSRFToken},
		{"a sibling plants its cookie and its token", "POST /", []string{"Cookie: authorization=eve", sibling}, field(eve), 403, "CrossOrigin", ErrCrossOrigin},
		{"a sibling plants its cookie beside", "POST /", []string{"Cookie: authorization=eve; authorization=ann", own}, field(ann), 401, "Unauthenticated", ErrCookies},
		{"a sibling plants its cookie over it", "POST /", []string{"Cookie: authorization=eve", own}, field(ann), 403, "CsrfToken", ErrCSRFToken},
		{"a sibling plants a cookie for the token", "POST /", []string{cookie + "; csrf_token=x; X-CSRF-Token=x", own}, field("x"), 403, "CsrfToken", ErrCSRFToken},
		{"token of another session", "POST /", []string{cookie, own, header(eve)}, "", 403, "CsrfToken", ErrCSRFToken},
		{"token of another key", "POST /", []string{cookie, own, header(foreignKey)}, "", 403, "CsrfToken", ErrCSRFToken},
		{"changed", "POST /", []string{cookie, own, header(flipped)}, "", 403, "CsrfToken", ErrCSRFToken},
		{"cut", "POST /", []string{cookie, own, header(ann[:60])}, "", 403, "CsrfToken", ErrCSRFToken},
		{"padded", "POST /", []string{cookie, own, header(ann + "=")}, "", 403, "CsrfToken", ErrCSRFToken},
		{"longer", "POST /", []string{cookie, own, header(ann + "AAAA")}, "", 403, "CsrfToken", ErrCSRFToken},
		{"empty header", "POST /", []string{cookie, own, header("")}, field(ann), 403, "CsrfToken", ErrCSRFToken},
		{"two headers", "POST /", []string{cookie, own, header(ann), header(ann)}, "", 403, "CsrfToken", ErrCSRFToken},
		{"missing field", "POST /", []string{cookie, own}, "order=7", 403, "CsrfToken", ErrCSRFToken},
		{"empty field", "POST /", []string{cookie, own}, field(""), 403, "CsrfToken", ErrCSRFToken},
		{"two fields", "POST /", []string{cookie, own}, field(ann) + "&csrf_token=" + ann, 403, "CsrfToken", ErrCSRFToken},
		{"in the query", "POST /?csrf_token=" + ann, []string{cookie, own}, "order=7", 403, "CsrfToken", ErrCSRFToken},
		{"as plain text", "POST /", []string{cookie, own, "Content-Type: text/plain"}, field(ann), 403, "CsrfToken", ErrCSRFToken},
		{"only the custom header", "POST /", []string{cookie, own, script}, "", 403, "CsrfToken", ErrCSRFToken},
		{"too large", "POST /", []string{cookie, own}, field(ann) + "&x=" + strings.Repeat("x", 2000), 403, "CsrfForm", ErrForm},
		{"damaged", "POST /", []string{cookie, own}, field(ann) + "&%zz", 403, "CsrfForm", ErrForm},
		{"too large, with the header", "POST /", []string{cookie, own, header(ann)}, strings.Repeat("x", 3000), 200, "ann", nil},
	} {
		a.run(t, h, &why)
	}
	files(t, h, &why, ann, 200)
	files(t, h, &why, eve, 403)
	if CSRFToken(httptest.NewRequest("GET", "/", nil)) != "" {
		t.Error("a token for nobody")
	}
}

// files posts a form with a file.
func files(t *testing.T, h http.Handler, why *error, token string, status int) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("photo", "a.png")
	if err == nil {
		_, err = part.Write([]byte("photo"))
	}
	if err = errors.Join(err, form.WriteField(CSRFField, token), form.WriteField("order", "7"), form.Close()); err != nil {
		t.Fatal(err)
	}
	attack{"form with a file", "POST /", []string{cookie, own, "Content-Type: " + form.FormDataContentType()}, body.String(), status, map[int]string{200: "ann7"}[status],
		map[int]error{403: ErrCSRFToken}[status]}.run(t, h, why)
}

// Which token counts is the same in both modes.
func TestCookieAndHeader(t *testing.T) {
	var why error
	h := app(Options{Cookie: newCookie(t, CookieConfig{AntiCSRF: CustomHeader})}, &why)
	for _, a := range []attack{
		{"nothing", "POST /", []string{script}, "", 401, "Unauthenticated", ErrNoToken},
		{"an empty cookie", "POST /", []string{script, "Cookie: authorization="}, "", 401, "", ErrNoToken},
		{"expired", "POST /", []string{script, "Cookie: authorization=old"}, "", 401, "Unauthenticated", verify.ErrExpired},
		{"expired and good", "POST /", []string{script, "Cookie: authorization=old; authorization=ann"}, "", 200, "ann", nil},
		{"two of a session", "POST /", []string{script, "Cookie: authorization=ann2; authorization=ann"}, "", 200, "ann", nil},
		{"two of two sessions", "POST /", []string{script, "Cookie: authorization=ann; authorization=eve"}, "", 401, "", ErrCookies},
		{"of two sessions, to read", "GET /", []string{"Cookie: authorization=ann", "Cookie: authorization=eve"}, "", 401, "", ErrCookies},
		{"a jar full", "POST /", []string{script, "Cookie: " + strings.Repeat("authorization=ann; ", 5)}, "", 401, "", ErrCookies},
		{"forged", "POST /", []string{script, "Cookie: authorization=forged"}, "", 401, "", verify.ErrMalformed},
		{"no keys", "POST /", []string{script, "Cookie: authorization=ann; authorization=dark"}, "", 503, "Unavailable", verify.ErrKeysUnavailable},
		{"of no session", "POST /", []string{script, "Cookie: authorization=job"}, "", 401, "", ErrNoSession},
		{"bound to a key", "POST /", []string{script, "Cookie: authorization=keyed"}, "", 401, "", verify.ErrBound},
		{"bound to a certificate", "POST /", []string{script, "Cookie: authorization=cert"}, "", 401, "", verify.ErrBound},
		{"another name", "POST /", []string{script, "Cookie: user=ann; Authorization=ann"}, "", 401, "", ErrNoToken},
		{"the header alone", "POST /", []string{"Authorization: Bearer eve"}, "", 200, "eve", nil},
		{"both: the header counts", "POST /", []string{cookie, cross, "Authorization: Bearer eve"}, "", 200, "eve", nil},
		{"both: the header is bad", "POST /", []string{cookie, script, "Authorization: Bearer old"}, "", 401, "", verify.ErrExpired},
		{"both: the header is empty", "POST /", []string{cookie, script, "Authorization: "}, "", 401, "", ErrHeader},
		{"both: the header is Basic", "POST /", []string{cookie, script, "Authorization: Basic YTpi"}, "", 401, "", ErrHeader},
	} {
		a.run(t, h, &why)
	}
	attack{"without the option", "GET /", []string{cookie, script}, "", 401, "", ErrNoToken}.run(t, app(Options{}, &why), &why)
	strict := Options{OnlyBound: true, Cookie: newCookie(t, CookieConfig{AntiCSRF: CustomHeader})}
	attack{"where only bound ones are taken", "GET /", []string{cookie, script}, "", 401, "", ErrUnbound}.run(t, app(strict, &why), &why)
}
