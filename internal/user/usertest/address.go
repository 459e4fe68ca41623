package usertest

import (
	"testing"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/user"
)

// address: a proved address stays until the identity that it came from says another, or is gone.
func (s suite) address(t *testing.T) {
	const account ident.AccountID = "acc_address"
	mine := user.Identity{Connection: "con_email", Issuer: "admit", Subject: "ada@example.com"}
	more := user.Identity{Connection: "con_b", Issuer: "https://idp.example", Subject: "more"}
	third := user.Identity{Connection: "con_c", Issuer: "https://idp.example", Subject: "third"}
	ada, _ := s.signIn(t, account, mine, user.Profile{Email: "ada@example.com", EmailVerified: true})
	for _, i := range []user.Identity{more, third} {
		if _, err := s.linkTo(t, account, ada.ID, i); err != nil {
			t.Fatal(err)
		}
	}
	want := func(step string, by user.Identity, p user.Profile, email string, verified bool, of user.Identity) {
		t.Helper()
		s.signIn(t, account, by, p)
		got, err := s.get(t, account, ada.ID)
		if err != nil || got.Email != email || got.EmailVerified != verified || got.EmailOf != of.Key() {
			t.Fatalf("%s: %+v, %v", step, got, err)
		}
	}
	proved := func(email string) user.Profile { return user.Profile{Email: email, EmailVerified: true} }
	want("another identity", more, proved("eve@example.com"), "ada@example.com", true, mine)
	want("another identity, the same address unproved", more, user.Profile{Email: "ada@example.com"}, "ada@example.com", true, mine)
	if got, _, err := s.signInAs(t, account, ada.ID, proved("eve@example.com")); err != nil || got.Email != "ada@example.com" {
		t.Fatalf("a service client: %+v, %v", got, err)
	}
	if err := s.drop(t, account, ada.ID, mine); err != nil {
		t.Fatal(err)
	}
	want("its identity is gone", more, proved("ada@work.example"), "ada@work.example", true, more)
	want("a third one", third, proved("ada@third.example"), "ada@work.example", true, more)
	want("its own identity says another", more, proved("ada@new.example"), "ada@new.example", true, more)
	want("and vouches for none", more, user.Profile{Email: "ada@new.example"}, "ada@new.example", false, more)
	want("which another one's takes the place of", third, proved("ada@third.example"), "ada@third.example", true, third)
	want("nothing is said", more, user.Profile{}, "ada@third.example", true, third)

	named, _, err := s.signInAs(t, account, "crm|7", proved("seven@example.com"))
	if err != nil || named.EmailOf != (user.Key{Connection: "sc_1"}) {
		t.Fatalf("%+v, %v", named, err)
	}
	if named, _, err = s.signInAs(t, account, "crm|7", proved("seven@new.example")); err != nil || named.Email != "seven@new.example" {
		t.Fatalf("%+v, %v", named, err)
	}
	if err := s.service.Delete(t.Context(), actor.ForOperator(account), ada.ID); err != nil {
		t.Fatal(err)
	}
}
