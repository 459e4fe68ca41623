package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"

	"github.com/admit-id/admit/internal/access"
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

// measureMemory adds metrics of what the access engine has in memory.
func (a *App) measureMemory() {
	read := func(fn func(access.Memory) float64) func() float64 {
		return func() float64 { return fn(a.f.engine.Memory()) }
	}
	a.metrics.Gauge("admit_access_grants", "Grants in memory of accounts that are there whole.",
		read(func(m access.Memory) float64 { return float64(m.Grants) }))
	a.metrics.Gauge("admit_access_people_by_need", "People in memory of accounts that are too large to be there whole.",
		read(func(m access.Memory) float64 { return float64(m.People) }))
	a.metrics.Gauge("admit_access_cost_by_need", "What those people take, in grants.",
		read(func(m access.Memory) float64 { return float64(m.Cost) }))
	a.metrics.Total("admit_access_evictions_total", "People who left memory because there was no room.",
		read(func(m access.Memory) float64 { return float64(m.Evicted) }))
	a.metrics.Total("admit_access_loads_total", "People who were read from the database because somebody asked about them.",
		read(func(m access.Memory) float64 { return float64(m.Loads) }))
	a.metrics.Total("admit_access_load_seconds_total", "Time that reading them took.",
		read(func(m access.Memory) float64 { return m.LoadTime.Seconds() }))
}
