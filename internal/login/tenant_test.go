package login_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/login"
)

// upstreamID is a connection of the harness that is not built in.
func (w *world) upstreamID() ident.ConnectionID {
	for _, c := range (connections{w}).Active(acc) {
		if c.ID != connection.Email {
			return c.ID
		}
	}
	w.t.Fatal("no upstream connection")
	return ""
}

func (w *world) tenant(id ident.TenantID, c ident.ConnectionID, names ...string) {
	w.tenants[id] = login.Tenant{ID: id, Connection: c, SessionLife: time.Hour}
	for _, name := range names {
		w.lookups[name] = id
	}
}

func codeOf(err error) string {
	var f *fault.Error
	if !errors.As(err, &f) {
		return ""
	}
	return f.Code
}

func TestTenantOfARequest(t *testing.T) {
	each(t, func(w *world) {
		up := w.upstreamID()
		w.tenant("ten_a", up, "acme", "@acme.example")
		if _, err := w.startWith(func(r *login.StartRequest) { r.TenantLookup = "nobody" }); codeOf(err) != "InvalidTenant" {
			t.Error(err)
		}
		b := w.browser()
		id := w.start(func(r *login.StartRequest) { r.TenantLookup, r.Connection = "acme", connection.Email })
		if v := b.view(id); v.State != login.StateRedirect || !strings.HasPrefix(v.Result.Location, "https://idp.example.test/") {
			t.Errorf("the tenant does not go before the connection: %+v", v)
		}
		// Its page has no other way in, and none is taken.
		if v := b.take(b.mailed.SendCode(ctx, b.visit(), id, "eve@x.example", b.compose)); v.State != login.StateChoose || v.Problem != login.ProblemConnectionGone || v.EmailCode || len(v.Connections) != 1 {
			t.Errorf("%+v", v)
		}
		if w.mails != 0 {
			t.Error("a code was sent")
		}
		state := w.upstream.leg.State.Reveal()
		q := b.answer(b.finish(state, "c", ""))
		tokens, err := w.exchange(id, q.Get("code"), nil)
		if err != nil || !strings.HasSuffix(tokens.Access.Reveal(), "/ten_a") {
			t.Errorf("%q, %v", tokens.Access.Reveal(), err)
		}
		// The session ends when the tenant says, and answers the next request for the tenant by itself.
		renewed, found, err := b.renew()
		if err != nil || found.AbsoluteExpiry.Sub(found.CreatedAt) != time.Hour || !strings.HasSuffix(renewed.Access.Reveal(), "/ten_a") {
			t.Error(renewed.Access.Reveal(), found.AbsoluteExpiry, err)
		}
		again := w.start(func(r *login.StartRequest) { r.TenantLookup = "acme" })
		if b.answer(b.view(again)).Get("code") == "" {
			t.Error("the session does not answer")
		}
		// Another tenant's request wants its own proof, and so does the tenant of who is no member any more.
		w.tenant("ten_b", "", "beta")
		if v := b.view(w.start(func(r *login.StartRequest) { r.TenantLookup = "beta" })); v.State != login.StateChoose {
			t.Errorf("another tenant: %q", v.State)
		}
		clear(w.members)
		if v := b.view(w.start(func(r *login.StartRequest) { r.TenantLookup = "acme" })); strings.HasPrefix(v.Result.Location, "https://app.") {
			t.Error("a session of a former member answers")
		}
		renewed, _, err = b.renew()
		if err != nil || strings.Contains(renewed.Access.Reveal(), "ten_a") {
			t.Error("a former member's token names the tenant:", renewed.Access.Reveal(), err)
		}
	})
}

