package endings_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/endings"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// store answers with the sessions that have ended, and the keys that were withdrawn.
type store struct {
	session.Store
	ended []session.EndedSession
	keys  []endings.Key
}

// withdrawn ignores the use, as if all keys were of one.
func (s *store) withdrawn(_ context.Context, _ tx.Tx, account ident.AccountID, _ string) (out []endings.Key, _ error) {
	for _, k := range s.keys {
		if account == "" || account == k.Account {
			out = append(out, k)
		}
	}
	return out, nil
}

func (s *store) Revoked(_ context.Context, _ tx.Tx, q session.RevokedQuery) (out session.Revoked, _ error) {
	for _, e := range s.ended {
		if q.Session == "" || q.Session == e.ID && q.Account == e.Account {
			out.Sessions = append(out.Sessions, e)
		}
	}
	return out, nil
}

type moment struct{ tx.Tx }

func (moment) Now() time.Time { return start.Add(time.Minute) }

// node is a Log with the revision that it has applied.
type node struct {
	*endings.Log
	rev *atomic.Int64
}

func (s *store) node(t *testing.T, rev int64) node {
	n := node{rev: &atomic.Int64{}}
	n.rev.Store(rev)
	n.Log = endings.New(endings.Deps{Store: s, Keys: s.withdrawn, KeyChange: "key", Rev: n.rev.Load})
	if err := n.Load(t.Context(), moment{}); err != nil {
		t.Fatal(err)
	}
	return n
}

// end ends a session at a revision, which the nodes apply.
func (s *store) end(t *testing.T, account ident.AccountID, name string, rev int64, nodes ...node) {
	t.Helper()
	s.ended = append(s.ended, session.EndedSession{Account: account, ID: ident.SessionID(name), At: start})
	for _, n := range nodes {
		if err := n.Apply(t.Context(), moment{}, []feed.Change{{Rev: rev, Account: account, Kind: session.KindSession, Key: name}}); err != nil {
			t.Fatal(err)
		}
		n.rev.Store(rev)
	}
}

// follow asks the nodes in turn until there is no more, and notes what it hears.
func follow(t *testing.T, heard map[string]bool, c endings.Cursor, nodes ...node) endings.Cursor {
	t.Helper()
	for i := range 1000 {
		p := nodes[i%len(nodes)].After("a", c)
		for _, e := range p.Endings {
			heard[e.Name] = true
		}
		if c = p.Next; !p.More {
			return c
		}
	}
	t.Fatal("it never ends")
	return c
}

func TestLog(t *testing.T) {
	s := &store{}
	for i := range 205 {
		s.end(t, "a", fmt.Sprintf("old%d", i), 0)
	}
	s.end(t, "b", "theirs", 0)
	one, two := s.node(t, 10), s.node(t, 10)
	heard := map[string]bool{}
	c := follow(t, heard, endings.Cursor{}, one, two)
	if len(heard) != 205 || heard["theirs"] || c.Rev != 10 {
		t.Fatalf("heard %d, up to %+v", len(heard), c)
	}
	if p := one.After("a", c); len(p.Endings) != 0 || p.Anew || p.Next != c {
		t.Errorf("nothing is new: %+v", p)
	}
	s.end(t, "a", "new", 12, one) // the other node is behind
	if p := two.After("a", c); len(p.Endings) != 0 || p.Anew || p.Next.Rev != 10 {
		t.Errorf("the node behind: %+v", p)
	}
	c = follow(t, heard, c, one)
	if !heard["new"] || c.Rev != 12 {
		t.Errorf("%+v", c)
	}
	// A node behind a cursor neither repeats what was told nor moves the cursor back.
	if p := two.After("a", c); len(p.Endings) != 0 || p.Anew || p.Next.Rev != 12 {
		t.Errorf("the node behind: %+v", p)
	}
	s.end(t, "a", "newer", 13, one, two)
	s.end(t, "a", "missed", 14)
	late := s.node(t, 14) // was started after the cursor: it begins anew
	if p := late.After("a", c); !p.Anew || len(p.Endings) == 0 {
		t.Errorf("a node that was started later: %+v", p)
	}
	if c = follow(t, heard, c, late); !heard["newer"] || !heard["missed"] || c.Rev != 14 {
		t.Errorf("%v, %+v", heard["newer"], c)
	}
	// More at once than a page holds.
	for i := range 90 {
		s.end(t, "a", fmt.Sprintf("many%d", i), int64(20+i), late)
	}
	before := len(heard)
	if c = follow(t, heard, c, late); len(heard) != before+90 || c.Rev != 109 {
		t.Errorf("heard %d more, up to %d", len(heard)-before, c.Rev)
	}
}

func TestWait(t *testing.T) {
	s := &store{}
	n := s.node(t, 10)
	c := n.After("a", endings.Cursor{}).Next
	go func() {
		time.Sleep(20 * time.Millisecond)
		s.end(t, "a", "one", 11, n)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if p := n.Wait(ctx, "a", c); len(p.Endings) != 1 || p.Next.Rev != 11 {
		t.Errorf("%+v", p)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if p := n.Wait(short, "b", endings.Cursor{Rev: 11}); len(p.Endings) != 0 {
		t.Errorf("another account: %+v", p)
	}
}

// A withdrawn key is told for good, and once, though other changes of keys name it again.
func TestKeys(t *testing.T) {
	s := &store{keys: []endings.Key{{Account: "a", ID: "old", At: start.Add(-30 * 24 * time.Hour)}, {Account: "b", ID: "theirs", At: start}}}
	n := s.node(t, 10)
	change := func(rev int64) {
		t.Helper()
		if err := n.Apply(t.Context(), moment{}, []feed.Change{{Rev: rev, Account: "a", Kind: "key", Key: "access"}}); err != nil {
			t.Fatal(err)
		}
		n.rev.Store(rev)
	}
	first := n.After("a", endings.Cursor{})
	if len(first.Endings) != 1 || first.Endings[0].Kind != endings.KindKey || first.Endings[0].Name != "old" || first.Endings[0].Until.Before(start.AddDate(50, 0, 0)) {
		t.Fatalf("%+v", first)
	}
	s.keys = append(s.keys, endings.Key{Account: "a", ID: "new", At: start})
	change(11)
	p := n.After("a", first.Next)
	if len(p.Endings) != 1 || p.Endings[0].Name != "new" || p.Anew || p.Next.Rev != 11 {
		t.Errorf("%+v", p)
	}
	change(12) // a rotation, which withdraws nothing
	if p := n.After("a", p.Next); len(p.Endings) != 0 || p.Next.Rev != 12 {
		t.Errorf("told again: %+v", p)
	}
	if p := n.After("b", endings.Cursor{Rev: 10}); len(p.Endings) != 0 {
		t.Errorf("another account: %+v", p)
	}
}
