package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/device"
)

// in signs a browser in to a client, and returns the claims of its ID token.
func (v visitor) in(client, email string, pairs ...string) map[string]any {
	v.Helper()
	w := v.authorize(ask(client, pairs...))
	if strings.HasPrefix(w.Header().Get("Location"), oauthIssuer+"/login") {
		w = v.next(v.signIn(w, email), "/oauth/resume?request=")
	}
	return v.redeem(client, v.answer(w, "query"))
}

// fields are the hidden fields of a page's first form.
func fields(w *httptest.ResponseRecorder) url.Values {
	out := url.Values{}
	form, _, _ := strings.Cut(w.Body.String(), "</form>")
	for _, m := range hidden.FindAllStringSubmatch(form, -1) {
		out.Set(m[1], html.UnescapeString(m[2]))
	}
	return out
}

func (v visitor) alive(client string) bool {
	v.Helper()
	return v.answer(v.authorize(ask(client, "prompt", "none")), "query").Get("code") != ""
}

// logouts takes the place of clients that are told of logouts.
type logouts struct {
	mu   sync.Mutex // several are told at once
	got  []string   // host and the token's sid
	says int
	keys []jose.PublicJWK
	t    *testing.T
}

func (l *logouts) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	q, err := url.ParseQuery(string(body))
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || len(q) != 1 {
		l.t.Errorf("%s %s %s", r.Method, r.Header, body)
	}
	header, claims, err := jose.VerifyForeign(q.Get("logout_token"), l.keys, jose.Expect{Algorithms: jose.Algorithms(), Types: []string{"logout+jwt"}})
	if err != nil {
		l.t.Errorf("%v %+v", err, header)
	}
	var c struct {
		Issuer, Subject, SID, JTI, Aud string
		Events                         map[string]json.RawMessage
		Nonce                          *string
		IAT, Exp                       int64
	}
	var raw map[string]any
	_ = json.Unmarshal(claims, &raw)
	_ = json.Unmarshal(claims, &c)
	c.Issuer, _ = raw["iss"].(string)
	c.Subject, _ = raw["sub"].(string)
	if c.Issuer != oauthIssuer || c.Subject == "" || c.SID == "" || c.JTI == "" || c.Aud == "" || c.Nonce != nil || c.Exp-c.IAT > 120 ||
		string(c.Events["http://schemas.openid.net/event/backchannel-logout"]) != "{}" {
		l.t.Errorf("%s", claims)
	}
	l.mu.Lock()
	l.got = append(l.got, r.URL.Host+" "+c.SID)
	l.mu.Unlock()
	if l.says == 0 {
		return nil, errors.New("nobody is there")
	}
	return &http.Response{StatusCode: l.says, Body: io.NopCloser(bytes.NewReader(nil)), Header: http.Header{"Location": {"https://evil.example/"}}}, nil
}

