package worker

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// canStarve: a child runs only when a processor has nothing else to do.
const canStarve = true

// besides keeps a child out of what a terminal sends to the server's group: a child stays until the server has
// finished. It stays in the session, by which Linux shares out the processors.
func besides() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// tick is the unit of times in /proc, the same on every architecture.
const tick = 10 * time.Millisecond

// used is how long the child has had a processor. Where that cannot be read it seems to have none, and is replaced
// when it takes long.
func (c *Child) used() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.PID()))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	var sum time.Duration
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(string(f), 10, 40)
		if err != nil {
			return 0
		}
		sum += time.Duration(n) * tick
	}
	return sum
}
