package app

import "github.com/admit-id/admit/internal/access"

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