func (d deployment) deliver(says int) []string {
	d.Helper()
	keys, err := jose.ParseJWKS(d.visitor().do("GET", "/.well-known/jwks.json", nil).Body.Bytes())
	if err != nil {
		d.Fatal(err)
	}
	l := &logouts{says: says, t: d.T, keys: keys}
	s := d.app.logoutSender()
	s.HTTP = &http.Client{Transport: l, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if _, err := s.Worker().Once(d.Context()); err != nil {
		d.Fatal(err)
	}
	slices.Sort(l.got)
	return l.got
}

const bye = "https://app.example/bye?a=1"

func TestLogout(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		one := d.register("One", application.OAuth{
			PostLogoutRedirectURLs: []string{bye}, BackchannelLogoutURL: "https://one.example/out", BackchannelSessionRequired: true,
			FrontchannelLogoutURL: "https://one.example/front?x=1", FrontchannelSessionRequired: true,
		})
		two := d.register("Two", application.OAuth{BackchannelLogoutURL: "https://two.example/out", PostLogoutRedirectURLs: []string{"https://two.example/bye"}})
		three := d.register("Three", application.OAuth{PostLogoutRedirectURLs: []string{"https://three.example/bye"}})
		v := d.visitor()
		claims := v.in(one, "ann@x.example")
		sid, hint := claims["sid"].(string), claims["id_token"].(string)
		if other := v.in(two, ""); other["sid"] != sid {
			t.Fatal(other["sid"], sid)
		}
		v.in(one, "") // twice is once
		threeHint := v.in(three, "")["id_token"].(string)
		stranger := d.visitor()
		evesHint := stranger.in(one, "eve@x.example")["id_token"].(string)

		// RED-12: nothing of this ends the session, or leads anywhere.
		end := func(pairs ...string) *httptest.ResponseRecorder {
			q := url.Values{}
			for i := 0; i+1 < len(pairs); i += 2 {
				q.Set(pairs[i], pairs[i+1])
			}
			return v.do("GET", "/oauth/logout?"+q.Encode(), nil)
		}
		const back = "post_logout_redirect_uri"
		for name, w := range map[string]*httptest.ResponseRecorder{
			"nothing":                       end(),
			"unregistered":                  end("client_id", one, back, "https://evil.example/"),
			"of another client":             end("client_id", two, back, bye),
			"a prefix":                      end("client_id", one, back, bye+"&b=2"),
			"without the query":             end("client_id", one, back, "https://app.example/bye"),
			"no client":                     end(back, bye),
			"an unknown client":             end("client_id", "app_none", back, bye),
			"somebody else's hint":          end("id_token_hint", evesHint, back, bye),
			"a modified hint":               end("id_token_hint", hint[:len(hint)-6]+"AAAAAA", "client_id", one, back, bye),
			"a hint of another client":      end("id_token_hint", threeHint, "client_id", one, back, bye),
			"no token":                      end("id_token_hint", "x", "client_id", one, back, bye),
			"client only":                   end("client_id", one, back, bye, "state", "s"),
			"a hint's unsigned header":      end("id_token_hint", "eyJhbGciOiJub25lIn0."+strings.Split(hint, ".")[1]+".", back, bye),
			"an access token's worth of it": end("id_token_hint", strings.Repeat("a", 9000)),
		} {
			if w.Code != http.StatusOK || w.Header().Get("Location") != "" || !strings.Contains(w.Body.String(), "/oauth/logout/confirm") || strings.Contains(w.Body.String(), "evil.example") {
				t.Errorf("%s: %d %v", name, w.Code, w.Header())
			}
			registered := fields(w).Get(back)
			if want := name == "client only" || name == "somebody else's hint"; (registered == bye) != want {
				t.Errorf("%s: the form leads to %q", name, registered)
			}
		}
		if w := v.do("GET", "/oauth/logout?id_token_hint="+hint, nil, "Sec-Fetch-Dest", "image", "Sec-Fetch-Mode", "no-cors"); w.Code != http.StatusForbidden {
			t.Error("an image signs out:", w.Code)
		}
		if w := v.do("POST", "/oauth/logout/confirm", url.Values{"client_id": {one}}, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); w.Code != http.StatusForbidden {
			t.Error("another site signs out:", w.Code)
		}
		if !v.alive(one) || len(d.deliver(200)) != 0 {
			t.Fatal("a session ended")
		}

		// The real thing, by POST from the client's site, which becomes a GET.
		w := v.do("POST", "/oauth/logout", url.Values{"id_token_hint": {hint}, back: {bye}, "state": {"a b&c=ü"}}, "Sec-Fetch-Site", "cross-site", "Origin", "https://app.example")
		w = v.next(w, "/oauth/logout?")
		policy, page := w.Header().Get("Content-Security-Policy"), html.UnescapeString(w.Body.String())
		if w.Code != http.StatusOK || !strings.HasSuffix(policy, "; frame-src https://one.example") {
			t.Fatal(w.Code, policy)
		}
		for _, want := range []string{
			"https://one.example/front?x=1&iss=http%3A%2F%2Flocalhost%3A8080&sid=" + sid, bye + "&state=a+b%26c%3D%C3%BC", "Back to One",
		} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %s: %s", want, page)
			}
		}
		if v.alive(one) {
			t.Fatal("the session lives")
		}
		if !stranger.alive(one) {
			t.Fatal("another person's session ended")
		}
		// One of the two is down; nobody else's delivery is touched.
		want := []string{"one.example " + sid, "two.example " + sid}
		if got := d.deliver(0); !slices.Equal(got, want) {
			t.Fatal(got)
		}
		if got := d.deliver(200); len(got) != 0 {
			t.Fatal("tried again at once:", got)
		}
		d.later(t)
		if got := d.deliver(302); !slices.Equal(got, want) {
			t.Fatal("not tried again:", got)
		}
		d.later(t)
		if got := d.deliver(204); !slices.Equal(got, want) {
			t.Fatal(got)
		}
		d.later(t)
		if got := d.deliver(200); len(got) != 0 {
			t.Fatal("delivered twice:", got)
		}

		// After it there is nobody to sign out: an old hint leads back at once, and client_id alone too.
		if w := end("id_token_hint", hint, back, bye); w.Code != http.StatusSeeOther || w.Header().Get("Location") != bye {
			t.Error(w.Code, w.Header())
		}
		if w := end("client_id", one, back, "https://evil.example"); w.Code != http.StatusOK || w.Header().Get("Location") != "" {
			t.Error(w.Code, w.Header())
		}

		// With the button.
		sid = v.in(two, "ann@x.example")["sid"].(string)
		w = end("client_id", two, back, "https://two.example/bye", "state", "s")
		w = v.do("POST", "/oauth/logout/confirm", fields(w))
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "https://two.example/bye?state=s" || v.alive(two) {
			t.Fatal(w.Code, w.Header())
		}
		if got := d.deliver(400); !slices.Equal(got, []string{"two.example " + sid}) {
			t.Fatal(got)
		}
		d.later(t)
		if got := d.deliver(200); len(got) != 0 {
			t.Fatal("tried again after a refusal:", got)
		}

		// A logout in the browser SDK's way tells the clients, too.
		for name, out := range map[string]func(visitor) int{
			"GET /logout":         func(v visitor) int { return v.do("GET", "/logout?hop=1", nil).Code },
			"DELETE /api/session": func(v visitor) int { return v.do("DELETE", "/api/session", nil, "Origin", oauthIssuer).Code },
		} {
			v := d.visitor()
			sid := v.in(two, "ann@x.example")["sid"].(string)
			if code := out(v); code != http.StatusSeeOther && code != http.StatusOK || v.alive(two) {
				t.Error(name, code)
			}
			if got := d.deliver(200); !slices.Equal(got, []string{"two.example " + sid}) {
				t.Error(name, got)
			}
		}
		// So does somebody else who signs in with the same browser, and a client that is gone hears nothing.
		v = d.visitor()
		sid = v.in(two, "ann@x.example")["sid"].(string)
		v.next(v.signIn(v.authorize(ask(two, "prompt", "login")), "eve@x.example"), "/oauth/resume?request=")
		if got := d.deliver(200); !slices.Equal(got, []string{"two.example " + sid}) {
			t.Error("replaced:", got)
		}
	})
}

