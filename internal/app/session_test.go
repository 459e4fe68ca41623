package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// held is what somebody has after signing in to a client: tokens, and the cookie.
type held struct {
	visitor
	client, access, refresh, sid string
	user                         ident.UserID
}

func (d deployment) hold(client, email string) held {
	d.Helper()
	h := held{visitor: d.visitor(), client: client}
	h.in(client, email, "scope", "openid")
	q := h.answer(h.authorize(ask(client, "scope", "openid offline_access")), "query")
	w := h.do("POST", "/oauth/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "client_id": {client}, "redirect_uri": {oauthCallback}, "code_verifier": {oauthVerifier},
	})
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &tokens); err != nil || tokens.Refresh == "" {
		d.Fatal(w.Body)
	}
	h.access, h.refresh = tokens.Access, tokens.Refresh
	claims := h.in(client, "", "scope", "openid")
	h.sid, h.user = claims["sid"].(string), ident.UserID(claims["sub"].(string))
	return h
}

func (h held) cookie() string { return h.cookies[session.CookieName(false)] }

// renew is silent renewal of a page on the issuer's own host, with a cookie of choice.
func (h held) renew(cookie string) (status int, next string) {
	h.Helper()
	other := visitor{h.deployment, map[string]string{session.CookieName(false): cookie}}
	w := other.do("PATCH", "/api/session", nil, "Origin", oauthIssuer, "Sec-Fetch-Site", "same-origin")
	return w.Code, other.cookies[session.CookieName(false)]
}

// lives tells what of it works: the cookie, the access token at Admit's own APIs, the refresh token.
func (h held) lives() string {
	h.Helper()
	api := h.visitor.deployment.visitor()
	own := api.do("GET", "/v1/users/"+url.PathEscape(string(h.user))+"/sessions", nil, "Authorization", "Bearer "+h.access).Code
	info := api.do("GET", "/oauth/userinfo", nil, "Authorization", "Bearer "+h.access).Code
	refresh := api.do("POST", "/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {h.refresh}, "client_id": {h.client}}).Code
	cookie, _ := h.renew(h.cookie())
	return fmt.Sprint(cookie, own, info, refresh)
}

const (
	allLive = "200 200 200 200"
	allDead = "404 401 401 400"
)

// age lets minutes pass for the rotation of every session.
func (d deployment) age(minutes int) {
	d.Helper()
	if err := d.app.db.Write(d.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
		_, err := sqldb.From(x).Exec(ctx, `UPDATE sessions SET rotated_at = rotated_at - $1, late_since = late_since - $1 WHERE version > 0`, int64(minutes)*60_000_000)
		return err
	}); err != nil {
		d.Fatal(err)
	}
}

// TestStolenCookie: an old secret that comes after its successor was in use ends everything that was got
// by the session, refresh tokens that outlive a logout included, and the clients are told.
func TestStolenCookie(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{BackchannelLogoutURL: "https://one.example/out", Scopes: []string{"openid", "offline_access"}})
		victim, other := d.hold(client, "ann@x.example"), d.hold(client, "ann@x.example")
		stolen := victim.cookie()
		status, second := victim.renew(stolen)
		if status != http.StatusOK || second == stolen || second == "" {
			t.Fatal(status, second)
		}
		if _, again := victim.renew(stolen); again != second {
			t.Fatal("a second tab got another successor")
		}
		_, third := victim.renew(second)
		victim.cookies[session.CookieName(false)] = third
		if got := victim.lives(); got != allLive {
			t.Fatal(got)
		}
		_, now := victim.renew(third)
		victim.cookies[session.CookieName(false)] = now
		d.age(5)
		if status, _ := victim.renew(stolen); status != http.StatusNotFound {
			t.Fatal(status)
		}
		if got := victim.lives(); got != allDead {
			t.Error(got)
		}
		if got := d.deliver(200); !slices.Equal(got, []string{"one.example " + victim.sid}) {
			t.Error(got)
		}
		if got := other.lives(); got != allLive {
			t.Error("another session:", got)
		}
	})
}

