package heap

import "testing"

func TestPercent(t *testing.T) {
	for live, want := range map[uint64]uint64{0: 400, 1 << 20: 400, 8 << 20: 200, 16 << 20: 100, 1 << 30: 100} {
		if got := percentFor(live); got != want {
			t.Errorf("with %d bytes alive: %d percent, want %d", live, got, want)
		}
	}
}
