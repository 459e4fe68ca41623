package usertest

import (
	"context"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

// profile: what a person says about themselves is not overwritten by the next sign-in, and what
// they take back is.
func (s suite) profile(t *testing.T) {
	const account = ident.AccountID("acc_profile")
	i := user.Identity{Connection: "con_1", Issuer: "https://idp.example", Subject: "profile"}
	signIn := func(p user.Profile) (u user.User) {
		t.Helper()
		s.write(t, account, func(ctx context.Context, x tx.Tx) (err error) {
			u, _, err = s.service.SignIn(ctx, x, actor.ForSystem(account), i, p)
			return err
		})
		return u
	}
	upstream := user.Profile{Name: "Upstream", Picture: "https://idp.example/1.png", Locale: "fr", Email: "a@example.com"}
	u := signIn(upstream)
	by := actor.Actor{Kind: actor.User, Account: account, ID: string(u.ID)}
	wish := user.Wish{Name: " Ada Lovelace ", Locale: "en-GB", Picture: upstream.Picture}
	got, err := s.service.SetProfile(t.Context(), by, u.ID, wish)
	if err != nil || got.Name != "Ada Lovelace" || got.Locale != "en-GB" || got.Chosen != user.ChosenName|user.ChosenLocale {
		t.Fatalf("%+v %v", got, err)
	}
	upstream.Picture = "https://idp.example/2.png"
	if u = signIn(upstream); u.Name != "Ada Lovelace" || u.Locale != "en-GB" || u.Picture != upstream.Picture {
		t.Errorf("after a sign-in: %+v", u)
	}
	if _, err = s.service.SetProfile(t.Context(), by, u.ID, user.Wish{Picture: upstream.Picture}); err != nil {
		t.Fatal(err)
	}
	if u = signIn(upstream); u.Name != "Upstream" || u.Locale != "fr" || u.Chosen != 0 {
		t.Errorf("after taking it back: %+v", u)
	}
	for name, w := range map[string]user.Wish{
		"long name": {Name: strings.Repeat("x", 257)}, "hidden name": {Name: "a\u202eb"}, "two lines": {Name: "a\nb"},
		"locale": {Locale: "en_GB"}, "markup": {Locale: "<b>"}, "picture http": {Picture: "http://x.example/"}, "picture script": {Picture: "javascript:alert(1)"},
		"picture user": {Picture: "https://a@x.example/"}, "picture data": {Picture: "data:image/png;base64,AA"},
	} {
		if _, err := s.service.SetProfile(t.Context(), by, u.ID, w); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.leave(t, by, u.ID)
}

// leave: nobody but the person can, and the id is gone afterwards.
func (s suite) leave(t *testing.T, by actor.Actor, id ident.UserID) {
	other := by
	other.ID = "usr_other"
	client := by
	client.Kind = actor.ServiceClient
	for _, a := range []actor.Actor{other, client, actor.ForSystem(by.Account)} {
		if err := s.service.Leave(t.Context(), a, id); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%+v: %v", a, err)
		}
	}
	if err := s.service.Leave(t.Context(), by, id); err != nil {
		t.Fatal(err)
	}
	if _, err := s.service.Get(t.Context(), by.Account, id); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if err := s.service.Leave(t.Context(), by, id); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if _, err := s.service.SetProfile(t.Context(), by, id, user.Wish{Name: "Back"}); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}
