package deliver_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/egress"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/signal"
	"github.com/admit-id/admit/internal/signal/deliver"
	"github.com/admit-id/admit/internal/signal/signaldb"
)

// mostPending is how much may wait here, so that the tests need not write ten thousand.
const mostPending = 50

type world struct {
	*testing.T
	db      *sqldb.DB
	clk     *clock.Fake
	service *signal.Service
	sender  *deliver.Sender
	mu      sync.Mutex
	allowed error
}

// plain signs nothing: the tests read what would be signed.
func plain(_ context.Context, _ signal.Stream, _ string, claims any) (secret.Text, error) {
	text, err := json.Marshal(claims)
	return secret.New(string(text)), err
}

func each(t *testing.T, fn func(w *world)) {
	sqldbtest.Each(t, signaldb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		w := &world{T: t, db: db, clk: clk}
		w.service = signal.New(signal.Deps{
			DB: db, Streams: signaldb.Store{}, Queue: signaldb.Store{}, Keys: keys, PlainLoopback: true, MaxPending: mostPending,
			Provide: func(context.Context, tx.Tx, ident.AccountID, string) error { return nil },
			Issuer:  func(ident.AccountID) string { return "https://issuer.example" },
		})
		w.sender = &deliver.Sender{
			DB: db, Queue: signaldb.Store{}, Service: w.service, Sign: plain, Log: slog.New(slog.DiscardHandler),
			Allowed: func(context.Context, signal.Stream) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				return w.allowed
			},
			HTTP: egress.New(egress.Options{Clock: clk, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
		}
		fn(w)
	})
}

func by(client string) actor.Actor {
	return actor.Actor{Kind: actor.ServiceClient, Account: "a", ID: client}
}

// stream makes one for a client, pushed to an address or polled without one.
func (w *world) stream(client, to string) signal.Stream {
	w.Helper()
	in := signal.Settings{}
	if to != "" {
		in.Delivery = &signal.Delivery{Method: signal.Push, Endpoint: to}
	}
	one, err := w.service.Create(w.Context(), by(client), in)
	if err != nil {
		w.Fatal(err)
	}
	return one
}

func (w *world) tell(n int) {
	w.Helper()
	err := w.db.Write(w.Context(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
		return w.service.Tell(ctx, t, "a", signal.SessionRevoked, func() ([]signal.Signal, error) { return make([]signal.Signal, n), nil })
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) status(client, id string) signal.Stream {
	w.Helper()
	one, err := w.service.Get(w.Context(), by(client), id)
	if err != nil {
		w.Fatal(err)
	}
	return one
}

func (w *world) drain() {
	w.Helper()
	if err := w.sender.Worker().Drain(w.Context()); err != nil {
		w.Fatal(err)
	}
}

// receiver counts, and answers.
func (w *world) receiver(h http.HandlerFunc) (string, *atomic.Int32) {
	n := &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n.Add(1)
		h(rw, r)
	}))
	w.Cleanup(s.Close)
	return s.URL + "/in", n
}

func taken(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusAccepted) }

// A receiver that fails is asked again, more and more rarely, and after three days its stream ends.
func TestAReceiverThatFails(t *testing.T) {
	each(t, func(w *world) {
		var works atomic.Bool
		to, n := w.receiver(func(rw http.ResponseWriter, r *http.Request) {
			if !works.Load() {
				http.Error(rw, strings.Repeat("x", 1<<20), http.StatusInternalServerError)
			}
		})
		inside := w.stream("sc_2", "https://10.0.0.1/in") // an internal address is never called
		one := w.stream("sc_1", to)
		w.tell(3)
		w.drain()
		w.drain()
		if n.Load() != 1 { // the first failure keeps the rest
			t.Fatal(n.Load())
		}
		works.Store(true)
		w.clk.Advance(16 * time.Second)
		w.drain()
		if n.Load() != 4 {
			t.Fatal(n.Load())
		}
		works.Store(false)
		w.tell(2)
		began, before := w.clk.Now(), n.Load()
		lives := func() bool {
			return w.status("sc_1", one.ID).Status == signal.Enabled || w.status("sc_2", inside.ID).Status == signal.Enabled
		}
		for lives() && w.clk.Now().Sub(began) < 30*24*time.Hour {
			w.drain()
			w.clk.Advance(25 * time.Minute)
		}
		took, asked := w.clk.Now().Sub(began), n.Load()-before
		if got := w.status("sc_1", one.ID); got.Reason != deliver.WhyFailing || took < deliver.GiveUp || took > deliver.GiveUp+3*time.Hour || asked > 250 {
			t.Errorf("%+v after %v and %d attempts", got, took, asked)
		}
		if got := w.status("sc_2", inside.ID); got.Status != signal.Disabled {
			t.Errorf("%+v", got)
		}
		works.Store(true)
		before = n.Load()
		w.clk.Advance(time.Hour)
		w.drain()
		w.clk.Advance(time.Hour)
		w.drain()
		if got := n.Load() - before; got != 1 { // the word of it, and nothing else
			t.Error("told", got)
		}
	})
}

