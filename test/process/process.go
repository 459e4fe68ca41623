// Package process owns running the admit binary as its users do: as a process of its own,
// with its own database and data directory, spoken to over loopback.
package process

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
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

// clockTag is the build tag of the binary whose clock can be moved; its path is in BinaryEnv + "_TESTCLOCK".
const clockTag = "testclock"

var (
	build      = sync.OnceValues(func() (string, error) { return built("") })
	buildClock = sync.OnceValues(func() (string, error) { return built(clockTag) })
)

func built(tag string) (string, error) {
	name := BinaryEnv
	if tag != "" {
		name += "_" + strings.ToUpper(tag)
	}
	if path := os.Getenv(name); path != "" {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "admit-bin-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "admit")
	cmd := exec.Command("go", "build", "-tags", tag, "-o", path, "github.com/admit-id/admit/cmd/admit")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
}

// Binary returns the path of the binary under test.
func Binary(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatalf("build admit: %v", err)
	}
	return path
}

// StaleAfter is how long a server decides without having heard from its database, unless Options.Env says
// otherwise: long, because a server that shares a busy machine with others can be left without a processor for
// the second that is the default, and then answers 503, as it should. What it does then has tests of its own.
const StaleAfter = "30s"

// Options say how to run a server. The zero value is development mode on SQLite.
type Options struct {
	Database string   // ADMIT_DATABASE; empty: SQLite in DataDir
	DataDir  string   // empty: a fresh one
	Public   string   // public URL; empty: http://localhost:PORT
	NoDev    bool     // without --dev
	Env      []string // more variables, NAME=VALUE
	Args     []string // more arguments
	Clock    bool     // the binary whose clock RestartAt moves
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

// RestartAt stops the server and runs it again with a clock that is ahead of the machine's. It needs Options.Clock.
func (s *Server) RestartAt(ahead time.Duration) {
	s.t.Helper()
	s.Stop()
	s.run("ADMIT_TEST_CLOCK_OFFSET=" + ahead.String())
}

// binary returns the path of the server's.
func (s *Server) binary() string {
	s.t.Helper()
	if !s.opts.Clock {
		return Binary(s.t)
	}
	path, err := buildClock()
	if err != nil {
		s.t.Fatalf("build admit: %v", err)
	}
	return path
}

// run starts the process, with more variables for this time only, and waits until it answers.
func (s *Server) run(more ...string) {
	s.t.Helper()
	s.env = append(os.Environ(), "ADMIT_LISTEN="+s.Address, "ADMIT_DATA_DIR="+s.opts.DataDir, "ADMIT_DATABASE="+s.database())
	public := s.opts.Public
	if public == "" {
		public = s.URL
	}
	s.env = append(s.env, "ADMIT_PUBLIC_URL="+public, "ADMIT_STALE_AFTER="+StaleAfter)
	s.env = append(s.env, s.opts.Env...)
	s.env = append(withoutTestVariables(s.env), more...)
	args := append([]string{"serve"}, s.opts.Args...)
	if !s.opts.NoDev {
		args = append(args, "--dev")
	}
	s.cmd = exec.Command(s.binary(), args...)
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
	deadline := time.Now().Add(2 * time.Minute)
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
			s.t.Fatalf("admit is not ready after two minutes:\n%s", s.log.tail(4000))
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
	case <-time.After(time.Minute):
		s.t.Error("admit did not stop within a minute of SIGTERM")
		s.Kill()
	}
}

// Run runs another command of the binary on the same database and returns what it printed.
func (s *Server) Run(args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.binary(), args...)
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

var ports sync.Map // that this process has given

// freeAddress is an address with a port that the system gives to nobody's outgoing connection: a server that is
// killed finds it free when it is started again.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 1000 {
		port := 12_000 + rand.IntN(8_000)
		if _, given := ports.LoadOrStore(port, true); given {
			continue // to a server that may not listen yet
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer l.Close()
		return l.Addr().String()
	}
	t.Fatal("no free port")
	return ""
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
