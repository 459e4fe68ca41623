package usertest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

func (s suite) linkTo(t *testing.T, account ident.AccountID, id ident.UserID, i user.Identity) (added bool, err error) {
	err = s.db.Write(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) (err error) {
		added, err = s.service.Link(ctx, x, actor.ForSystem(account), id, i)
		return err
	})
	return added, err
}

func (s suite) drop(t *testing.T, account ident.AccountID, id ident.UserID, i user.Identity) error {
	return s.db.Write(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) error {
		if _, err := s.service.Hold(ctx, x, account, id); err != nil {
			return err
		}
		return s.service.Drop(ctx, x, actor.ForSystem(account), id, i)
	})
}

func (s suite) link(t *testing.T) {
	const account ident.AccountID = "acc_link"
	mine := user.Identity{Connection: "con_a", Issuer: "https://idp.example", Subject: "mine"}
	more := user.Identity{Connection: "con_b", Issuer: "https://idp.example", Subject: "more"}
	his := user.Identity{Connection: "con_a", Issuer: "https://idp.example", Subject: "his"}
	ada, _ := s.signIn(t, account, mine, user.Profile{Name: "Ada", Email: "ada@example.com"})
	bob, _ := s.signIn(t, account, his, user.Profile{Name: "Bob"})
	if added, err := s.linkTo(t, account, ada.ID, more); err != nil || !added {
		t.Fatal(added, err)
	}
	if added, err := s.linkTo(t, account, ada.ID, more); err != nil || added {
		t.Fatal("linked twice:", added, err)
	}
	if _, err := s.linkTo(t, account, ada.ID, his); !errors.Is(err, user.ErrTaken) {
		t.Fatal("took another person's identity:", err)
	}
	if _, err := s.linkTo(t, account, ada.ID, user.Identity{Connection: "con_a"}); !fault.Is(err, fault.Invalid) {
		t.Fatal("linked nothing:", err)
	}
	if _, err := s.linkTo(t, account, "usr_nobody", user.Identity{Connection: "con_a", Issuer: "i", Subject: "s"}); !fault.Is(err, fault.NotFound) {
		t.Fatal("linked to nobody:", err)
	}
	again, created := s.signIn(t, account, more, user.Profile{Name: "Ada L."})
	if created || again.ID != ada.ID || len(again.Identities) != 2 {
		t.Fatalf("%+v", again)
	}
	if still, _ := s.signIn(t, account, his, user.Profile{}); still.ID != bob.ID {
		t.Fatal("an identity moved to", still.ID)
	}
	if err := s.drop(t, account, bob.ID, more); !fault.Is(err, fault.NotFound) {
		t.Fatal("dropped another person's identity:", err)
	}
	if err := s.drop(t, account, ada.ID, more); err != nil {
		t.Fatal(err)
	}
	if other, created := s.signIn(t, account, more, user.Profile{}); !created || other.ID == ada.ID {
		t.Fatal("a dropped identity still leads to", other.ID)
	}
	if err := s.service.Delete(t.Context(), actor.ForOperator(account), bob.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.linkTo(t, account, bob.ID, his); !fault.Is(err, fault.NotFound) {
		t.Fatal("linked to somebody who is deleted:", err)
	}
}

// linkRace lets many people link one identity at the same moment.
func (s suite) linkRace(t *testing.T) {
	const account ident.AccountID = "acc_linkrace"
	i := user.Identity{Connection: "con_x", Issuer: "i", Subject: "wanted"}
	people := make([]ident.UserID, 6)
	for n := range people {
		u, _ := s.signIn(t, account, user.Identity{Connection: "con_a", Issuer: "i", Subject: string(rune('a' + n))}, user.Profile{})
		people[n] = u.ID
	}
	var got atomic.Int64
	var all sync.WaitGroup
	for _, id := range people {
		all.Go(func() {
			switch added, err := s.linkTo(t, account, id, i); {
			case err == nil && added:
				got.Add(1)
			case !errors.Is(err, user.ErrTaken):
				t.Error(added, err)
			}
		})
	}
	all.Wait()
	if got.Load() != 1 {
		t.Error(got.Load(), "people have one identity")
	}
}

func (s suite) readdress(t *testing.T) {
	const account ident.AccountID = "acc_readdress"
	box := func(address string) user.Identity {
		return user.Identity{Connection: "con_email", Issuer: "admit", Subject: address}
	}
	ada, _ := s.signIn(t, account, box("ada@old.example"), user.Profile{Email: "ada@old.example", EmailVerified: true})
	s.signIn(t, account, box("bob@x.example"), user.Profile{Email: "bob@x.example", EmailVerified: true})
	move := func(id ident.UserID, from, to string) error {
		return s.db.Write(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) error {
			return s.service.Readdress(ctx, x, actor.ForSystem(account), id, box(from), box(to))
		})
	}
	if err := move(ada.ID, "ada@old.example", "bob@x.example"); !errors.Is(err, user.ErrTaken) {
		t.Fatal("took another person's address:", err)
	}
	if err := move(ada.ID, "bob@x.example", "ada@new.example"); !errors.Is(err, user.ErrNoIdentity) {
		t.Fatal("moved another person's address:", err)
	}
	if got, err := s.get(t, account, ada.ID); err != nil || len(got.Identities) != 1 || got.Email != "ada@old.example" {
		t.Fatalf("%+v, %v", got, err)
	}
	s.clk.Advance(time.Minute)
	if err := move(ada.ID, "ada@old.example", "ada@new.example"); err != nil {
		t.Fatal(err)
	}
	got, err := s.get(t, account, ada.ID)
	if err != nil || got.Email != "ada@new.example" || !got.EmailVerified || len(got.Identities) != 1 || !got.Identities[0].Same(box("ada@new.example")) {
		t.Fatalf("%+v, %v", got, err)
	}
	if u, created := s.signIn(t, account, box("ada@new.example"), user.Profile{}); created || u.ID != ada.ID {
		t.Fatal("the new address leads to", u.ID)
	}
}
