package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
)

// Go collects garbage when the heap has grown by a share of what lives in it. With little in
// memory that is all the time, so a small heap gets this much room; with much in memory the
// share is what Go takes by itself.
const (
	garbageRoom  = 24 << 20 // bytes
	garbageMost  = 400      // percent of what lives
	garbageUsual = 100      // percent; what Go takes
)

// widenHeap gives a starting server room for garbage. It tells whether that may be changed
// later: what the operator has set by GOGC stands.
func widenHeap() bool {
	before := debug.SetGCPercent(garbageMost)
	if before != garbageUsual {
		debug.SetGCPercent(before)
	}
	return before == garbageUsual
}

// fitHeap is the job that follows what lives in memory.
func fitHeap(context.Context) error {
	read := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}}
	metrics.Read(read)
	percent := garbagePercent(read[0].Value.Uint64())
	if percent != read[1].Value.Uint64() {
		debug.SetGCPercent(int(percent))
	}
	return nil
}

func garbagePercent(live uint64) uint64 {
	return min(garbageMost, max(garbageUsual, garbageRoom*100/max(1, live)))
}
