// Package requesttest owns the suite that every store of access requests must pass.
package requesttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/request"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	acc1 ident.AccountID = "acc_1"
	acc2 ident.AccountID = "acc_2"
)

type suite struct {
	runner tx.Runner
	store  request.Store
}

// RunStore is the suite. Open gives an empty store.
func RunStore(t *testing.T, open func(t *testing.T) (tx.Runner, request.Store)) {
	for name, test := range map[string]func(suite, *testing.T){
		"life": suite.life, "lists": suite.lists, "count": suite.count, "day": suite.day, "race": suite.race,
	} {
		t.Run(name, func(t *testing.T) {
			runner, store := open(t)
			test(suite{runner, store}, t)
		})
	}
}

func (s suite) in(t *testing.T, account ident.AccountID, fn func(context.Context, tx.Tx) error) {
	t.Helper()
	if err := s.runner.Write(t.Context(), tx.In(account), fn); err != nil {
		t.Fatal(err)
	}
}

func want(ok bool, what string) error {
	if !ok {
		return errors.New("not so: " + what)
	}
	return nil
}

func sample(id request.ID, by ident.UserID, users ...ident.UserID) request.Request {
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	return request.Request{ID: id, Status: request.Open, By: by, Users: users,
		Statements: []access.Statement{{Roles: []ident.RoleID{"ro_1", "Authress:Owner"}, Resources: []string{"a/b", "c/*"}}},
		Tags:       map[string]string{"k": "Ünïcode"}, CreatedAt: at, LastUpdated: at}
}

func (s suite) create(ctx context.Context, t tx.Tx, account ident.AccountID, r request.Request) error {
	room, err := s.store.Create(ctx, t, account, r, 100)
	return errors.Join(err, want(room, "there was room"))
}

func (s suite) life(t *testing.T) {
	r := sample("req_1", "ann", "ann", "bob")
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error { return s.create(ctx, tr, acc1, r) })
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		got, err := s.store.Get(ctx, tr, acc1, "req_1")
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("Get: %s", diff)
		}
		return err
	})
	s.in(t, acc2, func(ctx context.Context, tr tx.Tx) error {
		_, err := s.store.Get(ctx, tr, acc2, "req_1")
		won, replaceErr := s.store.Replace(ctx, tr, acc2, r, r)
		return errors.Join(replaceErr, want(fault.Is(err, fault.NotFound) && !won, "another account's"))
	})
	after := r
	after.Status, after.By, after.Users, after.DecidedBy, after.Record = request.Approved, "", []ident.UserID{"bob"}, "user:eve", "rec_1"
	after.LastUpdated = r.LastUpdated.Add(time.Millisecond)
	stale := r
	stale.LastUpdated = r.LastUpdated.Add(-time.Millisecond)
	denied := r
	denied.Status = request.Denied
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		lost, err := s.store.Replace(ctx, tr, acc1, after, stale)
		other, err2 := s.store.Replace(ctx, tr, acc1, after, denied)
		won, err3 := s.store.Replace(ctx, tr, acc1, after, r)
		again, err4 := s.store.Replace(ctx, tr, acc1, after, r)
		got, err5 := s.store.Get(ctx, tr, acc1, "req_1")
		if diff := cmp.Diff(after, got); diff != "" {
			t.Errorf("Get after Replace: %s", diff)
		}
		return errors.Join(err, err2, err3, err4, err5, want(!lost && !other && won && !again, "replaced once, from what it was"))
	})
}

func (s suite) list(t *testing.T, account ident.AccountID, q request.Query) string {
	t.Helper()
	var ids []string
	s.in(t, account, func(ctx context.Context, tr tx.Tx) error {
		list, err := s.store.List(ctx, tr, account, q)
		for _, r := range list {
			ids = append(ids, strings.TrimPrefix(string(r.ID), "req_"))
		}
		return err
	})
	return strings.Join(ids, " ")
}

