package registration_test

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/oauth/registration"
	"github.com/admit-id/admit/internal/oauth/remote"
)

// everyHost serves a document at every address, once it may.
type everyHost struct {
	mu    sync.Mutex
	asked int
	hold  chan struct{} // nil: answer at once
}

func (h *everyHost) Fetch(_ context.Context, address string, _ int64) (remote.Answer, error) {
	h.mu.Lock()
	h.asked++
	hold := h.hold
	h.mu.Unlock()
	if hold != nil {
		<-hold
	}
	return remote.Answer{Body: []byte(`{"client_id":"` + address + `","redirect_uris":["https://app.example/cb"]}`)}, nil
}

func (h *everyHost) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked
}

type fromKey struct{}

func newOpenShelf(h *everyHost) (*registration.Documents, *clock.Fake) {
	clk := clock.NewFake(sqldbtest.Start)
	return registration.NewDocuments(registration.DocumentDeps{
		Fetch: h, Clock: clk, Settings: func(ident.AccountID) registration.Settings {
			return registration.Settings{DocumentHosts: []string{"*"}}
		},
		From: func(ctx context.Context) netip.Addr { a, _ := ctx.Value(fromKey{}).(netip.Addr); return a },
	}), clk
}

func from(t *testing.T, address string) context.Context {
	return context.WithValue(t.Context(), fromKey{}, netip.MustParseAddr(address))
}

// A network that names address after address makes the server fetch few of them, and takes nothing from others.
func TestStrangersFetchLittle(t *testing.T) {
	h := &everyHost{}
	d, clk := newOpenShelf(h)
	eve, ann := from(t, "192.0.2.1"), from(t, "192.0.2.2")
	name := func(i int) string { return fmt.Sprintf("https://h%d.example/%d", i, i) }
	for i := range 200 {
		_, err := d.Client(eve, "acc_a", name(i))
		if within := i < registration.DocumentsPerNetwork.Burst; within != (err == nil) || !within && !fault.Is(err, fault.Unavailable) {
			t.Fatal(i, err)
		}
	}
	if n := h.count(); n != registration.DocumentsPerNetwork.Burst {
		t.Fatalf("fetched %d times", n)
	}
	if _, err := d.Client(eve, "acc_a", name(0)); err != nil {
		t.Error("what is in memory costs nothing:", err)
	}
	if _, err := d.Client(ann, "acc_a", name(150)); err != nil {
		t.Error("the refusal is the network's own:", err)
	}
	if _, err := d.Client(t.Context(), "acc_a", name(151)); err != nil {
		t.Error("work of the server's own:", err)
	}
	before := h.count()
	clk.Advance(time.Hour + time.Minute) // stale, but known: no stranger's choice
	for range 30 {
		if _, err := d.Client(eve, "acc_a", name(0)); err != nil {
			t.Error(err)
		}
	}
	if n := h.count() - before; n != 1 {
		t.Errorf("asked again %d times", n)
	}
	for i := range 100 {
		_, _ = d.Client(from(t, fmt.Sprintf("2001:db8:0:1::%x", i+1)), "acc_a", name(1000+i))
	}
	if n := h.count() - before; n != 1+registration.DocumentsPerNetwork.Burst {
		t.Errorf("an IPv6 network is its /64: %d", n)
	}
}

// Hosts that do not answer hold few fetches, each of them and all together.
func TestFetchesUnderWay(t *testing.T) {
	h := &everyHost{hold: make(chan struct{})}
	d, _ := newOpenShelf(h)
	var all sync.WaitGroup
	var refused atomic.Int32
	// try asks for so many documents at once, and returns when all but those that may be fetched were refused.
	try := func(count, fetched int, id func(i int) string) (leave func()) {
		ctx, cancel := context.WithCancel(t.Context())
		refused.Store(0)
		for i := range count {
			all.Go(func() {
				_, err := d.Client(ctx, "acc_a", id(i))
				refused.Add(1)
				if !fault.Is(err, fault.Unavailable) {
					t.Error(id(i), err)
				}
			})
		}
		for end := time.Now().Add(time.Minute); int(refused.Load()) < count-fetched; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d of %d were refused", refused.Load(), count)
			}
		}
		return cancel
	}
	leave := try(20, registration.DocumentsPerHost, func(i int) string { return fmt.Sprintf("https://slow.example:%d/%d", 443+i%2*8000, i) })
	leave() // who leaves does not end what was begun
	all.Wait()
	if n := h.count(); n != registration.DocumentsPerHost {
		t.Errorf("%d fetches of one host", n)
	}
	leave = try(200, registration.DocumentsAtOnce-registration.DocumentsPerHost, func(i int) string { return fmt.Sprintf("https://slow%d.example/x", i) })
	leave()
	all.Wait()
	if n := h.count(); n != registration.DocumentsAtOnce {
		t.Errorf("%d fetches in all", n)
	}
	close(h.hold)
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if _, err := d.Client(t.Context(), "acc_a", "https://slow.example/after"); err == nil {
			return
		} else if time.Now().After(end) {
			t.Fatal("the fetches are over, and others wait for ever:", err)
		}
	}
}