// Who does not answer holds up nobody else: each of the two answers only when the other was asked, too.
func TestASlowReceiver(t *testing.T) {
	each(t, func(w *world) {
		w.sender.Timeout, w.sender.HTTP = 10*time.Minute, http.DefaultClient
		var both sync.WaitGroup
		both.Add(2)
		meet := func(rw http.ResponseWriter, r *http.Request) {
			both.Done()
			both.Wait()
			taken(rw, r)
		}
		first, one := w.receiver(meet)
		second, two := w.receiver(meet)
		w.stream("sc_1", first)
		w.stream("sc_2", second)
		w.tell(1)
		w.drain()
		if one.Load() != 1 || two.Load() != 1 {
			t.Error(one.Load(), two.Load())
		}
	})
}

// A node that stops in the middle leaves the rest to another, with the same ids.
func TestANodeThatStops(t *testing.T) {
	each(t, func(w *world) {
		ctx, stop := context.WithCancel(t.Context())
		var mu sync.Mutex
		var ids []string
		to, n := w.receiver(func(rw http.ResponseWriter, r *http.Request) {
			var said struct {
				ID string `json:"jti"`
			}
			_ = json.NewDecoder(r.Body).Decode(&said)
			mu.Lock()
			ids = append(ids, said.ID)
			second := len(ids) == 2
			mu.Unlock()
			if second {
				stop()
				<-r.Context().Done()
				return
			}
			taken(rw, r)
		})
		w.stream("sc_1", to)
		w.tell(3)
		_ = w.sender.Worker().Drain(ctx)
		w.clk.Advance(time.Minute)
		w.drain()
		slices.Sort(ids)
		if n.Load() != 4 || len(slices.Compact(ids)) != 3 {
			t.Error(n.Load(), ids)
		}
	})
}

// While it cannot be told whether a receiver may be told, it is not; and nothing is lost.
func TestWhetherItMayIsUnknown(t *testing.T) {
	each(t, func(w *world) {
		to, n := w.receiver(taken)
		one := w.stream("sc_1", to)
		w.allowed = fault.New(fault.Unavailable, fault.CodeUnavailable, "Not now.")
		w.tell(1)
		w.drain()
		if n.Load() != 0 || w.status("sc_1", one.ID).Status != signal.Enabled {
			t.Error(n.Load())
		}
		w.allowed = nil
		w.clk.Advance(time.Minute)
		w.drain()
		if n.Load() != 1 {
			t.Error(n.Load())
		}
	})
}

