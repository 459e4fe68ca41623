package worker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/admit-id/admit/internal/factor/password/hashes"
)

// wanted costs nothing, so that a child answers however little it gets to run.
var wanted = hashes.Task{Hash: "{SSHA}Gc4/7jHPG8TGr/ec06YtzEmak48BAgME", Passwords: []string{"correct horse é"}}

func (c *Child) file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", c.PID(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestChildrenAreModest(t *testing.T) {
	t.Setenv("ADMIT_MASTER_KEY", "a secret of the server's")
	mine, err := os.Create(filepath.Join(t.TempDir(), "of-the-server"))
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := start(t, "hash-worker")
	c.wait = time.Hour
	if _, err := c.Do(hashes.Task{Hash: "$argon2id$v=19$m=512,t=1,p=4$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", Passwords: []string{"rain on a tin roof"}}); err != nil {
		t.Fatal(err)
	}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", c.PID()))
	if err != nil || len(tasks) < 2 {
		t.Fatal(tasks, err)
	}
	for _, task := range tasks {
		var id int
		_, _ = fmt.Sscan(filepath.Base(task), &id)
		a, err := unix.SchedGetAttr(id, 0)
		if err != nil || a.Policy != unix.SCHED_IDLE {
			t.Errorf("thread %d: %+v %v", id, a, err)
		}
	}
	if env := c.file(t, "environ"); env != "" {
		t.Errorf("%d bytes of environment", len(env))
	}
	if args := c.file(t, "cmdline"); strings.Count(args, "\x00") != 2 || !strings.HasSuffix(args, "\x00hash-worker\x00") {
		t.Errorf("the arguments: %q", args)
	}
	if got := strings.TrimSpace(c.file(t, "oom_score_adj")); got != "800" {
		t.Error("oom_score_adj:", got)
	}
	limits := c.file(t, "limits")
	for _, name := range []string{"Max core file size", "Max data size"} {
		_, line, _ := strings.Cut(limits, name)
		line, _, _ = strings.Cut(line, "\n")
		if strings.Contains(line, "unlimited") || strings.Contains(name, "core") && strings.Fields(line)[0] != "0" {
			t.Errorf("%s: %s", name, line)
		}
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", c.PID(), fd.Name()))
		if strings.HasPrefix(to, "socket:") || to == mine.Name() {
			t.Errorf("%s is open in the child", to)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	c := start(t, "glutton")
	if done, err := c.Do(wanted); !errors.Is(err, ErrEnded) || done.Right {
		t.Error("4 GiB were had:", done, err)
	}
}

func TestHowChildrenEnd(t *testing.T) {
	c := start(t, "hash-worker")
	c.wait = time.Hour
	if err := syscall.Kill(c.PID(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if done, err := c.Do(wanted); err != nil || !done.Right {
		t.Fatal("a polite signal ended it before the server:", err)
	}
	if err := syscall.Kill(c.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if done, err := c.Do(wanted); !errors.Is(err, ErrEnded) || done.Right {
		t.Error(done, err)
	}
	last := start(t, "equal")
	last.Close()
	for limit := time.Now().Add(time.Minute); syscall.Kill(last.PID(), 0) == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("does not end with its input")
		}
	}
}

// A child that gets no processor is not waited for; one that works for long is.
func TestStarvedChildren(t *testing.T) {
	c := start(t, "hash-worker")
	if err := syscall.Kill(c.PID(), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if done, err := c.Do(wanted); !errors.Is(err, ErrStarved) || done.Right {
		t.Error(done, err)
	}
	c.Kill() // ends what is stopped, too
	if err := syscall.Kill(c.PID(), 0); err == nil {
		t.Error("it is still there")
	}
}

// forHashes is how much of the memory is in use for which the child has asked for large pages: that of hashes.
func (c *Child) forHashes(t *testing.T) (used int, asked bool) {
	t.Helper()
	rss := 0
	for line := range strings.Lines(c.file(t, "smaps")) {
		if text, ok := strings.CutPrefix(line, "Rss:"); ok {
			_, _ = fmt.Sscan(text, &rss)
		}
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && slices.Contains(strings.Fields(flags), "hg") {
			used, asked = used+rss<<10, true
		}
	}
	return used, asked
}

// The memory of one hash is that of the next: however many there were, a child has not that of two. When no more come
// it has nothing left, nor what is written in it.
func TestMemoryIsKeptAndGivenBack(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Skip("a system without large pages, by which this test tells the memory of hashes from other")
	}
	c, one, kept := start(t, "equal"), int(hashes.Least.Memory)<<10, false
	task := hashes.Task{Costs: hashes.Least, Passwords: []string{"rain on a tin roof"}}
	for n := 0; n < 5 || n < 200 && !kept; n++ { // it may give back before it was looked at, on a busy machine
		for _, task := range []hashes.Task{task, wanted} { // when the second is answered, the child is done with the first
			if _, err := c.Do(task); err != nil {
				t.Fatal(err)
			}
		}
		used, asked := c.forHashes(t)
		if !asked || used > one*7/4 {
			t.Fatalf("%d bytes, of which one hash needs %d; large pages: %v", used, one, asked)
		}
		kept = kept || used >= one/2
	}
	if !kept {
		t.Error("nothing is kept for the next hash")
	}
	left, _ := c.forHashes(t)
	for limit := time.Now().Add(time.Minute); left > one/2; left, _ = c.forHashes(t) {
		if time.Now().After(limit) {
			t.Fatalf("still %d bytes", left)
		}
		time.Sleep(20 * time.Millisecond)
	}
	made, err := c.Do(task)
	if err != nil {
		t.Fatal(err)
	}
	if done, err := c.Do(hashes.Task{Hash: made.Hash, Passwords: task.Passwords}); err != nil || !done.Right {
		t.Error("of no use after the rest:", done, err)
	}
}
