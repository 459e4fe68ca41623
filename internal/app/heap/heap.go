// Package heap owns how much garbage a server may have before Go collects it.
package heap

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
)

// Go collects garbage when the heap has grown by a share of what lives in it. With little in
// memory that is all the time, so a small heap gets this much room; with much in memory the
// share is what Go takes by itself.
const (
	garbageRoom  = 16 << 20 // bytes
	garbageMost  = 400      // percent of what lives
	garbageUsual = 100      // percent; what Go takes
)

// Widen gives a starting server room for garbage. It tells whether that may be changed
// later: what the operator has set by GOGC stands.
func Widen() bool {
	before := debug.SetGCPercent(garbageMost)
	if before != garbageUsual {
		debug.SetGCPercent(before)
	}
	return before == garbageUsual
}

// Fit is the job that follows what lives in memory.
func Fit(context.Context) error {
	read := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}}
	metrics.Read(read)
	percent := percentFor(read[0].Value.Uint64())
	if percent != read[1].Value.Uint64() {
		debug.SetGCPercent(int(percent))
	}
	return nil
}

func percentFor(live uint64) uint64 {
	return min(garbageMost, max(garbageUsual, garbageRoom*100/max(1, live)))
}