// A receiver that says that its own settings are wrong hears the event again; one that refuses it does not.
func TestRefusals(t *testing.T) {
	each(t, func(w *world) {
		for code, again := range map[string]bool{"authentication_failed": true, "invalid_key": true, "access_denied": true, "invalid_request": false, "invalid_audience": false, "": false} {
			to, n := w.receiver(func(rw http.ResponseWriter, _ *http.Request) {
				rw.WriteHeader(http.StatusBadRequest)
				_, _ = rw.Write([]byte(`{"err":"` + code + `"}`))
			})
			one := w.stream("sc_1", to)
			w.tell(1)
			w.drain()
			w.clk.Advance(time.Minute)
			w.drain()
			if got := n.Load(); got != 1 && !again || got != 2 && again {
				t.Errorf("%q: %d attempts", code, got)
			}
			if err := w.service.Delete(t.Context(), by("sc_1"), one.ID); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A poll that waits is answered as soon as there is something.
func TestAPollThatWaits(t *testing.T) {
	each(t, func(w *world) {
		one := w.stream("sc_1", "")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		begun := make(chan struct{})
		got := make(chan int)
		go func() {
			close(begun)
			for n := 0; ; { // each waits for ten seconds
				found, _, err := w.service.Poll(ctx, by("sc_1"), one.ID, signal.Polling{Max: 5}, plain)
				if n = len(found); n > 0 || err != nil {
					got <- n
					return
				}
			}
		}()
		<-begun
		w.tell(2)
		if n := <-got; n == 0 {
			t.Error("the poll was not answered")
		}
		found, more, err := w.service.Poll(ctx, by("sc_1"), one.ID, signal.Polling{Max: 1, Now: true}, plain)
		if err != nil || len(found) != 1 || !more {
			t.Error(len(found), more, err)
		}
		gone := fault.New(fault.Forbidden, fault.CodeForbidden, "no more")
		if found, _, err := w.service.Poll(ctx, by("sc_1"), one.ID, signal.Polling{Max: 1, Now: true, May: func() error { return gone }}, plain); len(found) != 0 || !errors.Is(err, gone) {
			t.Error("told what it may not hear any more:", found, err)
		}
		refused := map[string]string{found[0].ID: "invalid\r\nkey"}
		if found, more, err = w.service.Poll(ctx, by("sc_1"), one.ID, signal.Polling{Max: 5, Now: true, Refused: refused}, plain); err != nil || len(found) != 1 || more {
			t.Error(len(found), more, err)
		}
		if _, _, err := w.service.Poll(ctx, by("sc_1"), one.ID, signal.Polling{Max: 5, Ack: make([]string, signal.MaxAcks+1)}, plain); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
}

// What nobody takes is not kept for ever.
func TestWhatWaitsIsBounded(t *testing.T) {
	each(t, func(w *world) {
		one, two := w.stream("sc_1", ""), w.stream("sc_2", "")
		purge := func() {
			t.Helper()
			for n := int64(2000); n >= 2000; {
				var err error
				if n, err = w.service.Purge(t.Context(), 2000); err != nil {
					t.Fatal(err)
				}
			}
		}
		waiting := func(client, id string) (kinds []string) {
			t.Helper()
			found, _, err := w.service.Poll(t.Context(), by(client), id, signal.Polling{Max: 100, Now: true}, plain)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range found {
				kinds = append(kinds, f.Text.Reveal())
			}
			return kinds
		}
		w.tell(3)
		w.clk.Advance(signal.Kept + time.Hour)
		w.tell(2)
		purge()
		if got := waiting("sc_1", one.ID); len(got) != 2 {
			t.Error(len(got))
		}
		if _, err := w.service.SetStatus(t.Context(), by("sc_2"), two.ID, signal.Paused, ""); err != nil {
			t.Fatal(err)
		}
		w.tell(mostPending - 2) // beside the two
		purge()
		if got := w.status("sc_1", one.ID); got.Status != signal.Enabled {
			t.Errorf("%+v", got)
		}
		w.tell(1)
		purge()
		for client, s := range map[string]signal.Stream{"sc_1": one, "sc_2": two} {
			if got := w.status(client, s.ID); got.Status != signal.Disabled || got.Reason != signal.WhyFull {
				t.Errorf("%+v", got)
			}
			if got := waiting(client, s.ID); len(got) != 1 || !strings.Contains(got[0], "stream-updated") {
				t.Error(got)
			}
		}
		w.tell(1)
		if _, err := w.service.SetStatus(t.Context(), by("sc_1"), one.ID, signal.Enabled, ""); err != nil {
			t.Fatal(err)
		}
		if got := waiting("sc_1", one.ID); len(got) != 0 {
			t.Error("what happened while it was disabled is told:", got)
		}
	})
}