// later makes the deliveries due that wait for another try.
func (d deployment) later(t *testing.T) {
	t.Helper()
	if err := d.app.db.Write(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
		_, err := sqldb.From(x).Exec(ctx, `UPDATE oauth_logouts SET next_at = 1 WHERE done_at = 0`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestLogoutEverywhere(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{BackchannelLogoutURL: "https://one.example/out", Scopes: []string{"openid", "offline_access"}})
		other := d.register("Two", application.OAuth{BackchannelLogoutURL: "https://two.example/out"})
		by := actor.ForOperator(ident.DefaultAccount)
		fresh := func(v visitor, email string) (refresh, sid string, user ident.UserID) {
			t.Helper()
			v.in(client, email, "scope", "openid")
			q := v.answer(v.authorize(ask(client, "scope", "openid offline_access")), "query")
			w := v.do("POST", "/oauth/token", url.Values{
				"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "client_id": {client}, "redirect_uri": {oauthCallback}, "code_verifier": {oauthVerifier},
			})
			var tokens struct {
				Refresh string `json:"refresh_token"`
			}
			if err := json.Unmarshal(w.Body.Bytes(), &tokens); err != nil || tokens.Refresh == "" {
				t.Fatal(w.Body)
			}
			claims := v.in(other, "")
			return tokens.Refresh, claims["sid"].(string), ident.UserID(claims["sub"].(string))
		}
		renews := func(refresh string) bool {
			return d.visitor().do("POST", "/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {client}}).Code == http.StatusOK
		}
		for name, c := range map[string]struct {
			end   func(user ident.UserID) error
			lives bool // the browser's session
			told  []string
		}{
			"user":    {func(u ident.UserID) error { return d.app.f.oauth.logouts.EndUser(t.Context(), by, u) }, false, []string{"one.example", "two.example"}},
			"client":  {func(ident.UserID) error { return d.app.f.oauth.logouts.EndClient(t.Context(), by, client) }, true, []string{"one.example"}},
			"account": {func(ident.UserID) error { return d.app.f.oauth.logouts.EndAccount(t.Context(), by) }, false, []string{"one.example", "two.example"}},
		} {
			v := d.visitor()
			refresh, sid, user := fresh(v, name+"@x.example")
			if !v.alive(other) {
				t.Fatal(name)
			}
			if err := c.end(user); err != nil {
				t.Fatal(name, err)
			}
			if renews(refresh) {
				t.Errorf("%s: the refresh token lives", name)
			}
			if v.alive(other) != c.lives {
				t.Errorf("%s: the session", name)
			}
			var want []string
			for _, host := range c.told {
				want = append(want, host+" "+sid)
			}
			if got := d.deliver(200); !slices.Equal(got, want) {
				t.Errorf("%s: told %v, want %v", name, got, want)
			}
			if err := d.app.f.oauth.logouts.EndAccount(t.Context(), by); err != nil { // nothing stays for the next one
				t.Fatal(err)
			}
			d.deliver(200)
		}
	})
}

func TestDevice(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("TV", application.OAuth{GrantTypes: []string{device.GrantType, application.GrantRefresh}})
		v := d.visitor()
		start := func() (code, user string) {
			w := d.visitor().do("POST", "/oauth/device", url.Values{"client_id": {client}, "scope": {"openid email"}})
			var body map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" ||
				body["verification_uri"] != oauthIssuer+"/device" || body["interval"] != 5.0 || body["expires_in"] != 600.0 ||
				body["verification_uri_complete"] != oauthIssuer+"/device?user_code="+body["user_code"].(string) {
				t.Fatal(w.Code, w.Body)
			}
			return body["device_code"].(string), body["user_code"].(string)
		}
		poll := func(code string) (int, map[string]any) {
			w := d.visitor().do("POST", "/oauth/token", url.Values{"grant_type": {device.GrantType}, "device_code": {code}, "client_id": {client}})
			var body map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
				t.Fatal(w.Body)
			}
			return w.Code, body
		}
		code, user := start()
		if _, body := poll(code); body["error"] != "authorization_pending" {
			t.Fatal(body)
		}
		if _, body := poll(code); body["error"] != "slow_down" {
			t.Fatal(body)
		}
		if w := v.do("GET", "/device?user_code="+user, nil); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), user) {
			t.Fatal(w.Code)
		}
		w := v.next(v.do("POST", "/device", url.Values{"user_code": {strings.ToLower(user)}}), "/device/confirm?request=dev_")
		w = v.next(v.signIn(w, "ann@x.example"), "/device/confirm?request=dev_")
		if page := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(page, user) || !strings.Contains(page, "TV") || !strings.Contains(page, "ann@x.example") {
			t.Fatal(w.Code, page)
		}
		if _, body := poll(code); body["error"] != "slow_down" {
			t.Fatal("approved by GET:", body)
		}
		form := fields(w)
		form.Set("decision", "allow")
		if w := v.do("POST", "/device/confirm", form, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); w.Code != http.StatusForbidden {
			t.Fatal("another site approves:", w.Code)
		}
		if w := v.next(v.do("POST", "/device/confirm", form), "/device/done?said=allow"); w.Code != http.StatusOK {
			t.Fatal(w.Code)
		}
		status, body := poll(code)
		if status != http.StatusOK || body["access_token"] == nil || body["id_token"] == nil || body["scope"] != "openid email" {
			t.Fatal(status, body)
		}
		if status, body := poll(code); status != http.StatusBadRequest || body["error"] != "invalid_grant" {
			t.Fatal(status, body)
		}
		code, user = start()
		w = v.next(v.do("POST", "/device", url.Values{"user_code": {user}}), "/device/confirm?request=dev_")
		form = fields(w)
		form.Set("decision", "deny")
		v.do("POST", "/device/confirm", form)
		if _, body := poll(code); body["error"] != "access_denied" {
			t.Fatal(body)
		}
		for name, c := range map[string]struct {
			q    url.Values
			want string
		}{
			"no client":     {url.Values{"scope": {"openid"}}, "invalid_client"},
			"another grant": {url.Values{"client_id": {d.register("Web", application.OAuth{})}}, "unauthorized_client"},
			"scope":         {url.Values{"client_id": {client}, "scope": {"admin"}}, "invalid_scope"},
			"resource":      {url.Values{"client_id": {client}, "resource": {"https://x.example"}}, "invalid_target"},
			"details":       {url.Values{"client_id": {client}, "authorization_details": {"[]"}}, "invalid_authorization_details"},
			"plain":         {url.Values{"client_id": {client}, "code_challenge": {"x"}, "code_challenge_method": {"plain"}}, "invalid_request"},
		} {
			w := d.visitor().do("POST", "/oauth/device", c.q)
			if !strings.Contains(w.Body.String(), `"error":"`+c.want+`"`) {
				t.Errorf("%s: %d %s", name, w.Code, w.Body)
			}
		}
		var found map[string]any
		if err := json.Unmarshal(d.visitor().do("GET", "/.well-known/openid-configuration", nil).Body.Bytes(), &found); err != nil ||
			found["device_authorization_endpoint"] != oauthIssuer+"/oauth/device" || found["end_session_endpoint"] != oauthIssuer+"/oauth/logout" || found["backchannel_logout_supported"] != true {
			t.Error(err, found)
		}
	})
}

