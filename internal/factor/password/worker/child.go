package worker

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/factor/password/hashes"
)

// ErrStarved says that a child has had next to nothing of the processors for a while: they are busy with what comes
// before it.
var ErrStarved = errors.New("worker: the process got no processor")

// ErrEnded says that a child ended before it answered.
var ErrEnded = errors.New("worker: the process ended")

const (
	startLimit = 30 * time.Second // for a child to say that it is ready
	patience   = time.Second / 2  // between two looks at how a child gets on
	leastShare = 10               // percent of that time which it must have had
)

// Program is how to start a child.
type Program struct {
	Path string
	Args []string // without the name
	// Patience is how long a child may have next to nothing of the processors; zero: half a second.
	Patience time.Duration
}

// Self is the program that runs, with arguments that make it call Main. On Linux that is the very file that was
// started, even if another has taken its name since.
func Self(args ...string) (Program, error) {
	if runtime.GOOS == "linux" {
		if _, err := os.Stat(self); err == nil {
			return Program{Path: self, Args: args}, nil
		}
	}
	path, err := os.Executable()
	return Program{Path: path, Args: args}, err
}

const self = "/proc/self/exe"

// Child is a process that hashes. One goroutine at a time uses it.
type Child struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	frames chan frame    // closed when no more will come
	left   chan struct{} // closed when nobody wants any more
	leave  sync.Once
	done   chan struct{} // closed when the process has ended
	serial uint64
	wait   time.Duration
}

// Start starts a child and waits until it is ready.
func (p Program) Start() (*Child, error) {
	cmd := exec.Command(p.Path, p.Args...)
	cmd.Args[0] = filepath.Base(os.Args[0])
	cmd.Env = []string{} // the server's has secrets in it
	cmd.SysProcAttr = besides()
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("worker: start a process: %w", err)
	}
	c := &Child{cmd: cmd, in: in, frames: make(chan frame, 1), left: make(chan struct{}), done: make(chan struct{}), wait: cmp.Or(p.Patience, patience)}
	go c.read(out)
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case f := <-c.frames:
		if f.kind == kindHello && len(f.parts) == 1 && f.parts[0] == protocol {
			return c, nil
		}
	case <-limit.C:
	}
	c.Kill()
	return nil, errors.New("worker: the process did not say that it is ready")
}

// read hands on what the child says, and waits for its end.
func (c *Child) read(out io.Reader) {
	defer close(c.done)
	r := bufio.NewReader(out)
	for f, err := readFrame(r); err == nil; f, err = readFrame(r) {
		select {
		case c.frames <- f:
		case <-c.left:
		}
	}
	close(c.frames)
	_ = c.cmd.Wait()
}

// Do has a task done. After any error but hashes.ErrFormat the child is of no more use: Kill it.
func (c *Child) Do(t hashes.Task) (hashes.Done, error) {
	c.serial++
	if err := ask(c.serial, t).write(c.in); err != nil {
		return hashes.Done{}, fmt.Errorf("%w: %w", ErrEnded, err)
	}
	had, look := c.used(), time.NewTimer(c.wait)
	defer look.Stop()
	for {
		select {
		case f, ok := <-c.frames:
			if !ok {
				return hashes.Done{}, ErrEnded
			}
			return f.done(c.serial, t)
		case <-look.C:
			now := c.used()
			if canStarve && now-had < c.wait*leastShare/100 {
				return hashes.Done{}, ErrStarved
			}
			had = now
			look.Reset(c.wait)
		}
	}
}

// Close lets the child finish and end.
func (c *Child) Close() {
	_ = c.in.Close()
	c.leave.Do(func() { close(c.left) })
}

// Kill ends the child whatever it does, and returns when it has ended.
func (c *Child) Kill() {
	_ = c.cmd.Process.Kill()
	c.Close()
	<-c.done
}

// PID is the number of the process.
func (c *Child) PID() int { return c.cmd.Process.Pid }