func TestStrangersToATenant(t *testing.T) {
	each(t, func(w *world) {
		w.tenant("ten_e", connection.Email, "mail")
		b := w.browser()
		id := w.start(func(r *login.StartRequest) { r.TenantLookup = "mail" })
		b.view(id)
		b.send(id, "eve@x.example")
		v := b.enter(id, w.code)
		w.want(v, login.StateChoose, login.ProblemNotMember)
		if !b.session.Empty() {
			t.Error("a session was made")
		}
		if a := w.arrivals[len(w.arrivals)-1]; a.Closed || !a.Verified || a.Email != "eve@x.example" || a.Wanted != "ten_e" {
			t.Errorf("%+v", a)
		}
		if v := b.take(b.away.StartUpstream(ctx, b.visit(), id, w.upstreamID())); v.Problem != login.ProblemConnectionGone {
			t.Errorf("another connection was taken: %+v", v)
		}
	})
}

func TestTenantOfAnAddress(t *testing.T) {
	each(t, func(w *world) {
		up := w.upstreamID()
		w.tenant("ten_a", up, "acme", "@acme.example")
		b := w.browser()
		id := w.start(nil)
		b.view(id)
		v := b.send(id, "ann@acme.example")
		if v.State != login.StateRedirect || w.upstream.leg.LoginHint != "ann@acme.example" || w.mails != 0 {
			t.Errorf("%+v", v)
		}
		// The box is still there for who mistyped.
		if v := b.view(id); v.State != login.StateChoose || v.Email != "ann@acme.example" {
			t.Errorf("%+v", v)
		}
		// An update names tenants by lookup identifier, domain and address.
		for what, want := range map[string]string{"acme": "", "acme.example": "", "bob@acme.example": "", "bob@x.example": "", "beta": "InvalidTenant"} {
			id := w.start(nil)
			_, err := w.begins.Update(ctx, login.UpdateRequest{Account: acc, ID: id, TenantLookup: what})
			if codeOf(err) != want {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func TestInviteOfARequest(t *testing.T) {
	each(t, func(w *world) {
		w.tenant("ten_a", w.upstreamID(), "acme")
		w.tenant("ten_b", "", "beta")
		w.invites["secret"] = &invitation{Invitation: login.Invitation{Key: "key", Tenant: "ten_a"}, preset: "cleo"}
		if _, err := w.startWith(func(r *login.StartRequest) { r.Invite = "other" }); codeOf(err) != "InvalidInvite" {
			t.Error(err)
		}
		b := w.browser()
		id := w.start(func(r *login.StartRequest) { r.Invite, r.TenantLookup = "secret", "beta" })
		if _, err := w.begins.Update(ctx, login.UpdateRequest{Account: acc, ID: id, TenantLookup: "beta"}); codeOf(err) != "InvalidTenant" {
			t.Error("the invite's tenant was changed:", err)
		}
		if _, err := w.begins.Update(ctx, login.UpdateRequest{Account: acc, ID: id, Connection: connection.Email}); codeOf(err) != "InvalidTenant" {
			t.Error("the invite's tenant was left:", err)
		}
		if _, err := w.begins.Update(ctx, login.UpdateRequest{Account: acc, ID: id, TenantLookup: "ann@x.example"}); err != nil {
			t.Error(err)
		}
		b.view(id)
		q := b.answer(b.finish(w.upstream.leg.State.Reveal(), "c", ""))
		tokens, err := w.exchange(id, q.Get("code"), nil)
		if err != nil || !strings.HasPrefix(tokens.Access.Reveal(), "at:cleo/") || w.invites["secret"].reserved != "cleo" {
			t.Errorf("%q, %v", tokens.Access.Reveal(), err)
		}
		// Who is there already keeps their id.
		w.invites["more"] = &invitation{Invitation: login.Invitation{Key: "key2"}, preset: "somebody"}
		again := w.start(func(r *login.StartRequest) { r.Invite, r.MultiAccount, r.Connection = "more", true, w.upstreamID() })
		b.view(again)
		q = b.answer(b.finish(w.upstream.leg.State.Reveal(), "c", ""))
		if tokens, err := w.exchange(again, q.Get("code"), nil); err != nil || !strings.HasPrefix(tokens.Access.Reveal(), "at:cleo/") || w.invites["more"].reserved != "" {
			t.Errorf("%q, %v", tokens.Access.Reveal(), err)
		}
	})
}