func TestConsentOfPeople(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("Other", application.OAuth{ThirdParty: true})
		v := d.visitor()
		w := v.next(v.signIn(v.authorize(ask(client)), "ann@x.example"), "/oauth/resume?request=")
		page := v.next(w, "/consent?request=")
		if text := page.Body.String(); page.Code != http.StatusOK || !strings.Contains(text, "Other asks for access") || !strings.Contains(text, "ann@x.example") || !strings.Contains(text, "see your email address") {
			t.Fatal(page.Code, text)
		}
		form := fields(page)
		form.Set("decision", "deny")
		if got := v.answer(v.next(v.do("POST", "/consent", form), "/oauth/resume?request="), "query"); got.Get("error") != "access_denied" {
			t.Fatal(got)
		}
		if got := v.answer(v.authorize(ask(client, "prompt", "none")), "query"); got.Get("error") != "consent_required" {
			t.Fatal(got)
		}
		page = v.next(v.authorize(ask(client)), "/consent?request=")
		form = fields(page)
		form.Set("decision", "allow")
		if w := v.do("POST", "/consent", form, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"); w.Code != http.StatusForbidden {
			t.Fatal("another site allows:", w.Code)
		}
		if w := d.visitor().do("POST", "/consent", form); w.Code != http.StatusSeeOther || d.visitor().do("GET", w.Header().Get("Location"), nil).Code != http.StatusBadRequest {
			t.Fatal("another browser allows:", w.Code)
		}
		claims := v.redeem(client, v.answer(v.next(v.do("POST", "/consent", form), "/oauth/resume?request="), "query"))
		if !v.alive(client) {
			t.Fatal("it is not remembered")
		}
		if got := v.answer(v.authorize(ask(client, "prompt", "none", "scope", "openid email profile")), "query"); got.Get("error") != "consent_required" {
			t.Fatal("more than was allowed:", got)
		}
		v.next(v.authorize(ask(client, "prompt", "consent")), "/consent?request=")

		user := ident.UserID(claims["sub"].(string))
		list, err := d.app.f.oauth.consents.List(t.Context(), ident.DefaultAccount, user)
		if err != nil || len(list) != 1 || list[0].Client != client {
			t.Fatal(list, err)
		}
		q := v.answer(v.authorize(ask(client)), "query")
		var tokens struct {
			Access string `json:"access_token"`
		}
		got := v.do("POST", "/oauth/token", url.Values{
			"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "client_id": {client}, "redirect_uri": {oauthCallback}, "code_verifier": {oauthVerifier},
		})
		if err := json.Unmarshal(got.Body.Bytes(), &tokens); err != nil || tokens.Access == "" {
			t.Fatal(got.Body)
		}
		info := func() int {
			return d.visitor().do("GET", "/oauth/userinfo", nil, "Authorization", "Bearer "+tokens.Access).Code
		}
		if info() != http.StatusOK {
			t.Fatal(info())
		}
		page = v.do("GET", "/settings/applications", nil)
		if !strings.Contains(page.Body.String(), "Other") {
			t.Fatal(page.Body)
		}
		form = fields(page)
		if w := v.next(v.do("POST", "/settings/applications", form), "/settings/applications?done=application"); strings.Contains(w.Body.String(), "Remove access") {
			t.Fatal(w.Body)
		}
		if info() != http.StatusUnauthorized || v.alive(client) {
			t.Fatal("it has an effect no more:", info())
		}
		by := actor.ForOperator(ident.DefaultAccount)
		if err := d.app.f.applications.Delete(t.Context(), by, ident.ApplicationID(client)); err != nil {
			t.Fatal(err)
		}
		if list, err := d.app.f.oauth.consents.List(t.Context(), ident.DefaultAccount, user); err != nil || len(list) != 0 {
			t.Fatal(list, err)
		}
	})
}

