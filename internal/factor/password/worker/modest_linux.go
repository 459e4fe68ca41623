package worker

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"

	"golang.org/x/sys/unix"
)

// memoryRoom is how much a child may have beyond what it has at its start: twice the most that a hash may ask for, and
// as much again.
const memoryRoom = 1 << 30

// beModest lets everybody else go first: the child runs when a processor has nothing else to do, it is the first that
// is ended when the machine has no memory left, its own memory is bounded, and it leaves no image of itself behind.
// What the system does not grant stays as it is, which is slower for others and not wrong.
func beModest() {
	_ = os.WriteFile("/proc/self/comm", []byte("admit-hash"), 0)
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("800"), 0)
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	if has, ok := dataSize(); ok {
		_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: has + memoryRoom, Max: has + memoryRoom})
	}
	// Priorities belong to threads. A new one has that of the thread which started it, so when a look finds
	// none that was not there before, all have it.
	lowered := map[int]bool{}
	for before := -1; before < len(lowered); {
		before = len(lowered)
		for _, thread := range threads() {
			if !lowered[thread] {
				lowered[thread] = true
				lower(thread)
			}
		}
	}
}

// largePages is the part of the memory that hashes are computed in first.
const largePages = 96 << 20

// useLargePages asks for pages of 2 MiB where hashes are computed: they jump to and fro in more memory than the
// processor knows the small pages of. Nothing is touched here, so nothing is used.
func useLargePages() {
	room := make([]byte, largePages)
	_ = unix.Madvise(room, unix.MADV_HUGEPAGE)
	runtime.KeepAlive(room)
	room = nil
	debug.FreeOSMemory()
}

// lower makes a thread run only when no other has something to do; where that is refused, hardly ever otherwise.
func lower(thread int) {
	if unix.SchedSetAttr(thread, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE, Nice: 19}, 0) != nil {
		_ = unix.Setpriority(unix.PRIO_PROCESS, thread, 19)
	}
}

// threads are those of this process, or only the calling one.
func threads() []int {
	all := []int{unix.Gettid()}
	folders, _ := os.ReadDir("/proc/self/task")
	for _, f := range folders {
		if n, err := strconv.Atoi(f.Name()); err == nil {
			all = append(all, n)
		}
	}
	return all
}

// dataSize is how much private memory this process has, which is what RLIMIT_DATA counts.
func dataSize() (uint64, bool) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	_, text, _ = bytes.Cut(text, []byte("\nVmData:"))
	fields := bytes.Fields(text)
	if len(fields) == 0 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(fields[0]), 10, 54)
	return n << 10, err == nil
}
