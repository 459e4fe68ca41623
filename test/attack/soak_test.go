package attack

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// TestSoak lives with a server for as long as ADMIT_TEST_SOAK says (a Go duration): people sign in,
// rights come and go and every answered change must show in the very next check, keys are rotated,
// the server is restarted. No answer may be wrong, and memory must not grow. `make soak` runs it.
func TestSoak(t *testing.T) {
	long, err := time.ParseDuration(os.Getenv("ADMIT_TEST_SOAK"))
	if err != nil {
		t.Skip("set ADMIT_TEST_SOAK to a duration such as 10m")
	}
	each(t, process.Options{Env: []string{"ADMIT_RATE_LIMIT_SCALE=1000", "ADMIT_LOG_LEVEL=warn"}}, func(t *testing.T, w *world) {
		s := &soak{world: w, end: time.Now().Add(long)}
		var workers sync.WaitGroup
		for n := range 3 {
			workers.Go(func() { s.grantAndRevoke(n) })
		}
		workers.Go(s.signIns)
		var steady int
		for round := 0; time.Now().Before(s.end); round++ {
			time.Sleep(min(10*time.Second, time.Until(s.end)))
			s.pause.Lock()
			w.Run("keys", "rotate", "--after", "2s")
			if round%3 == 2 {
				w.Stop()
				w.Restart()
			}
			s.pause.Unlock()
			if steady == 0 && round > 3 {
				steady = w.memory()
			}
		}
		workers.Wait()
		if grown := w.memory() - steady; steady > 0 && grown > 64<<20 {
			t.Errorf("memory grew by %d MiB", grown>>20)
		}
		t.Logf("%d changes each seen by the next check, %d sign-ins", s.changes.Load(), s.people.Load())
	})
}

type soak struct {
	*world
	end             time.Time
	pause           sync.RWMutex // held by whoever stops the server
	changes, people atomic.Int64
}

// until repeats a turn, which the server is not stopped during, to the end or the first failure.
func (s *soak) until(turn func(i int)) {
	for i := 0; time.Now().Before(s.end) && !s.t.Failed(); i++ {
		func() {
			s.pause.RLock()
			defer s.pause.RUnlock()
			turn(i)
		}()
	}
}

func (s *soak) grantAndRevoke(n int) {
	admin := []string{"Authorization", "Bearer " + s.key, "Content-Type", "application/json"}
	s.until(func(i int) {
		record, resource := fmt.Sprintf("rec_%d_%d", n, i), fmt.Sprintf("docs%%2F%d_%d", n, i)
		check := fmt.Sprintf("/v1/users/u_%d/resources/%s/permissions/READ", n, resource)
		body := fmt.Sprintf(`{"recordId":%q,"name":"soak","users":[{"userId":"u_%d"}],"statements":[{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"docs/%d_%d"}]}]}`, record, n, n, i)
		for _, step := range []struct {
			method, path, body string
			want               int
		}{{"GET", check, "", 404}, {"POST", "/v1/records", body, 201}, {"GET", check, "", 200}, {"DELETE", "/v1/records/" + record, "", 204}, {"GET", check, "", 404}} {
			a := s.send(step.method, step.path, step.body, admin...)
			if a.status != step.want && (step.method != "DELETE" || a.status/100 != 2) {
				s.t.Errorf("%s %s: %d, want %d: %.200s", step.method, step.path, a.status, step.want, a.body)
			}
		}
		s.changes.Add(2)
	})
}

func (s *soak) signIns() {
	s.until(func(i int) {
		p := s.signIn(fmt.Sprintf("soak%d@example.com", i))
		if a := s.send("GET", "/v1/users/"+subject(p.access)+"/resources/x/permissions/READ", "", "Authorization", "Bearer "+p.access); a.status != 404 {
			s.t.Errorf("a fresh token: %d %s", a.status, a.body)
		}
		s.people.Add(1)
		time.Sleep(100 * time.Millisecond)
	})
}