// TestListAndEndSessions: people and their administrators see where somebody is signed in, and end it.
func TestListAndEndSessions(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{BackchannelLogoutURL: "https://one.example/out", Scopes: []string{"openid", "offline_access"}})
		ann, again, eve := d.hold(client, "ann@x.example"), d.hold(client, "ann@x.example"), d.hold(client, "eve@x.example")
		call := func(h held, method string, user ident.UserID, more string) (int, string) {
			w := d.visitor().do(method, "/v1/users/"+url.PathEscape(string(user))+"/sessions"+more, nil, "Authorization", "Bearer "+h.access)
			return w.Code, w.Body.String()
		}
		var list struct {
			Sessions []struct {
				SessionID    string   `json:"sessionId"`
				Applications []string `json:"applications"`
				Methods      []string `json:"methods"`
				ACR          string   `json:"acr"`
				Address      string   `json:"address"`
				Current      bool     `json:"current"`
			} `json:"sessions"`
			Pagination struct {
				Next struct{ Cursor string } `json:"next"`
			} `json:"pagination"`
		}
		status, body := call(ann, "GET", ann.user, "")
		if err := json.Unmarshal([]byte(body), &list); err != nil || status != 200 || len(list.Sessions) != 2 {
			t.Fatal(status, body)
		}
		one := list.Sessions[1]
		if one.SessionID != ann.sid || !one.Current || list.Sessions[0].SessionID != again.sid || list.Sessions[0].Current || !slices.Equal(one.Applications, []string{client}) ||
			!slices.Equal(one.Methods, []string{"email"}) || one.ACR != session.ACR1 || one.Address == "" {
			t.Errorf("%s", body)
		}
		status, body = call(ann, "GET", ann.user, "?limit=1")
		if err := json.Unmarshal([]byte(body), &list); err != nil || status != 200 || len(list.Sessions) != 1 || list.Pagination.Next.Cursor == "" {
			t.Fatal(status, body)
		}
		if _, body = call(ann, "GET", ann.user, "?limit=1&cursor="+list.Pagination.Next.Cursor); !strings.Contains(body, ann.sid) || strings.Contains(body, again.sid) {
			t.Error(body)
		}
		for name, c := range map[string]struct {
			by     held
			method string
			user   ident.UserID
			more   string
			want   int
		}{
			"another person lists":              {eve, "GET", ann.user, "", 403},
			"another person ends":               {eve, "DELETE", ann.user, "/" + ann.sid, 403},
			"another's session, as one's own":   {eve, "DELETE", eve.user, "/" + ann.sid, 404},
			"one that there is not":             {eve, "DELETE", eve.user, "/ses_none", 404},
			"with another's cursor":             {again, "GET", again.user, "?limit=1&cursor=" + list.Pagination.Next.Cursor, 200},
			"with another person's list cursor": {eve, "GET", eve.user, "?limit=1&cursor=" + list.Pagination.Next.Cursor, 400},
			"a limit that is none":              {eve, "GET", eve.user, "?limit=x", 400},
		} {
			if status, body := call(c.by, c.method, c.user, c.more); status != c.want {
				t.Errorf("%s: %d %s", name, status, body)
			}
		}
		if got := ann.lives() + again.lives() + eve.lives(); got != allLive+allLive+allLive {
			t.Fatal(got)
		}
		if status, body := call(again, "DELETE", ann.user, "/"+ann.sid); status != http.StatusNoContent {
			t.Fatal(status, body)
		}
		if got := ann.lives(); got != allDead {
			t.Error("after the end:", got)
		}
		if got := d.deliver(200); !slices.Equal(got, []string{"one.example " + ann.sid}) {
			t.Error(got)
		}
		if err := d.app.f.sessions.EndOne(t.Context(), actor.ForOperator(ident.DefaultAccount), eve.user, ident.SessionID(eve.sid)); err != nil {
			t.Fatal(err)
		}
		if got := eve.lives() + again.lives(); got != allDead+allLive {
			t.Error(got)
		}
	})
}

