package pipeline

import (
	"testing"
	"time"
)

func TestIdleUntil(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for _, idle := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour, 30 * 24 * time.Hour} {
		at := idleUntil(now, idle)
		if early := now.Add(idle).Sub(at); early < 0 || early > min(time.Hour, max(time.Second, idle/32)) {
			t.Errorf("%v: %v too early", idle, early)
		}
		step, changes := max(time.Second, min(time.Hour, idle/32)), 0
		for i := range 10 {
			next := idleUntil(now.Add(time.Duration(i)*step/10), idle)
			if next.Before(at) {
				t.Errorf("%v: it goes back", idle)
			}
			if !next.Equal(at) {
				changes++
				at = next
			}
		}
		if changes > 1 {
			t.Errorf("%v: %d changes within a step", idle, changes)
		}
	}
}
