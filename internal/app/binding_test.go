package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/dbsc/dbsctest"
)

// sendWith sends a request with cookies and headers; pairs are names and values.
func (p *testServer) sendWith(method, path, cookies string, pairs ...string) reply {
	p.Helper()
	r := httptest.NewRequest(method, "http://localhost:4000"+path, http.NoBody)
	if cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	for i := 0; i < len(pairs); i += 2 {
		r.Header.Add(pairs[i], pairs[i+1])
	}
	return p.send(r)
}

// bind binds the person's session to a device, and lets the time pass in which requests without the bound
// cookie may be on their way. It returns the session's cookie, the bound one, and the binding's id.
func (p *testServer) bind(d dbsctest.Device) (own, bound, id string) {
	p.Helper()
	own = session.CookieName(false) + "=" + p.cookie.Reveal()
	challenge, err := p.f.person.Bindings.Offer(p.Context(), ident.DefaultAccount, p.cookie)
	if err != nil || challenge == "" {
		p.Fatal(challenge, err)
	}
	got := p.sendWith("POST", "/session/bind", own, "Secure-Session-Response", `"`+d.First(challenge)+`"`)
	if got.status != http.StatusOK {
		p.Fatal(got.status, got.text)
	}
	bound, _, _ = strings.Cut(got.header.Get("Set-Cookie"), ";")
	if !strings.HasPrefix(bound, session.BoundCookieName(false)+"-") || !strings.Contains(got.header.Get("Set-Cookie"), "Max-Age=590; HttpOnly; SameSite=Lax") {
		p.Fatal(got.header)
	}
	err = p.db.Write(p.Context(), tx.System(), func(ctx context.Context, t tx.Tx) error {
		_, err := sqldb.From(t).Exec(ctx, `UPDATE session_bindings SET created_at = created_at - 11000000`)
		return err
	})
	if err != nil {
		p.Fatal(err)
	}
	return own, bound, text(got.body, "session_identifier")
}

// A stolen session cookie alone is worth nothing, on every surface.
func TestStolenCookieOfABoundSession(t *testing.T) {
	everywhere(t, func(p *testServer) {
		client, _ := p.application(application.OAuth{})
		q := url.Values{
			"client_id": {client}, "redirect_uri": {testBack}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"}, "nonce": {"n"}, "prompt": {"none"},
			"code_challenge": {strings.Repeat("A", 43)}, "code_challenge_method": {"S256"},
		}
		uses := map[string]func(cookies string) bool{
			"renewal": func(c string) bool {
				return p.sendWith("PATCH", "/api/session", c, "Origin", "http://localhost:4000").status == http.StatusOK
			},
			"profile": func(c string) bool {
				return p.sendWith("GET", "/api/session/profile", c, "Origin", "http://localhost:4000").status == http.StatusOK
			},
			"authorization": func(c string) bool {
				return strings.Contains(p.sendWith("GET", "/oauth/authorize?"+q.Encode(), c).header.Get("Location"), "code=")
			},
			"settings": func(c string) bool { return p.sendWith("GET", "/settings", c).status == http.StatusOK },
		}
		own := session.CookieName(false) + "=" + p.cookie.Reveal()
		for name, use := range uses {
			if name != "renewal" && !use(own) { // it replaces the cookie
				t.Fatalf("%s does not work before the session is bound", name)
			}
		}
		own, bound, _ := p.bind(dbsctest.NewDevice(t))
		for name, use := range uses {
			for what, cookies := range map[string]string{
				"alone": own, "with an invented one": own + "; " + strings.SplitN(bound, "=", 2)[0] + "=" + strings.Repeat("A", 43), "with an empty one": own + "; " + session.BoundCookieName(false) + "=",
			} {
				if use(cookies) {
					t.Errorf("%s takes the cookie %s", name, what)
				}
			}
		}
		for name, use := range uses {
			if name != "renewal" && !use(own+"; "+bound) {
				t.Errorf("%s refuses the browser itself", name)
			}
		}
		if !uses["renewal"](own + "; " + bound) {
			t.Error("renewal refuses the browser itself")
		}
	})
}

