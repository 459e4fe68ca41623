package self_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/audit"
	"github.com/admit-id/admit/internal/audit/auditdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/self"
)

const account = ident.AccountID("acc_self")

func person(id string) actor.Actor {
	return actor.Actor{Kind: actor.User, Account: account, ID: id, Address: "192.0.2.1", Session: "ses_1"}
}

func TestActivityIsOnesOwn(t *testing.T) {
	sqldbtest.Each(t, auditdb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		trail := audit.New(db, auditdb.Store{})
		s := self.New(db, trail)
		admin := person("usr_admin")
		admin.Address = "203.0.113.9"
		for _, e := range []event.Event{
			event.New(actor.Actor{Account: account, Address: "192.0.2.1"}, "session.started", "ses_1", "user", "usr_1", "method", "email"),
			event.New(admin, "user.claims.updated", "usr_1", "note", "admin's"),
			event.New(actor.ForSystem(account), "recovery.done", "usr_1"),
			event.New(person("usr_2"), "user.profile.updated", "usr_2"),
		} {
			if err := db.Write(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) error { return trail.Record(ctx, x, e) }); err != nil {
				t.Fatal(err)
			}
		}
		page, next, err := s.Activity(t.Context(), account, "usr_1", "")
		if err != nil || next != "" || len(page) != 3 {
			t.Fatalf("%+v %q %v", page, next, err)
		}
		if a := page[0]; a.Type != "recovery.done" || a.By != self.BySystem {
			t.Errorf("%+v", a)
		}
		if a := page[1]; a.By != self.ByAdministrator || a.Address != "" || a.Detail != nil || a.Session != "" {
			t.Errorf("an administrator's act tells too much: %+v", a)
		}
		if a := page[2]; a.By != self.ByYou || a.Address != "192.0.2.1" || a.Detail["method"] != "email" {
			t.Errorf("%+v", a)
		}
		for _, other := range []ident.UserID{"usr_admin", "", "usr_%"} {
			if page, _, err := s.Activity(t.Context(), account, other, ""); err != nil || len(page) != 0 {
				t.Errorf("%q: %+v %v", other, page, err)
			}
		}
		if page, _, err := s.Activity(t.Context(), "acc_other", "usr_1", ""); err != nil || len(page) != 0 {
			t.Errorf("another account: %+v %v", page, err)
		}
		if page, _, err := s.Activity(t.Context(), account, "usr_1", "' OR 1=1"); err != nil || len(page) != 0 {
			t.Errorf("a place that is none: %+v %v", page, err)
		}
	})
}

