//go:build !linux

package worker

import (
	"syscall"
	"time"
)

// canStarve: a child competes with everybody else as an equal.
const canStarve = false

func beModest() {}

func useLargePages() {}

func besides() *syscall.SysProcAttr { return nil }

func (c *Child) used() time.Duration { return 0 }
