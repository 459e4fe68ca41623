package password_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/factor/password/hashes"
	"github.com/admit-id/admit/internal/factor/password/worker"
	"github.com/admit-id/admit/internal/kit/fault"
)

// TestMain is also the child, as the server's binary is.
func TestMain(m *testing.M) {
	part := ""
	if len(os.Args) == 2 {
		part = os.Args[1]
	}
	var err error
	switch part {
	case "hash-worker":
		err = worker.Serve(os.Stdin, os.Stdout) // with the priority of everybody, so that the tests get on
	case "modest":
		err = worker.Main(os.Stdin, os.Stdout)
	case "fragile":
		err = worker.Serve(fragile{}, os.Stdout)
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		os.Exit(1)
	}
}

// fragile is the input of a child that ends in the middle of every task.
type fragile struct{}

func (fragile) Read(b []byte) (int, error) {
	_, _ = os.Stdin.Read(b)
	os.Exit(1)
	return 0, nil
}

// said keeps what was logged.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) count(text string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), text)
}

// apart is a pool whose children play a part. It waits for them as long as patience.
func apart(t testing.TB, part string, patience time.Duration) (*password.Pool, *said) {
	t.Helper()
	program, err := worker.Self(part)
	if err != nil {
		t.Fatal(err)
	}
	program.Patience = patience
	p, log := password.NewPool(hashes.Least), &said{}
	p.Apart(program, slog.New(slog.NewTextHandler(log, nil)))
	return p, log
}

// light is a hash of lightly that costs next to nothing.
const light, lightly = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"

// answersRightly asks for a right and a wrong password, whatever happens to the children meanwhile.
func answersRightly(t *testing.T, p *password.Pool) {
	t.Helper()
	for candidate, want := range map[string]bool{lightly: true, other: false} {
		if right, _, err := p.Compare(context.Background(), light, candidate); err != nil || right != want {
			t.Errorf("%q: %v %v", candidate, right, err)
		}
	}
}

// Where no process can be started, passwords are hashed inside the server, which is said once.
func TestWithoutChildren(t *testing.T) {
	p, log := password.NewPool(hashes.Least), &said{}
	p.Apart(worker.Program{Path: "/nonexistent/admit"}, slog.New(slog.NewTextHandler(log, nil)))
	text, err := p.Hash(context.Background(), mine)
	if err != nil {
		t.Fatal(err)
	}
	if right, _, err := p.Compare(context.Background(), text, mine); err != nil || !right {
		t.Error(right, err)
	}
	answersRightly(t, p)
	if n := log.count("inside the server's process"); n != 1 || log.count(mine) != 0 {
		t.Error("said", n, "times")
	}
}

// What is right and what is wrong does not depend on which child answers, nor on how many are ended in the middle.
func TestManyAtOnceApart(t *testing.T) {
	p, _ := apart(t, "hash-worker", time.Hour)
	var wg sync.WaitGroup
	var wrong atomic.Int32
	for i := range 12 {
		candidate := lightly
		if i%2 == 1 {
			candidate = other
		}
		wg.Go(func() {
			for range 3 {
				if right, _, err := p.Compare(context.Background(), light, candidate); err != nil || right != (i%2 == 0) {
					wrong.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if wrong.Load() != 0 {
		t.Error(wrong.Load(), "answers were not those to what was asked")
	}
}

// Every pool that hashes inside the process has as many threads as there are processors, so that one that got more
// of them would let the next one have more of those.
func TestAFurtherPoolGetsNoMoreProcessors(t *testing.T) {
	use := func() int {
		t.Helper()
		if _, err := password.NewPool(hashes.Least).Hash(t.Context(), "correct horse battery staple"); err != nil {
			t.Fatal(err)
		}
		return runtime.GOMAXPROCS(0)
	}
	if first, second := use(), use(); first != second {
		t.Errorf("%d processors, then %d", first, second)
	}
}

// What ends two children, one after the other, is not tried inside the server.
func TestWhatEndsChildrenIsLeftAlone(t *testing.T) {
	p, log := apart(t, "fragile", time.Hour)
	for range 3 {
		if _, err := p.Hash(context.Background(), mine); !fault.Is(err, fault.Unavailable) {
			t.Error(err)
		}
		if right, _, err := p.Compare(context.Background(), hashes.Least.Nobody(), mine); right || !fault.Is(err, fault.Unavailable) {
			t.Error(right, err)
		}
	}
	if log.count("inside the server's process") != 0 {
		t.Error("it was tried inside")
	}
}
