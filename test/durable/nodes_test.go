package durable

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/admit-id/admit/test/process"
)

const masterKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// postgres is a PostgreSQL of this test's own, which it may kill.
type postgres struct {
	t        *testing.T
	dir, url string
}

func startPostgres(t *testing.T) *postgres {
	t.Helper()
	if os.Getenv("ADMIT_TEST_POSTGRES") == "" {
		t.Skip("needs PostgreSQL")
	}
	dir, err := os.MkdirTemp("", "admit-durable-")
	if err != nil {
		t.Fatal(err)
	}
	p := &postgres{t: t, dir: dir}
	t.Cleanup(func() { p.script("stop") })
	p.url = p.script("start")
	return p
}

func (p *postgres) script(command string) string {
	p.t.Helper()
	cmd := exec.Command("../../scripts/postgres.sh", command, p.dir)
	cmd.Env = append(os.Environ(), "PG_DURABLE=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("postgres.sh %s: %v %s", command, err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// twoNodes decide for as long as staleAfter without having heard from the database.
func twoNodes(t *testing.T, database string, staleAfter time.Duration, second ...string) []*process.Server {
	t.Helper()
	env := []string{"ADMIT_MASTER_KEY=" + masterKey, "ADMIT_STALE_AFTER=" + staleAfter.String()}
	a := process.Start(t, process.Options{Database: database, Env: env})
	b := process.Start(t, process.Options{Database: database, Env: append(second, env...), Public: a.URL})
	return []*process.Server{a, b}
}

// TestTwoNodesUnderFaults has two nodes on one PostgreSQL, the second with a small working set.
// Clients write to both and check on both, while the connections that carry notifications are cut
// without end, then each node and PostgreSQL itself is killed. On each node every permission is one
// register, which a question with a consistency token sees on the other node as well; without one,
// the other node is behind by the published bound at most.
func TestTwoNodesUnderFaults(t *testing.T) {
	t.Parallel()
	pg := startPostgres(t)
	small := "ADMIT_MEMORY_GRANTS=1000"
	nodes := twoNodes(t, pg.url, bound, small)
	h := newHistory(t, nodes...)
	h.fill([]string{small})
	for node := range nodes {
		h.clients(node, 2)
		h.across(node)
	}
	h.live(5*time.Second, h.saw("calm", 20))

	h.during("notifications lost")
	cutter, err := sql.Open("pgx", pg.url)
	if err != nil {
		t.Fatal(err)
	}
	defer cutter.Close()
	cut := 0
	h.live(3*time.Second, func() bool {
		var n int
		if err := cutter.QueryRow(`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		cut += n
		return cut >= 2 && h.saw("notifications lost", 20)()
	})
	t.Logf("note: %d notification connections were cut", cut)
	if cut < 2 {
		t.Error("nothing was cut")
	}

	h.during("kills")
	for _, i := range []int{1, 0} {
		nodes[i].Kill()
		time.Sleep(300 * time.Millisecond)
		nodes[i].Restart()
		time.Sleep(1500 * time.Millisecond)
	}
	pg.script("kill")
	time.Sleep(1500 * time.Millisecond) // longer than a node decides from memory
	if status, _ := h.ask(0, "GET", "/v1/users/u/resources/x/permissions/READ", "", nil); status != 503 && status != 0 {
		t.Errorf("a node without its database still decides: %d", status)
	}
	pg.script("again")
	had := h.count("bounded")
	h.live(4*time.Second, h.did("bounded", had+100))
	h.end()

	for node := range nodes {
		linearizable(t, fmt.Sprint("permissions on node ", node), permission, h.steps[fmt.Sprint("same node ", node)])
	}
	linearizable(t, "records of both", record, h.steps["versioned"])
	linearizable(t, "with tokens, elsewhere", permission, h.steps["token"])
	if len(h.steps["bounded"]) < 100 {
		t.Errorf("only %d checks elsewhere prove nothing", len(h.steps["bounded"]))
	}
	h.visibility("calm", "notifications lost")
}

// TestAWriteIsSeenByTheOtherNode measures how soon, with nothing else to do.
func TestAWriteIsSeenByTheOtherNode(t *testing.T) {
	pg := startPostgres(t)
	h := newHistory(t, twoNodes(t, pg.url, bound)...)
	for i := range 200 {
		w, _ := h.do(step{verb: verb(i % 2), key: fmt.Sprint("seen", i/2), name: "x"}, nil)
		if w.out != yes {
			continue // on a busy machine it fails closed for a moment
		}
		h.await(w, 1)
		time.Sleep(5 * time.Millisecond)
	}
	h.visibility("calm")
}

// across is one writer on a node and what the other node answers about it.
func (h *history) across(node int) {
	other := 1 - node
	h.run(func() {
		key := fmt.Sprintf("x%d", serial.Add(1))
		var mu sync.Mutex
		var writes, here, there, plain []step
		token, stop := "", make(chan struct{})
		var reader sync.WaitGroup
		reader.Go(func() { // asks the other node all the time, and does not know what is true
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(1+rand.IntN(8)) * time.Millisecond):
				}
				s, _ := h.do(step{verb: check, key: key, node: other}, nil)
				mu.Lock()
				plain = append(plain, s)
				mu.Unlock()
			}
		})
		for i := 0; i < 30 && !h.done.Load(); i++ {
			w, response := h.do(step{verb: verb(i % 2), key: key, node: node, name: "x"}, nil)
			if w.out == unsent {
				break
			}
			writes = append(writes, w)
			if w.out != yes {
				break
			}
			token = response.Header.Get("Admit-Consistency-Token")
			one, _ := h.do(step{verb: check, key: key, node: node}, nil)
			here = append(here, one)
			if i%4 > 1 {
				one, _ := h.do(step{verb: check, key: key, node: other, token: true}, map[string]string{"Admit-Consistency-Token": token})
				there = append(there, one)
				continue
			}
			h.await(w, other)
			time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
		}
		close(stop)
		reader.Wait()
		bounded(h.t, "the same node", writes, here, 0)
		bounded(h.t, "the other node, with a token", writes, there, 0)
		bounded(h.t, "the other node", writes, plain, bound)
		h.keep("token", append(writes, there...)...)
		h.keep("bounded", plain...)
		time.Sleep(20 * time.Millisecond)
	})
}

// await asks the other node until it has seen the write, and notes how long that took. What it answers to a
// question that comes later than the bound has the write.
func (h *history) await(w step, other int) {
	phase := *h.phase.Load()
	start := time.Now()
	for {
		s, _ := h.do(step{verb: check, key: w.key, node: other}, nil)
		took := time.Since(start)
		switch {
		case s.out != yes && s.out != no || phase != *h.phase.Load():
			return // it fails closed, or is dead: no figure
		case (s.out == yes) == (w.verb == grant):
			h.mu.Lock()
			h.seen[phase] = append(h.seen[phase], took)
			h.mu.Unlock()
			return
		case s.from > w.to+bound:
			h.t.Errorf("%s was not seen by who asked %v later (%s)", w.key, s.from-w.to, phase)
			return
		}
	}
}

func (h *history) visibility(phases ...string) {
	for _, phase := range phases {
		all := h.seen[phase]
		if len(all) < 10 {
			h.t.Errorf("%s: only %d writes were waited for", phase, len(all))
			continue
		}
		slices.Sort(all)
		p99 := all[len(all)*99/100]
		h.t.Logf("note: %s: a write is seen by the other node after p50 %v, p99 %v, at most %v (%d writes)", phase, all[len(all)/2], p99, all[len(all)-1], len(all))
	}
}

// TestARevokeThatWasDoneElsewhereIsDoneHere deletes a record on two nodes at once: whichever node
// has answered that it is gone no longer allows anything.
func TestARevokeThatWasDoneElsewhereIsDoneHere(t *testing.T) {
	t.Parallel()
	pg := startPostgres(t)
	h := newHistory(t, twoNodes(t, pg.url, time.Minute)...)
	for i := range 100 {
		key := fmt.Sprintf("twice-%d", i)
		made, response := h.do(step{verb: grant, key: key, name: "x"}, nil)
		if made.out != yes {
			t.Fatalf("round %d: %v", i, made.out)
		}
		token := map[string]string{"Admit-Consistency-Token": response.Header.Get("Admit-Consistency-Token")}
		seen, _ := h.do(step{verb: check, key: key, node: 1, token: true}, token)
		for begun := time.Now(); seen.out == unsent && time.Since(begun) < time.Minute; { // it is behind, and says so
			seen, _ = h.do(step{verb: check, key: key, node: 1, token: true}, token)
		}
		if seen.out != yes {
			t.Fatalf("round %d: not granted: %v", i, seen.out)
		}
		var both sync.WaitGroup
		for node := range 2 {
			both.Go(func() {
				time.Sleep(time.Duration(node*rand.IntN(4000)) * time.Microsecond)
				if s, _ := h.do(step{verb: revoke, key: key, node: node}, nil); s.out != yes {
					t.Errorf("round %d: node %d: %v", i, node, s.out)
				} else if s, _ := h.do(step{verb: check, key: key, node: node}, nil); s.out != no {
					t.Errorf("round %d: node %d still allows after it has answered the deletion", i, node)
				}
			})
		}
		both.Wait()
	}
}
