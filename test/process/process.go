// Package process owns running the admit binary as its users do: as a process of its own,
// with its own database and data directory, spoken to over loopback.
package process

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BinaryEnv names the environment variable with the path of a built binary. Without it the
// first test that needs one builds it.
const BinaryEnv = "ADMIT_BIN"

var build = sync.OnceValues(func() (string, error) {
	if path := os.Getenv(BinaryEnv); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "admit-bin-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "admit")
	cmd := exec.Command("go", "build", "-o", path, "github.com/admit-id/admit/cmd/admit")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// Binary returns the path of the binary under test.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatalf("build admit: %v", err)
	}
	return path
}

// Options say how to run a server. The zero value is development mode on SQLite.
type Options struct {
	Database string   // ADMIT_DATABASE; empty: SQLite in DataDir
	DataDir  string   // empty: a fresh one
	Public   string   // public URL; empty: http://localhost:PORT
	NoDev    bool     // without --dev
	Env      []string // more variables, NAME=VALUE
	Args     []string // more arguments
}

// Server is a running server.
type Server struct {
	URL     string // what clients call; also the issuer unless Options.Public says otherwise
	Address string // host:port of the socket
	DataDir string
	PID     int

	t    testing.TB
	opts Options
	env  []string
	cmd  *exec.Cmd
	log  *logBuffer
	done chan struct{}
}

// Start runs a server and waits until it is ready. It ends with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.DataDir == "" {
		o.DataDir = t.TempDir()
	}
	s := &Server{t: t, opts: o, DataDir: o.DataDir, Address: freeAddress(t), log: &logBuffer{}}
	_, port, _ := net.SplitHostPort(s.Address)
	s.URL = "http://localhost:" + port
	s.run()
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("the server's log ends with:\n%s", s.log.tail(6000))
		}
	})
	return s
}

// Restart runs the server again on the same data and the same address.
func (s *Server) Restart() {
	s.t.Helper()
	s.run()
}

// Ready runs the process and returns how long it took until it answered.
func (s *Server) run() {
	s.t.Helper()
	s.env = append(os.Environ(), "ADMIT_LISTEN="+s.Address, "ADMIT_DATA_DIR="+s.opts.DataDir, "ADMIT_DATABASE="+s.database())
	public := s.opts.Public
	if public == "" {
		public = s.URL
	}
	s.env = append(s.env, "ADMIT_PUBLIC_URL="+public)
	s.env = append(s.env, s.opts.Env...)
	s.env = withoutTestVariables(s.env)
	args := append([]string{"serve"}, s.opts.Args...)
	if !s.opts.NoDev {
		args = append(args, "--dev")
	}
	s.cmd = exec.Command(Binary(s.t), args...)
	s.cmd.Env = s.env
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("start admit: %v", err)
	}
	s.PID = s.cmd.Process.Pid
	done, cmd := make(chan struct{}), s.cmd
	s.done = done
	go func() { _ = cmd.Wait(); close(done) }()
	s.waitReady()
}

func (s *Server) database() string {
	if s.opts.Database != "" {
		return s.opts.Database
	}
	return "sqlite:" + filepath.Join(s.opts.DataDir, "admit.db")
}

func (s *Server) waitReady() {
	s.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		select {
		case <-s.done:
			s.t.Fatalf("admit ended at its start:\n%s", s.log.tail(4000))
		default:
		}
		if resp, err := http.Get("http://" + s.Address + "/readyz"); err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("admit is not ready after 20 s:\n%s", s.log.tail(4000))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Kill ends the process as a power cut would: without a chance to finish anything.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.done
}

// Stop asks the process to finish, and returns when it has.
func (s *Server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(30 * time.Second):
		s.t.Error("admit did not stop within 30 s of SIGTERM")
		s.Kill()
	}
}

// Run runs another command of the binary on the same database and returns what it printed.
func (s *Server) Run(args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, Binary(s.t), args...)
	cmd.Env = s.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("admit %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// AdminKey makes an access key that may do everything.
func (s *Server) AdminKey() string {
	s.t.Helper()
	return s.Run("access-key", "create", "--client", "test", "--admin")
}

// Log returns what the process has printed so far.
func (s *Server) Log() string { return s.log.tail(1 << 20) }

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// withoutTestVariables leaves out the variables that steer the tests: the server refuses
// variables with its prefix that it does not know.
func withoutTestVariables(env []string) []string {
	var out []string
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if strings.HasPrefix(name, BinaryEnv) || name == "ADMIT_TEST_POSTGRES" {
			continue
		}
		out = append(out, e)
	}
	return out
}

// logBuffer keeps the last megabyte.
type logBuffer struct {
	mu  sync.Mutex
	buf []byte
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf, p...)
	if len(l.buf) > 2<<20 {
		l.buf = append([]byte(nil), l.buf[len(l.buf)-1<<20:]...)
	}
	return len(p), nil
}

func (l *logBuffer) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.buf[max(0, len(l.buf)-n):])
}
