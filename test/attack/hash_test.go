package attack

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// hasher is a process that hashes for a server.
type hasher struct {
	pid       int
	env, args string
}

// hashers are the children of the server that live.
func (w *world) hashers() (all []hasher) {
	w.t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, folder := range folders {
		stat, err := os.ReadFile(folder + "/stat")
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if err != nil || len(fields) < 2 || string(fields[1]) != fmt.Sprint(w.PID) || string(fields[0]) == "Z" {
			continue
		}
		h := hasher{}
		env, err1 := os.ReadFile(folder + "/environ")
		args, err2 := os.ReadFile(folder + "/cmdline")
		if _, err := fmt.Sscan(filepath.Base(folder), &h.pid); err != nil || err1 != nil || err2 != nil {
			continue
		}
		h.env, h.args = string(env), string(args)
		all = append(all, h)
	}
	return all
}

// DOS-02: passwords are hashed in processes of their own, which hold none of the server's secrets, whose end
// nobody notices, and which end with the server, however that ends.
func TestDOS02_HashesAreMadeApart(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	each(t, process.Options{Env: []string{"ADMIT_RATE_LIMIT_SCALE=1000"}}, func(t *testing.T, w *world) {
		w.allowPasswords()
		ann := w.signIn("ann@x.example")
		if n := len(w.hashers()); n != 0 {
			t.Errorf("%d processes before the first password", n)
		}
		ann.settle("/settings/security/password", "/settings/password", url.Values{"password": {strongPassword}, "again": {strongPassword}})
		for range 2 {
			if p, a := w.enter("ann@x.example", strongPassword); !p.through(a) {
				t.Fatalf("the password does not sign in: %d %q", a.status, a.header.Get("Location"))
			}
			if p, a := w.enter("ann@x.example", "wrong wrong wrong"); p.through(a) {
				t.Fatal("a wrong password signs in")
			}
			ended := w.hashers()
			for _, h := range ended {
				if h.env != "" || strings.Count(h.args, "\x00") != 2 || !strings.HasSuffix(h.args, "\x00hash-worker\x00") {
					t.Errorf("a process with arguments %q and %d bytes of environment", h.args, len(h.env))
				}
				if err := syscall.Kill(h.pid, syscall.SIGKILL); err != nil {
					t.Error(err)
				}
			}
			if len(ended) == 0 && !strings.Contains(w.Log(), "inside the server's process") { // it is when the machine is busy
				t.Fatal("no process hashes")
			}
		}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() { w.enter(fmt.Sprintf("user%d@x.example", i), "wrong wrong wrong") })
		}
		wg.Wait()
		left := w.hashers()
		if n := len(left); n > runtime.NumCPU() {
			t.Errorf("%d processes", n)
		}
		w.Kill()
		for limit := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			living := 0
			for _, h := range left {
				if args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", h.pid)); err == nil && string(args) == h.args {
					living++
				}
			}
			if living == 0 {
				break
			}
			if time.Now().After(limit) {
				t.Fatalf("%d processes outlive the server", living)
			}
		}
		w.Restart()
		if p, a := w.enter("ann@x.example", strongPassword); !p.through(a) {
			t.Errorf("after a restart: %d %q", a.status, a.header.Get("Location"))
		}
	})
}
