package ratelimit

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
)

func TestBudget(t *testing.T) {
	clk := clock.NewFake(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	l := New(clk, []Rule{{}, {Count: 5, Per: 10 * time.Second}, {Count: 1, Per: time.Second}}, 1)
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range 1000 {
		if _, ok := l.Allow(0, a); !ok {
			t.Fatal("a class without a rate is limited")
		}
	}
	for i := range 5 {
		if _, ok := l.Allow(1, a); !ok {
			t.Fatal("refused within the burst:", i)
		}
	}
	if wait, ok := l.Allow(1, a); ok || wait != 2*time.Second {
		t.Fatal(wait, ok)
	}
	if _, ok := l.Allow(1, b); !ok {
		t.Fatal("another client is refused")
	}
	if _, ok := l.Allow(2, a); !ok {
		t.Fatal("another class is refused")
	}
	clk.Advance(2 * time.Second)
	if _, ok := l.Allow(1, a); !ok {
		t.Fatal("refused after the wait that was named")
	}
	if _, ok := l.Allow(1, a); ok {
		t.Fatal("allowed two after one interval")
	}
	clk.Advance(time.Hour)
	for range 5 {
		if _, ok := l.Allow(1, a); !ok {
			t.Fatal("the budget did not refill")
		}
	}
	if _, ok := l.Allow(1, a); ok {
		t.Fatal("the budget grew beyond the burst")
	}
}

func TestIPv6NetworkIsOneClient(t *testing.T) {
	l := New(clock.NewFake(time.Unix(1e9, 0)), []Rule{{Count: 1, Per: time.Minute}}, 1)
	if _, ok := l.Allow(0, netip.MustParseAddr("2001:db8::1")); !ok {
		t.Fatal()
	}
	if _, ok := l.Allow(0, netip.MustParseAddr("2001:db8::ffff:2")); ok {
		t.Error("an address of the same /64 has its own budget")
	}
	if _, ok := l.Allow(0, netip.MustParseAddr("2001:db8:0:1::1")); !ok {
		t.Error("another /64 has no budget of its own")
	}
	if network(netip.MustParseAddr("::ffff:192.0.2.1")) != netip.MustParseAddr("192.0.2.1") {
		t.Error("an IPv4 address in IPv6 spelling is another client")
	}
}

func TestFloodKeepsWhatIsHeldAgainstAClient(t *testing.T) {
	l := New(clock.NewFake(time.Unix(1e9, 0)), []Rule{{Count: 2, Per: time.Minute}}, 1)
	attacker := netip.MustParseAddr("192.0.2.1")
	l.Allow(0, attacker)
	l.Allow(0, attacker)
	for i := range uint32(shardCount * perShard * 2) {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], 0x0a000000+i)
		l.Allow(0, netip.AddrFrom4(b))
	}
	if _, ok := l.Allow(0, attacker); ok {
		t.Error("a flood of addresses freed the attacker")
	}
	total := 0
	for i := range l.shards {
		total += len(l.shards[i].full)
	}
	if total > shardCount*(perShard+1) {
		t.Error("unbounded:", total)
	}
}

func BenchmarkAllow(b *testing.B) {
	l := New(clock.NewSystem(), []Rule{{Count: 1 << 30, Per: time.Second}}, 1)
	a := netip.MustParseAddr("192.0.2.1")
	for b.Loop() {
		l.Allow(0, a)
	}
}
