// Package proc owns the processes of a load test: starting and stopping them, and reading
// from /proc what they have used. Linux only.
package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is what /proc counts processor time in: USER_HZ, 100 a second on Linux.
const tick = 10 * time.Millisecond

// Process is a server under test.
type Process struct {
	cmd  *exec.Cmd
	done chan error
}

// Start runs a program with its output in the file log.
func Start(log *os.File, program string, args ...string) (*Process, error) {
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, done: make(chan error, 1)}
	go func() { p.done <- cmd.Wait() }()
	return p, nil
}

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Stop asks the process to end and waits; after ten seconds it is killed, which is an error.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(10 * time.Second):
		p.cmd.Process.Kill()
		<-p.done
		return errors.New("proc: the server did not stop on SIGTERM within 10 s")
	}
}

// Ended returns why the process has ended, or nil while it runs.
func (p *Process) Ended() error {
	select {
	case err := <-p.done:
		p.done <- err
		return fmt.Errorf("proc: the server ended: %v", err)
	default:
		return nil
	}
}

// CPU returns the processor time that a process has used so far, in user and system mode.
func CPU(pid int) time.Duration {
	f := stat(pid)
	if f == nil {
		return 0
	}
	return ticks(f[11]) + ticks(f[12])
}

// TreeCPU returns what a process, its children and those of them that have ended have used.
func TreeCPU(pid int) time.Duration {
	f := stat(pid)
	if f == nil {
		return 0
	}
	sum := ticks(f[11]) + ticks(f[12]) + ticks(f[13]) + ticks(f[14])
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // whichever of its threads started them
	for _, list := range lists {
		children, _ := os.ReadFile(list)
		for _, child := range strings.Fields(string(children)) {
			n, _ := strconv.Atoi(child)
			sum += CPU(n)
		}
	}
	return sum
}

// Parent returns the process that started another, or 0.
func Parent(pid int) int {
	f := stat(pid)
	if f == nil {
		return 0
	}
	n, _ := strconv.Atoi(f[1])
	return n
}

// stat returns the fields of /proc/PID/stat that follow the name, which may hold anything.
func stat(pid int) []string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	if f := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:])); len(f) > 14 {
		return f
	}
	return nil
}

func ticks(text string) time.Duration {
	n, _ := strconv.ParseInt(text, 10, 64)
	return time.Duration(n) * tick
}

// RSS returns the resident memory of a process in bytes.
func RSS(pid int) int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

// Busy returns the processor time that the whole machine has used so far, idle time excluded.
func Busy() time.Duration {
	data, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(data), "\n")
	var sum int64
	for i, f := range strings.Fields(line) {
		if i >= 1 && i <= 7 && i != 4 && i != 5 { // user nice system idle iowait irq softirq
			n, _ := strconv.ParseInt(f, 10, 64)
			sum += n
		}
	}
	return time.Duration(sum) * tick
}

// Machine describes the machine in one line.
func Machine() string {
	model := "unknown processor"
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	kernel := "Linux"
	if data, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		release, _, _ := strings.Cut(strings.TrimSpace(string(data)), "-")
		kernel += " " + release
	}
	return fmt.Sprintf("%s, %d logical processors, %s, %s", model, runtime.NumCPU(), kernel, runtime.Version())
}