// SES-11 over HTTP: what is wrong with the headers changes nothing, and is answered with another challenge.
func TestSES11Headers(t *testing.T) {
	everywhere(t, func(p *testServer) {
		d := dbsctest.NewDevice(t)
		own, _, id := p.bind(d)
		const proof, name = "Secure-Session-Response", "Sec-Secure-Session-Id"
		asked := p.sendWith("POST", "/session/refresh", own, name, `"`+id+`"`)
		challenge, after, _ := strings.Cut(strings.TrimPrefix(asked.header.Get("Secure-Session-Challenge"), `"`), `"`)
		if asked.status != http.StatusForbidden || after != `;id="`+id+`"` {
			t.Fatal(asked.status, asked.header)
		}
		good := d.Next(challenge)
		for what, c := range map[string]struct {
			status int
			pairs  []string
		}{
			"no id":             {400, []string{proof, good}},
			"two ids":           {400, []string{name, id, name, id, proof, good}},
			"a list of ids":     {400, []string{name, `"` + id + `", "` + id + `"`, proof, good}},
			"another id":        {404, []string{name, `"bnd_00000000000000000000000000"`, proof, good}},
			"two proofs":        {403, []string{name, id, proof, good, proof, good}},
			"a list of proofs":  {403, []string{name, id, proof, `"` + good + `", "` + good + `"`}},
			"100 KB":            {403, []string{name, id, proof, good + strings.Repeat("A", 100<<10)}},
			"an open string":    {403, []string{name, id, proof, `"` + good}},
			"another key":       {403, []string{name, id, proof, dbsctest.NewDevice(t).Next(challenge)}},
			"a first proof":     {403, []string{name, id, proof, d.First(challenge)}},
			"the older headers": {400, []string{"Sec-Session-Id", id, "Sec-Session-Response", good}},
		} {
			got := p.sendWith("POST", "/session/refresh", own, c.pairs...)
			if got.status != c.status || got.header.Get("Set-Cookie") != "" || (got.header.Get("Secure-Session-Challenge") != "") != (c.status == 403) {
				t.Errorf("%s: %d %v", what, got.status, got.header)
			}
		}
		if got := p.sendWith("GET", "/session/refresh", own, name, id, proof, good); got.status != http.StatusMethodNotAllowed && got.status != http.StatusNotFound {
			t.Errorf("GET: %d", got.status)
		}
		// The session's own cookie is not needed: browsers leave it out of what another site began.
		got := p.sendWith("POST", "/session/refresh", "", name, id, proof, good)
		if got.status != http.StatusOK || got.header.Get("Set-Cookie") == "" {
			t.Fatalf("after all that: %d %s", got.status, got.text)
		}
		if got := p.sendWith("POST", "/session/refresh", own, name, id, proof, good); got.status != http.StatusForbidden {
			t.Errorf("a proof is taken twice: %d", got.status)
		}
		// The end of the session ends it all.
		bound, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
		if got := p.sendWith("DELETE", "/api/session", own+"; "+bound, "Origin", "http://localhost:4000"); got.status != http.StatusOK {
			t.Fatal(got.status)
		}
		if got := p.sendWith("POST", "/session/refresh", own, name, id); got.status != http.StatusNotFound {
			t.Errorf("an ended session: %d", got.status)
		}
	})
}

// A session that goes on with a chain, because its person has proved something more, stays bound for as long
// as it lives: the binding's end moves with the chain's.
func TestABindingLastsAsLongAsItsChain(t *testing.T) {
	everywhere(t, func(p *testServer) {
		_, bound, id := p.bind(dbsctest.NewDevice(t))
		expires := func(set string) (out int64) {
			t.Helper()
			if err := p.db.Write(p.Context(), tx.System(), func(ctx context.Context, t tx.Tx) (err error) {
				out, err = sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[int64], `UPDATE session_bindings SET `+set+` WHERE id = $1 RETURNING expires_at`, id)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return out
		}
		before := expires(`expires_at = expires_at - 86400000000`)
		_, value, _ := strings.Cut(bound, "=")
		cookie := secret.Join(p.cookie, secret.New(value))
		if err := p.db.Write(p.Context(), tx.In(ident.DefaultAccount), func(ctx context.Context, tt tx.Tx) error {
			was, err := p.f.sessions.ByCookie(ctx, tt, ident.DefaultAccount, cookie)
			if err != nil {
				return err
			}
			next, _, err := p.f.sessions.Start(ctx, tt, session.NewSession{
				Actor: actor.Actor{Account: ident.DefaultAccount}, User: was.User, Evidence: session.Evidence{Method: session.MethodTOTP, At: tt.Now()}, Previous: cookie,
			})
			if err == nil && next.Root != was.Root {
				t.Error("another chain")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if after := expires(`uses = uses`); after < before+86400000000 {
			t.Errorf("%d; was %d", after, before)
		}
	})
}

// Whoever has lost the bound cookie is logged out all the same, and the session with it.
func TestLogoutWithoutTheBoundCookie(t *testing.T) {
	everywhere(t, func(p *testServer) {
		own, bound, _ := p.bind(dbsctest.NewDevice(t))
		if got := p.sendWith("DELETE", "/api/session", own, "Origin", "http://localhost:4000"); got.status != http.StatusOK {
			t.Fatal(got.status, got.text)
		}
		if got := p.sendWith("GET", "/settings", own+"; "+bound); got.status == http.StatusOK {
			t.Error("the session lives on")
		}
	})
}
