package audit_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/audit"
	"github.com/admit-id/admit/internal/audit/auditdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

func TestEntriesShareTheTransaction(t *testing.T) {
	bus := &tx.Bus{}
	db, clk := sqldbtest.SQLite(t, auditdb.Migrations(), bus)
	s := audit.New(db, auditdb.Store{})
	bus.Subscribe("*", s.Record)
	by := actor.Actor{Kind: actor.User, Account: "acc_a", ID: "usr_1", Session: "ses_1", RequestID: "req_1", Address: "192.0.2.1"}
	undone := errors.New("undone")
	err := db.Write(t.Context(), tx.In("acc_a"), func(ctx context.Context, x tx.Tx) error {
		if err := x.Emit(ctx, event.New(by, "thing.made", "lost")); err != nil {
			return err
		}
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), tx.In("acc_a"), func(ctx context.Context, x tx.Tx) error {
		return x.Emit(ctx, event.New(by, "thing.made", "kept", "reason", "because"))
	})
	if err != nil {
		t.Fatal(err)
	}
	page, next, err := s.List(t.Context(), "acc_a", audit.Query{})
	if err != nil || len(page) != 1 || next != "" {
		t.Fatal(page, next, err)
	}
	e := page[0]
	if e.Target != "kept" || e.Actor != "user:usr_1" || e.Session != "ses_1" || e.RequestID != "req_1" || e.Address != "192.0.2.1" ||
		e.Detail["reason"] != "because" || !e.At.Equal(clk.Now()) || !strings.HasPrefix(e.ID, "evt_") {
		t.Fatalf("%+v", e)
	}
}

func TestHostileTextsAreKeptHarmless(t *testing.T) {
	sqldb, _ := sqldbtest.SQLite(t, auditdb.Migrations(), nil)
	s := audit.New(sqldb, auditdb.Store{})
	hostile := "a\x00b\nforged line\r\x1b[2J\u202e\u2028\xff" + strings.Repeat("é", 1000)
	err := sqldb.Write(t.Context(), tx.In("acc_a"), func(ctx context.Context, x tx.Tx) error {
		detail := []string{}
		for i := range 100 {
			detail = append(detail, strings.Repeat("k", i), hostile)
		}
		return s.Record(ctx, x, event.New(actor.Actor{Kind: actor.User, Account: "acc_a", ID: hostile, Address: hostile}, "x", hostile, detail...))
	})
	if err != nil {
		t.Fatal(err)
	}
	page, _, err := s.List(t.Context(), "acc_a", audit.Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{page[0].Target, page[0].Actor, page[0].Address, page[0].Detail["k"]} {
		if len(text) > 520 || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\n\r\x1b\u202e\u2028") {
			t.Errorf("%q", text)
		}
	}
	if len(page[0].Detail) > 32 {
		t.Error(len(page[0].Detail))
	}
}