func TestActivityPages(t *testing.T) {
	db, _ := sqldbtest.SQLite(t, auditdb.Migrations(), nil)
	trail := audit.New(db, auditdb.Store{})
	s := self.New(db, trail)
	const all = self.PageSize*2 + 3
	for i := range all {
		if i%2 == 0 {
			if err := db.Write(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) error {
				return trail.Record(ctx, x, event.New(person("usr_1"), "oauth.token.issued", "grant"))
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Write(t.Context(), tx.In(account), func(ctx context.Context, x tx.Tx) error {
			return trail.Record(ctx, x, event.New(person("usr_1"), "user.profile.updated", "usr_1", "n", fmt.Sprint(i)))
		}); err != nil {
			t.Fatal(err)
		}
	}
	seen, before := 0, ""
	for rounds := 0; ; rounds++ {
		page, next, err := s.Activity(t.Context(), account, "usr_1", before)
		if err != nil || rounds > 3 {
			t.Fatal(rounds, err)
		}
		for _, a := range page {
			if want := fmt.Sprint(all - 1 - seen); a.Detail["n"] != want {
				t.Fatalf("%q at %d", a.Detail["n"], seen)
			}
			seen++
		}
		if before = next; next == "" {
			break
		}
	}
	if seen != all {
		t.Errorf("%d acts", seen)
	}
}

func TestExport(t *testing.T) {
	bus := &tx.Bus{}
	db, clk := sqldbtest.SQLite(t, auditdb.Migrations(), bus)
	trail := audit.New(db, auditdb.Store{})
	bus.Subscribe("*", trail.Record)
	broken := errors.New("broken")
	var fail error
	s := self.New(db, trail,
		self.Part{Name: "profile", Read: func(_ context.Context, a ident.AccountID, u ident.UserID) (any, error) {
			return map[string]string{"of": string(a) + "/" + string(u)}, nil
		}},
		self.Part{Name: "more", Read: func(context.Context, ident.AccountID, ident.UserID) (any, error) { return nil, fail }})
	out, err := s.Export(t.Context(), person("usr_1"), "usr_1")
	if err != nil || !out.At.Equal(clk.Now()) {
		t.Fatal(out, err)
	}
	var text strings.Builder
	var read struct {
		Account, UserID string
		ExportedAt      time.Time
		Data            struct {
			Profile  struct{ Of string }
			Activity []self.Act
		}
		Complete bool
	}
	if err := errors.Join(out.Write(t.Context(), &text), json.Unmarshal([]byte(text.String()), &read)); err != nil {
		t.Fatal(text.String(), err)
	}
	if read.Account != string(account) || read.UserID != "usr_1" || !read.ExportedAt.Equal(clk.Now()) || read.Data.Profile.Of != "acc_self/usr_1" || !read.Complete ||
		len(read.Data.Activity) != 1 || read.Data.Activity[0].Type != self.EventExported {
		t.Errorf("%s", text.String())
	}
	if page, _, _ := s.Activity(t.Context(), account, "usr_1", ""); len(page) != 1 || page[0].Type != self.EventExported {
		t.Errorf("%+v", page)
	}
	for _, by := range []actor.Actor{person("usr_2"), actor.ForSystem(account), {Kind: actor.ServiceClient, Account: account, ID: "usr_1"}} {
		if _, err := s.Export(t.Context(), by, "usr_1"); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%v: %v", by, err)
		}
	}
	fail = broken
	if _, err := s.Export(t.Context(), person("usr_1"), "usr_1"); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// longTrail is what happened to somebody of whom there is much to tell. After failAt acts it cannot be read any more.
type longTrail struct{ all, failAt int }

func (l longTrail) List(_ context.Context, _ ident.AccountID, q audit.Query) (page []audit.Entry, next string, err error) {
	n := l.all
	if q.Before != "" {
		if n, err = strconv.Atoi(q.Before); err != nil {
			return nil, "", err
		}
	}
	if l.failAt > 0 && l.all-n >= l.failAt {
		return nil, "", errors.New("broken")
	}
	for ; n > 0 && len(page) < q.Limit; n-- {
		page = append(page, audit.Entry{ID: strconv.Itoa(n), Type: "oauth.token.issued", Actor: "user:usr_1", Detail: map[string]string{"n": strconv.Itoa(n)}})
	}
	if n > 0 {
		next = strconv.Itoa(n)
	}
	return page, next, nil
}

// However much has happened to somebody, all of it is in their export, or the export is none.
func TestExportIsWhole(t *testing.T) {
	db, _ := sqldbtest.SQLite(t, auditdb.Migrations(), nil)
	const all = 10*audit.MaxLimit + 7
	write := func(trail self.Trail) (string, error) {
		out, err := self.New(db, trail).Export(t.Context(), person("usr_1"), "usr_1")
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		err = out.Write(t.Context(), &text)
		return text.String(), err
	}
	text, err := write(longTrail{all: all})
	var read struct{ Data struct{ Activity []self.Act } }
	if err := errors.Join(err, json.Unmarshal([]byte(text), &read)); err != nil || len(read.Data.Activity) != all {
		t.Fatal(len(read.Data.Activity), err)
	}
	for i, a := range read.Data.Activity {
		if want := strconv.Itoa(all - i); a.Detail["n"] != want {
			t.Fatalf("%q at %d", a.Detail["n"], i)
		}
	}
	if text, err := write(longTrail{all: all, failAt: audit.MaxLimit}); err == nil || json.Valid([]byte(text)) {
		t.Errorf("half an export passes for one: %v", err)
	}
}