// Where one may be signed in at one place only, who signed in elsewhere since is not renewed silently: the
// browser that was left asks, and a silent request does not take the place back.
func TestSilentAuthorizationLeavesTheSeat(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		app, err := d.app.f.applications.Create(d.Context(), actor.ForOperator(ident.DefaultAccount), application.Application{
			Name: "One", RedirectURLs: []string{oauthCallback}, SessionType: application.SingleSession,
		})
		if err != nil {
			t.Fatal(err)
		}
		client := string(app.ID)
		first, second := d.visitor(), d.visitor()
		silently := func(v visitor) string {
			got := v.answer(v.authorize(ask(client, "prompt", "none")), "query")
			if got.Get("code") != "" {
				v.redeem(client, got)
			}
			return got.Get("error")
		}
		first.in(client, "ann@x.example")
		if got := silently(first); got != "" {
			t.Fatal(got)
		}
		second.in(client, "ann@x.example")
		if a, b := silently(first), silently(second); a != "login_required" || b != "" {
			t.Errorf("%q, %q", a, b)
		}
		w := first.authorize(ask(client)) // by a page: it takes the place again
		w = first.next(first.do("GET", w.Header().Get("Location"), nil), "/oauth/resume?request=")
		first.redeem(client, first.answer(w, "query"))
		if a, b := silently(first), silently(second); a != "" || b != "login_required" {
			t.Errorf("%q, %q", a, b)
		}
	})
}

// A token from before a step-up still finds its own sign-in among the others.
func TestTheCurrentSessionIsItsChain(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		other, ann := d.hold(client, "ann@x.example"), d.hold(client, "ann@x.example")
		var after session.Session
		d.unit(func(ctx context.Context, tt tx.Tx) (err error) {
			after, _, err = d.app.f.sessions.Start(ctx, tt, session.NewSession{
				Actor: ann.self(), User: ann.user, Previous: secret.New(ann.cookies[session.CookieName(false)]),
				Evidence: session.Evidence{Method: session.MethodTOTP, At: tt.Now()},
			})
			return err
		})
		if string(after.ID) == ann.sid || string(after.Root) != ann.sid {
			t.Fatalf("the step-up begins another chain: %s of %s, not of %s", after.ID, after.Root, ann.sid)
		}
		w := d.visitor().do("GET", "/v1/users/"+url.PathEscape(string(ann.user))+"/sessions", nil, "Authorization", "Bearer "+ann.access)
		var list struct {
			Sessions []struct {
				SessionID string
				Current   bool
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list.Sessions) != 2 {
			t.Fatal(w.Code, w.Body)
		}
		for _, one := range list.Sessions {
			if one.Current != (one.SessionID == string(after.ID)) || one.Current == (one.SessionID == other.sid) {
				t.Errorf("%+v; stepped up to %s", one, after.ID)
			}
		}
	})
}

// SES-01: a silent authorization gives the session's cookie its successor, in every form of the answer, as silent
// renewal does; one that a person sees does not.
func TestSilentAuthorizationRotatesTheCookie(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client, v := d.register("One", application.OAuth{}), d.visitor()
		v.in(client, "ann@x.example")
		name := session.CookieName(false)
		for _, mode := range []string{"query", "fragment", "form_post"} {
			before := v.cookies[name]
			w := v.authorize(ask(client, "prompt", "none", "response_mode", mode))
			v.redeem(client, v.answer(w, mode))
			for _, c := range w.Result().Cookies() {
				if c.Name != name || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode || time.Until(c.Expires) < time.Hour {
					t.Errorf("%s: %v", mode, c)
				}
			}
			if v.cookies[name] == before {
				t.Errorf("%s: the cookie stays", mode)
			}
		}
		if w := v.authorize(ask(client)); len(w.Result().Cookies()) != 0 {
			t.Error(w.Result().Cookies())
		}
		if got := v.answer(v.authorize(ask(client, "prompt", "none", "max_age", "0")), "query"); got.Get("error") != "login_required" {
			t.Error(got)
		}
	})
}
