// Package signaltest owns the suite that every store of streams and their events must pass.
package signaltest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/signal"
)

// Store is both halves.
type Store interface {
	signal.Streams
	signal.Queue
}

type suite struct {
	*testing.T
	db    tx.Runner
	store Store
	clk   *clock.Fake
}

// RunStore is the suite, on an empty store.
func RunStore(t *testing.T, db tx.Runner, store Store, clk *clock.Fake) {
	s := suite{t, db, store, clk}
	s.streams()
	s.bounds()
	s.queue()
	s.claims()
	s.race()
	s.purge()
}

func (s suite) in(account ident.AccountID, fn func(context.Context, tx.Tx) error) {
	s.Helper()
	if err := s.db.Write(context.Background(), tx.In(account), fn); err != nil {
		s.Fatal(err)
	}
}

func (s suite) system(fn func(context.Context, tx.Tx) error) {
	s.Helper()
	if err := s.db.Write(context.Background(), tx.System(), fn); err != nil {
		s.Fatal(err)
	}
}

func stream(account ident.AccountID, client ident.ServiceClientID, id string) signal.Stream {
	return signal.Stream{
		Account: account, ID: id, Client: client, Method: signal.Push, Endpoint: "https://r.example/" + id, Header: []byte{1, 2}, Requested: []string{"urn:x"},
		Kinds: signal.SessionRevoked | signal.Updated, Description: "d", Alg: "ES256", Status: signal.Enabled, Version: 1,
	}
}

func (s suite) add(one signal.Stream, want bool) {
	s.Helper()
	s.in(one.Account, func(ctx context.Context, t tx.Tx) error {
		one.CreatedAt = t.Now()
		ok, err := s.store.Insert(ctx, t, one, 3, 5)
		if ok != want {
			s.Errorf("%s/%s: added %v, want %v", one.Account, one.ID, ok, want)
		}
		return err
	})
}

func (s suite) get(account ident.AccountID, client ident.ServiceClientID, id string) (one signal.Stream) {
	s.Helper()
	s.in(account, func(ctx context.Context, t tx.Tx) (err error) {
		one, err = s.store.Get(ctx, t, account, client, id)
		return err
	})
	return one
}

func (s suite) update(one signal.Stream, want bool) {
	s.Helper()
	s.in(one.Account, func(ctx context.Context, t tx.Tx) error {
		ok, err := s.store.Update(ctx, t, one)
		if ok != want {
			s.Errorf("updated %v, want %v: %+v", ok, want, one)
		}
		return err
	})
}

func (s suite) put(account ident.AccountID, stream, id string, k signal.Kind) {
	s.Helper()
	s.in(account, func(ctx context.Context, t tx.Tx) error {
		return s.store.Put(ctx, t, signal.Event{
			Account: account, Stream: stream, ID: id, CreatedAt: t.Now(), Signal: signal.Signal{Kind: k, User: "u1", Session: "s1", Claims: map[string]any{"a": "b"}},
		})
	})
}

func (s suite) pending(one signal.Stream, limit int) string {
	s.Helper()
	var ids []string
	s.in(one.Account, func(ctx context.Context, t tx.Tx) error {
		list, err := s.store.Pending(ctx, t, one, limit)
		for _, e := range list {
			ids = append(ids, e.ID)
		}
		return err
	})
	return strings.Join(ids, " ")
}

func (s suite) streams() {
	one := stream("a", "sc_1", "stm_1")
	s.add(one, true)
	s.add(stream("b", "sc_1", "stm_1"), true)
	s.add(stream("a", "sc_2", "stm_2"), true)
	got := s.get("a", "sc_1", "stm_1")
	one.CreatedAt = got.CreatedAt
	if got.CreatedAt.IsZero() || !reflect.DeepEqual(got, one) {
		s.Errorf("%+v\n%+v", got, one)
	}
	for _, foreign := range []signal.Stream{stream("a", "sc_2", "stm_1"), stream("b", "sc_2", "stm_1"), stream("a", "sc_1", "stm_2")} {
		err := s.db.Read(context.Background(), tx.In(foreign.Account), func(ctx context.Context, t tx.Tx) error {
			_, err := s.store.Get(ctx, t, foreign.Account, foreign.Client, foreign.ID)
			return err
		})
		if !fault.Is(err, fault.NotFound) {
			s.Errorf("%+v: %v", foreign, err)
		}
		s.update(foreign, false)
	}
	got.Status, got.Reason, got.Header, got.Requested, got.Method, got.Endpoint = signal.Paused, "why", nil, nil, signal.Poll, ""
	s.update(got, true)
	s.update(got, false) // by the same version twice
	if now := s.get("a", "sc_1", "stm_1"); now.Version != 2 || now.Reason != "why" || len(now.Header) != 0 || now.Requested != nil || now.Method != signal.Poll {
		s.Errorf("%+v", now)
	}
	if other := s.get("b", "sc_1", "stm_1"); other.Status != signal.Enabled {
		s.Error("another account's stream changed")
	}
	s.wanting()
	for i, want := range []bool{true, false, false} { // verified at most so often
		one := s.get("a", "sc_1", "stm_1")
		s.in("a", func(ctx context.Context, t tx.Tx) error {
			ok, err := s.store.Verified(ctx, t, one, t.Now().Add(-time.Minute))
			if ok != want {
				s.Errorf("verification %d: %v", i, ok)
			}
			return err
		})
		s.clk.Advance(20 * time.Second)
	}
}

