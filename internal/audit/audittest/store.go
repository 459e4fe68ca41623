// Package audittest owns the suite that every store of the audit trail must pass.
package audittest

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/audit"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

const account ident.AccountID = "acc_a"

// RunStore runs the suite on an empty database.
func RunStore(t *testing.T, db tx.Runner, store audit.Store, clk *clock.Fake) {
	s := suite{db, store, clk}
	t.Run("what is written is read", s.roundTrip)
	t.Run("pages from the newest", s.pages)
	t.Run("filters", s.filters)
	t.Run("one person's", s.people)
	t.Run("accounts are apart", s.accounts)
}

type suite struct {
	db    tx.Runner
	store audit.Store
	clk   *clock.Fake
}

// Build returns an entry.
func Build(id string) audit.Entry {
	return audit.Entry{
		Account: account, ID: id, At: sqldbtest.Start, Type: "thing.made", Actor: "user:usr_1", Target: "thing_1",
		Detail: map[string]string{"key": "value \" , {"}, Session: "ses_1", RequestID: "req_1", Address: "192.0.2.1",
		Person: "usr_1",
	}
}

func (s suite) append(t *testing.T, entries ...audit.Entry) {
	t.Helper()
	err := s.db.Write(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
		for _, e := range entries {
			if err := s.store.Append(ctx, x, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s suite) list(t *testing.T, in ident.AccountID, q audit.Query) (out []audit.Entry) {
	t.Helper()
	err := s.db.Read(t.Context(), tx.In(in), func(ctx context.Context, x tx.Tx) (err error) {
		out, err = s.store.List(ctx, x, in, q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s suite) roundTrip(t *testing.T) {
	full, empty := Build("evt_0a"), audit.Entry{Account: account, ID: "evt_0b", At: sqldbtest.Start, Type: "x", Actor: "system"}
	s.append(t, full, empty)
	if diff := cmp.Diff(s.list(t, account, audit.Query{Limit: 9}), []audit.Entry{empty, full}); diff != "" {
		t.Fatal(diff)
	}
}

// pages goes through the service, whose ids must sort as time and calls go.
func (s suite) pages(t *testing.T) {
	const own ident.AccountID = "acc_pages"
	service := audit.New(s.db, s.store)
	for i := range 7 {
		if i%2 == 0 {
			s.clk.Advance(1)
		}
		err := s.db.Write(t.Context(), tx.In(own), func(ctx context.Context, x tx.Tx) error {
			return service.Record(ctx, x, event.New(actor.ForSystem(own), "thing.made", fmt.Sprint(i)))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for q := (audit.Query{Limit: 3}); ; {
		page, next, err := service.List(t.Context(), own, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			got = append(got, e.Target)
		}
		if q.Before = next; next == "" {
			break
		}
	}
	if !cmp.Equal(got, []string{"6", "5", "4", "3", "2", "1", "0"}) {
		t.Fatal(got)
	}
}

func (s suite) filters(t *testing.T) {
	const own ident.AccountID = "acc_filters"
	var all []audit.Entry
	for i := range 4 {
		e := Build(fmt.Sprint("evt_", i))
		e.Account, e.Type, e.Target, e.Actor = own, fmt.Sprint("t", i%2), fmt.Sprint("x", i/2), fmt.Sprint("user:", i%3)
		all = append(all, e)
	}
	s.append(t, all...)
	for _, c := range []struct {
		q    audit.Query
		want string
	}{
		{audit.Query{Type: "t1"}, "evt_3 evt_1 "}, {audit.Query{Target: "x0"}, "evt_1 evt_0 "}, {audit.Query{Actor: "user:0"}, "evt_3 evt_0 "},
		{audit.Query{Type: "t1", Target: "x1", Actor: "user:0"}, "evt_3 "}, {audit.Query{Type: "t%"}, ""}, {audit.Query{Before: "evt_2"}, "evt_1 evt_0 "},
	} {
		c.q.Limit = 10
		var got string
		for _, e := range s.list(t, own, c.q) {
			got += e.ID + " "
		}
		if got != c.want {
			t.Errorf("%+v: %q", c.q, got)
		}
	}
}

func (s suite) accounts(t *testing.T) {
	e := Build("evt_apart")
	e.Account = "acc_b"
	s.append(t, e)
	for _, one := range s.list(t, account, audit.Query{Limit: 100}) {
		if one.ID == e.ID {
			t.Error("another account's entry is read")
		}
	}
	if got := s.list(t, "acc_b", audit.Query{Limit: 100}); len(got) != 1 {
		t.Error(got)
	}
}

// people: what concerns somebody is listed for them alone, whoever did it.
func (s suite) people(t *testing.T) {
	const own ident.AccountID = "acc_people"
	service := audit.New(s.db, s.store)
	one, two := actor.Actor{Kind: actor.User, Account: own, ID: "usr_1"}, actor.Actor{Kind: actor.User, Account: own, ID: "usr_2"}
	for _, e := range []event.Event{
		event.New(actor.ForSystem(own), "session.started", "ses_1", "user", "usr_1"),
		event.New(one, "thing.made", "thing"),
		event.New(two, "user.updated", "usr_1"),
		event.New(two, "oauth.consent.allowed", "app", "user", "usr_2"),
		event.New(actor.ForSystem(own), "passkey.removed", "usr_2"),
		event.New(actor.ForSystem(own), "user.unlinked", "con_1"),
		event.New(actor.Actor{Kind: actor.ServiceClient, Account: own, ID: "usr_1"}, "machine.made", "x"),
	} {
		if err := s.db.Write(t.Context(), tx.In(own), func(ctx context.Context, x tx.Tx) error { return service.Record(ctx, x, e) }); err != nil {
			t.Fatal(err)
		}
	}
	for person, want := range map[string]string{
		"usr_1": "user.updated thing.made session.started ", "usr_2": "passkey.removed oauth.consent.allowed ", "con_1": "", "x": "",
	} {
		var got string
		q := audit.Query{Person: person, Limit: 2}
		for more := true; more; more = q.Before != "" {
			page, next, err := service.List(t.Context(), own, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page {
				got += e.Type + " "
			}
			q.Before = next
		}
		if got != want {
			t.Errorf("%s: %q", person, got)
		}
	}
}