func (s suite) lists(t *testing.T) {
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		var errs []error
		for i, by := range []ident.UserID{"ann", "bob", "ann", "cat", "ann"} {
			r := sample(request.ID(fmt.Sprint("req_", i)), by, by)
			if i == 3 {
				r.Users = []ident.UserID{"ann", "dan"}
			}
			errs = append(errs, s.create(ctx, tr, acc1, r))
			if i == 2 {
				gone := r
				gone.Status = request.Deleted
				_, err := s.store.Replace(ctx, tr, acc1, gone, r)
				errs = append(errs, err)
			}
		}
		return errors.Join(errs...)
	})
	s.in(t, acc2, func(ctx context.Context, tr tx.Tx) error {
		return s.create(ctx, tr, acc2, sample("req_9", "ann", "ann"))
	})
	for _, test := range []struct {
		q    request.Query
		want string
	}{
		{request.Query{Limit: 9}, "0 1 3 4"},
		{request.Query{Limit: 2}, "0 1"},
		{request.Query{Limit: 2, After: "req_1"}, "3 4"},
		{request.Query{Limit: 9, Status: request.Open}, "0 1 3 4"},
		{request.Query{Limit: 9, Status: request.Deleted}, "2"},
		{request.Query{Limit: 9, Status: request.Approved}, ""},
		{request.Query{Limit: 9, Status: request.Every}, "0 1 2 3 4"},
		{request.Query{Limit: 9, By: "ann"}, "0 4"},
		{request.Query{Limit: 9, NotBy: "ann"}, "1 3"},
		{request.Query{Limit: 9, Person: "ann"}, "0 3 4"},
		{request.Query{Limit: 9, Person: "ann", Status: request.Every}, "0 2 3 4"},
		{request.Query{Limit: 9, Person: "dan"}, "3"},
		{request.Query{Limit: 9, Person: "cat"}, "3"},
		{request.Query{Limit: 9, Person: "' OR 1=1 --"}, ""},
	} {
		if got := s.list(t, acc1, test.q); got != test.want {
			t.Errorf("%+v: %q; want %q", test.q, got, test.want)
		}
	}
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		before, err := s.store.Get(ctx, tr, acc1, "req_3")
		after := before
		after.Users = []ident.UserID{"dan"}
		_, err2 := s.store.Replace(ctx, tr, acc1, after, before)
		return errors.Join(err, err2)
	})
	if got := s.list(t, acc1, request.Query{Limit: 9, Person: "ann"}); got != "0 4" {
		t.Errorf("after she left one: %q", got)
	}
}

// count: what is decided makes room, what others do does not count.
func (s suite) count(t *testing.T) {
	try := func(account ident.AccountID, id request.ID, by ident.UserID) (room bool) {
		s.in(t, account, func(ctx context.Context, tr tx.Tx) (err error) {
			room, err = s.store.Create(ctx, tr, account, sample(id, by, by), 2)
			return err
		})
		return room
	}
	if !try(acc1, "req_1", "ann") || !try(acc1, "req_2", "ann") || try(acc1, "req_3", "ann") {
		t.Error("two fit, no third")
	}
	if !try(acc1, "req_4", "bob") || !try(acc2, "req_1", "ann") {
		t.Error("others have their own count")
	}
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		before := sample("req_1", "ann", "ann")
		after := before
		after.Status = request.Denied
		_, err := s.store.Replace(ctx, tr, acc1, after, before)
		return err
	})
	if !try(acc1, "req_5", "ann") || try(acc1, "req_6", "ann") {
		t.Error("a decision makes room for one")
	}
	if got := s.list(t, acc1, request.Query{Limit: 9, Status: request.Every}); got != "1 2 4 5" {
		t.Errorf("kept: %q", got)
	}
}

// day: who withdraws and asks again, over and over, has made enough for a day.
func (s suite) day(t *testing.T) {
	n := 0
	again := func(by ident.UserID, later time.Duration) (room bool) {
		n++
		s.in(t, acc1, func(ctx context.Context, tr tx.Tx) (err error) {
			r := sample(request.ID(fmt.Sprint("req_", n)), by, by)
			r.CreatedAt = r.CreatedAt.Add(later)
			if room, err = s.store.Create(ctx, tr, acc1, r, 1); err != nil || !room {
				return err
			}
			after := r
			after.Status, after.LastUpdated = request.Deleted, r.LastUpdated.Add(time.Second)
			won, err := s.store.Replace(ctx, tr, acc1, after, r)
			return errors.Join(err, want(won, "it was withdrawn"))
		})
		return room
	}
	for i := range request.PerDay {
		if !again("ann", 0) {
			t.Fatalf("no room for number %d", i+1)
		}
	}
	if again("ann", 0) || again("ann", 11*time.Hour) {
		t.Error("it goes on without an end")
	}
	if !again("bob", 0) || !again("ann", 12*time.Hour) {
		t.Error("others, and the next day, have room")
	}
}

// race: many at once, still no more than fit, and one decision.
func (s suite) race(t *testing.T) {
	var rooms, wins atomic.Int32
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			err := s.runner.Write(t.Context(), tx.In(acc1), func(ctx context.Context, tr tx.Tx) error {
				room, err := s.store.Create(ctx, tr, acc1, sample(request.ID(fmt.Sprint("req_", i)), "ann", "ann"), 5)
				if room {
					rooms.Add(1)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := rooms.Load(); n != 5 {
		t.Errorf("%d fitted", n)
	}
	one := request.ID("req_" + strings.Fields(s.list(t, acc1, request.Query{Limit: 1}))[0])
	for i := range 8 {
		wg.Go(func() {
			err := s.runner.Write(t.Context(), tx.In(acc1), func(ctx context.Context, tr tx.Tx) error {
				before := sample(one, "ann", "ann")
				after := before
				after.Status, after.LastUpdated = request.Denied, before.LastUpdated.Add(time.Duration(i+1)*time.Second)
				won, err := s.store.Replace(ctx, tr, acc1, after, before)
				if won {
					wins.Add(1)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := wins.Load(); n != 1 {
		t.Errorf("%d decisions", n)
	}
}