func (s suite) wanting() {
	for k, want := range map[signal.Kind]int{signal.SessionRevoked: 2, signal.Updated: 2, signal.AccountPurged: 0} {
		s.in("a", func(ctx context.Context, t tx.Tx) error {
			list, err := s.store.Wanting(ctx, t, "a", k)
			if len(list) != want {
				s.Errorf("%d want %v, want %d", len(list), k, want)
			}
			return err
		})
	}
	two := s.get("a", "sc_2", "stm_2")
	two.Status = signal.Disabled
	s.update(two, true)
	s.in("a", func(ctx context.Context, t tx.Tx) error {
		list, err := s.store.Wanting(ctx, t, "a", signal.SessionRevoked)
		if len(list) != 1 || list[0].ID != "stm_1" { // which is paused
			s.Errorf("%+v", list)
		}
		return err
	})
}

func (s suite) bounds() {
	s.add(stream("a", "sc_1", "stm_3"), true)
	s.add(stream("a", "sc_1", "stm_4"), true)
	s.add(stream("a", "sc_1", "stm_5"), false) // of one client
	s.add(stream("a", "sc_3", "stm_6"), true)
	s.add(stream("a", "sc_4", "stm_7"), false) // of the account
	s.add(stream("b", "sc_4", "stm_7"), true)
	s.in("a", func(ctx context.Context, t tx.Tx) error {
		list, err := s.store.Of(ctx, t, "a", "sc_1")
		if len(list) != 3 || list[0].ID != "stm_1" {
			s.Errorf("%+v", list)
		}
		if n, err := s.store.Remove(ctx, t, "a", "sc_1", "stm_6"); n != 0 || err != nil {
			s.Error("another client's stream was removed:", n, err)
		}
		if n, err := s.store.Remove(ctx, t, "a", "sc_1", "stm_4"); n != 1 || err != nil {
			s.Error(n, err)
		}
		return err
	})
}

func (s suite) queue() {
	three := s.get("a", "sc_1", "stm_3")
	for _, id := range []string{"e1", "e2", "e3"} {
		s.put("a", "stm_3", id, signal.SessionRevoked)
		s.clk.Advance(time.Second)
	}
	s.put("a", "stm_6", "e1", signal.SessionRevoked) // an id of another stream
	s.put("a", "stm_3", "e4", signal.Updated)
	if got := s.pending(three, 2); got != "e1 e2" {
		s.Error(got)
	}
	foreign := three
	foreign.Client = "sc_3"
	if got := s.pending(foreign, 10); got != "" {
		s.Error("another client reads", got)
	}
	s.in("a", func(ctx context.Context, t tx.Tx) error {
		list, err := s.store.Pending(ctx, t, three, 1)
		if e := list[0]; e.User != "u1" || e.Session != "s1" || e.Claims["a"] != "b" || e.Kind != signal.SessionRevoked || e.CreatedAt.IsZero() || e.Account != "a" {
			s.Errorf("%+v", e)
		}
		return err
	})
	three.Status = signal.Paused
	s.update(three, true)
	if got := s.pending(three, 10); got != "" {
		s.Error("a paused stream hears", got)
	}
	three.Version, three.Status = 2, signal.Disabled
	s.update(three, true)
	if got := s.pending(three, 10); got != "e4" {
		s.Error("a disabled stream hears", got)
	}
	three.Version, three.Status = 3, signal.Enabled
	s.update(three, true)
	many := []string{"e1", "nothing"}
	for i := range 500 {
		many = append(many, fmt.Sprint("none", i))
	}
	s.in("a", func(ctx context.Context, t tx.Tx) error {
		n, err := s.store.Forget(ctx, t, three, append(many, "e3"))
		if n != 2 {
			s.Error("forgot", n)
		}
		return err
	})
	if got := s.pending(three, 10); got != "e2 e4" {
		s.Error(got)
	}
	if got := s.pending(s.get("a", "sc_3", "stm_6"), 10); got != "e1" {
		s.Error("another stream's event went:", got)
	}
}

