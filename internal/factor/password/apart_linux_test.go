package password_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// children are the processes that hash for this one.
func children(t *testing.T) (pids []int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range all {
		stat, err1 := os.ReadFile(folder + "/stat")
		args, err2 := os.ReadFile(folder + "/cmdline")
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if err1 != nil || err2 != nil || len(fields) < 2 || string(fields[1]) != fmt.Sprint(os.Getpid()) || !bytes.HasSuffix(args, []byte("\x00hash-worker\x00")) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	return pids
}

// signal sends a signal to every child and tells how many there were.
func signal(t *testing.T, s syscall.Signal) (n int) {
	t.Helper()
	for _, pid := range children(t) {
		if syscall.Kill(pid, s) == nil {
			n++
		}
	}
	return n
}

// A child that ends is replaced, and nobody notices.
func TestChildrenAreReplaced(t *testing.T) {
	p, log := apart(t, "hash-worker", time.Hour)
	answersRightly(t, p)
	for round := range 2 {
		if signal(t, syscall.SIGKILL) == 0 {
			t.Fatal("no child was there")
		}
		for range 100 { // until one that lost its child has its turn
			answersRightly(t, p)
			if log.count("is started again") > round {
				break
			}
		}
	}
	if log.count("is started again") < 2 || log.count("inside the server's process") != 0 {
		t.Error("not replaced")
	}
}

// Children that get no processor, here because they were stopped, hold nobody up.
func TestStarvedChildrenAreLeft(t *testing.T) {
	p, log := apart(t, "hash-worker", 200*time.Millisecond)
	answersRightly(t, p)
	if signal(t, syscall.SIGSTOP) == 0 {
		t.Fatal("no child was there")
	}
	for range 4 {
		answersRightly(t, p)
	}
	if log.count("inside the server's process") == 0 {
		t.Error("it was not said")
	}
}
