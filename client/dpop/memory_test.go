package dpop

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// What is remembered is bounded, and nothing young is forgotten for it (DOS-05).
func TestMemoryIsBounded(t *testing.T) {
	m := NewMemory(64)
	taken := 0
	for i := range 10_000 {
		if fresh, _ := m.Take(fmt.Sprint(i), now.Add(time.Minute), now); fresh {
			taken++
		}
	}
	if taken > 64 || taken < 32 {
		t.Errorf("%d of 64 are kept", taken)
	}
	if fresh, _ := m.Take("0", now.Add(time.Minute), now.Add(30*time.Second)); fresh {
		t.Error("a young one is forgotten")
	}
	if fresh, full := m.Take("x", now.Add(3*time.Minute), now.Add(2*time.Minute)); !fresh || full {
		t.Error("old ones stay")
	}
}

func TestNonces(t *testing.T) {
	n, err := NewNonces(bytes.Repeat([]byte{1}, 32))
	other, _ := NewNonces(bytes.Repeat([]byte{2}, 32))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewNonces(make([]byte, 31)); err == nil {
		t.Error("a short key")
	}
	nonce := n.New(now)
	for after, want := range map[time.Duration]bool{0: true, NonceLife - time.Second: true, NonceLife + 31*time.Second: false, -30 * time.Second: true, -2 * time.Minute: false} {
		if n.Known(nonce, now.Add(after)) != want {
			t.Errorf("after %s: %v", after, !want)
		}
	}
	for _, bad := range []string{"", "x", nonce + "A", other.New(now), nonce[:10] + "AAAA" + nonce[14:]} {
		if n.Known(bad, now) {
			t.Errorf("%q is taken", bad)
		}
	}
}