// claim returns what is due, and by which it was claimed.
func (s suite) claim() (out []signal.Stream) {
	s.Helper()
	s.system(func(ctx context.Context, t tx.Tx) error {
		due, err := s.store.Due(ctx, t)
		if err != nil {
			return err
		}
		out, err = s.store.Claim(ctx, t, t.Now().Add(time.Minute), 100)
		if due != (len(out) > 0) {
			s.Errorf("due %v, claimed %d", due, len(out))
		}
		return err
	})
	slices.SortFunc(out, func(a, b signal.Stream) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (s suite) settle(one signal.Stream, after time.Duration) {
	s.Helper()
	s.in(one.Account, func(ctx context.Context, t tx.Tx) error { return s.store.Settle(ctx, t, one, t.Now().Add(after)) })
}

func (s suite) claims() {
	got := s.claim()
	if len(got) != 2 || got[0].ID != "stm_3" || got[1].ID != "stm_6" { // not those that are polled, or for which nothing waits
		s.Fatalf("%+v", got)
	}
	if again := s.claim(); len(again) != 0 {
		s.Errorf("claimed twice: %+v", again)
	}
	three, six := got[0], got[1]
	three.Failures, three.Failing = 2, s.clk.Now()
	s.settle(three, 10*time.Minute)
	s.clk.Advance(2 * time.Minute)
	got = s.claim() // of six the claim is over, three waits
	if len(got) != 1 || got[0].ID != "stm_6" {
		s.Fatalf("%+v", got)
	}
	s.settle(six, -time.Hour) // whose claim is over
	if again := s.claim(); len(again) != 0 {
		s.Errorf("a late outcome counts: %+v", again)
	}
	s.clk.Advance(10 * time.Minute)
	got = s.claim()
	if len(got) != 2 || got[0].Failures != 2 || got[0].Failing.IsZero() {
		s.Fatalf("%+v", got)
	}
	three = got[0]
	three.Status = signal.Paused
	s.update(three, true)
	s.clk.Advance(10 * time.Minute)
	if got := s.claim(); len(got) != 1 || got[0].ID != "stm_6" {
		s.Errorf("a paused stream is claimed: %+v", got)
	}
	three.Version, three.Status = three.Version+1, signal.Enabled
	s.update(three, true)
	if got := s.claim(); len(got) != 1 || got[0].ID != "stm_3" || got[0].Failures != 0 || !got[0].Failing.IsZero() { // at once, as if nothing had been
		s.Errorf("%+v", got)
	}
}

// race: many nodes at once claim each stream once, and one account does not take every place.
func (s suite) race() {
	for i := range 5 {
		id := fmt.Sprint("stm_r", i)
		s.add(stream("c", ident.ServiceClientID(fmt.Sprint("sc_", i)), id), true)
		s.put("c", id, "e1", signal.SessionRevoked)
	}
	claim := func(limit int) (ids []string) {
		if err := s.db.Write(context.Background(), tx.System(), func(ctx context.Context, t tx.Tx) error {
			got, err := s.store.Claim(ctx, t, t.Now().Add(time.Minute), limit)
			ids = nil
			for _, one := range got {
				if one.Account == "c" {
					ids = append(ids, one.ID)
				}
			}
			return err
		}); err != nil {
			s.Error(err)
		}
		return ids
	}
	if got := claim(20); len(got) != signal.MaxClaimed {
		s.Errorf("of one account %d streams were claimed at once", len(got))
	}
	if got := claim(20); len(got) != 1 {
		s.Errorf("then %d", len(got))
	}
	s.clk.Advance(2 * time.Minute)
	due := func() (yes bool) {
		err := s.db.Read(context.Background(), tx.System(), func(ctx context.Context, t tx.Tx) (err error) {
			yes, err = s.store.Due(ctx, t)
			return err
		})
		if err != nil {
			s.Error(err)
		}
		return yes
	}
	var mu sync.Mutex
	seen := map[string]int{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for due() {
				got := claim(2)
				mu.Lock()
				for _, id := range got {
					seen[id]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(seen) != 5 {
		s.Errorf("%d of 5 streams were claimed", len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			s.Errorf("%s was claimed %d times", id, n)
		}
	}
}

func (s suite) purge() {
	s.clk.Advance(time.Hour)
	s.put("a", "stm_3", "new", signal.SessionRevoked)
	s.put("a", "stm_none", "orphan", signal.SessionRevoked)
	six := s.get("a", "sc_3", "stm_6")
	six.Status = signal.Disabled
	s.update(six, true)
	s.put("a", "stm_6", "kept by nobody", signal.SessionRevoked)
	s.put("a", "stm_6", "word of it", signal.Updated)
	s.system(func(ctx context.Context, t tx.Tx) error {
		full, err := s.store.Overflowing(ctx, t, 2)
		if err != nil || len(full) != 1 || full[0].ID != "stm_3" {
			s.Errorf("%+v %v", full, err)
		}
		n, err := s.store.Purge(ctx, t, t.Now().Add(-time.Minute), 1000)
		if n != 10 { // e2, e4 of three, e1 of six, those of the race, the orphan, and what nobody keeps
			s.Error("purged", n)
		}
		return err
	})
	if got := s.pending(s.get("a", "sc_1", "stm_3"), 10); got != "new" {
		s.Error(got)
	}
	if got := s.pending(six, 10); got != "word of it" {
		s.Error(got)
	}
	s.in("a", func(ctx context.Context, t tx.Tx) error {
		n, err := s.store.Remove(ctx, t, "a", "sc_1", "")
		if n != 2 {
			s.Error("removed", n)
		}
		return err
	})
	if got := s.pending(stream("b", "sc_1", "stm_1"), 10); got != "" || s.get("b", "sc_1", "stm_1").ID == "" {
		s.Error("another account's stream went")
	}
}