// TestPersonalVerbs are those of /v1 that a person may use about themselves, and nobody about others.
func TestPersonalVerbs(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client, other := d.register("Own", application.OAuth{}), d.register("Other", application.OAuth{ThirdParty: true})
		v := d.visitor()
		user := v.in(client, "ann@x.example")["sub"].(string)
		form := fields(v.next(v.authorize(ask(other)), "/consent?request="))
		form.Set("decision", "allow")
		v.redeem(other, v.answer(v.next(v.do("POST", "/consent", form), "/oauth/resume?request="), "query"))
		q := v.answer(v.authorize(ask(client)), "query")
		w := v.do("POST", "/oauth/token", url.Values{
			"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "client_id": {client}, "redirect_uri": {oauthCallback}, "code_verifier": {oauthVerifier},
		})
		var tokens struct {
			Access string `json:"access_token"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &tokens); err != nil || tokens.Access == "" {
			t.Fatal(w.Body)
		}
		call := func(method, path string, want int) string {
			t.Helper()
			w := d.visitor().do(method, path, nil, "Authorization", "Bearer "+tokens.Access)
			if w.Code != want {
				t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
			}
			return w.Body.String()
		}
		own := "/v1/users/" + url.PathEscape(user)
		if text := call("GET", own+"/consents", 200); !strings.Contains(text, other) || !strings.Contains(text, `"authorizationDetails":[]`) {
			t.Error(text)
		}
		for _, c := range [][2]string{
			{"GET", "/v1/users/u_other/consents"}, {"DELETE", "/v1/users/u_other/consents/" + other}, {"DELETE", "/v1/users/u_other/sessions"},
			{"DELETE", "/v1/applications/" + client + "/sessions"}, {"DELETE", "/v1/accounts/acc_default/sessions"},
		} {
			call(c[0], c[1], 403)
		}
		call("DELETE", own+"/consents/"+url.PathEscape("https://none.example/client"), 404)
		call("DELETE", own+"/consents/"+other, 204)
		call("DELETE", own+"/consents/"+other, 404)
		if !v.alive(client) {
			t.Fatal("signed out too early")
		}
		call("DELETE", own+"/sessions", 204)
		if v.alive(client) {
			t.Error("still signed in")
		}
		call("GET", own+"/consents", 401)
	})
}
