package worker

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	memoryGoal = 512 << 20   // what is not in use is collected within a task, too, when it would be more: twice the most that a hash may ask for
	memoryLull = time.Second // without a task for so long, a child keeps nothing
	memorySlop = 64 << 20    // kept until then in any case
)

// memory keeps what one hash was computed in for the next one: a hash asks for tens of megabytes, and to get them anew
// from the system, or beside what is not yet collected, costs a tenth of its time. There is no garbage while it runs.
type memory struct {
	lull  *time.Timer
	stats []metrics.Sample
}

// newMemory takes over when the process collects its garbage.
func newMemory() *memory {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(memoryGoal)
	useLargePages()
	m := &memory{lull: time.AfterFunc(memoryLull, debug.FreeOSMemory)}
	m.stats = []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/free:bytes"}}
	return m
}

// busy comes before a task.
func (m *memory) busy() { m.lull.Stop() }

// settle comes after a task: what that needed is there for the next one and, if none comes for a while, goes back to
// the system with all that is still written in it.
func (m *memory) settle() {
	metrics.Read(m.stats)
	used := m.stats[0].Value.Uint64()
	runtime.GC()
	if metrics.Read(m.stats); m.stats[1].Value.Uint64() > 2*used+memorySlop { // a hash of much higher costs was before
		debug.FreeOSMemory()
	}
	m.lull.Reset(memoryLull)
}
