package durable

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// bound is the published one: what one node answers every other node knows within it, or no longer
// answers.
const bound = time.Second

// history is what several clients did to some nodes.
type history struct {
	t     *testing.T
	key   string
	start time.Time

	public string
	nodes  []*process.Server
	done   atomic.Bool
	phase  atomic.Pointer[string]
	wait   sync.WaitGroup

	mu    sync.Mutex
	steps map[string][]step // by group
	seen  map[string][]time.Duration
}

func newHistory(t *testing.T, nodes ...*process.Server) *history {
	h := &history{t: t, start: time.Now(), nodes: nodes, key: nodes[0].AdminKey(), public: nodes[0].URL, steps: map[string][]step{}, seen: map[string][]time.Duration{}}
	h.during("calm")
	for i := range nodes {
		for ; ; time.Sleep(10 * time.Millisecond) { // the key was made by another process
			if s, _ := h.ask(i, "GET", "/v1/roles", "", nil); s == 200 {
				break
			}
			if time.Since(h.start) > time.Minute {
				t.Fatal("a node does not know the key")
			}
		}
	}
	return h
}

func (h *history) during(phase string) { h.phase.Store(&phase) }

// live goes on for a time, and on a busy machine for as long as it takes to have seen enough.
func (h *history) live(least time.Duration, enough func() bool) {
	for begun := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if took := time.Since(begun); enough() && took >= least || took > 2*time.Minute {
			return
		}
	}
}

func (h *history) count(group string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.steps[group])
}

// did tells whether so many steps of a group are kept.
func (h *history) did(group string, count int) func() bool {
	return func() bool { return h.count(group) >= count }
}

// saw tells whether so many writes of a phase were waited for.
func (h *history) saw(phase string, count int) func() bool {
	return func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return len(h.seen[phase]) >= count
	}
}

func (h *history) keep(group string, steps ...step) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.steps[group] = append(h.steps[group], steps...)
}

var clients = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64, DialContext: (&net.Dialer{Timeout: time.Second}).DialContext}}

// ask makes one request. Status 0: the answer was lost; -1: the request was never sent.
func (h *history) ask(node int, method, path, body string, header map[string]string) (int, *http.Response) {
	r, err := http.NewRequest(method, "http://"+h.nodes[node].Address+path, strings.NewReader(body))
	if err != nil {
		h.t.Error(err)
		return -1, nil
	}
	r.Header.Set("Authorization", "Bearer "+h.key)
	r.Host = strings.TrimPrefix(h.public, "http://")
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := clients.Do(r)
	if err != nil {
		if o, ok := errors.AsType[*net.OpError](err); ok && o.Op == "dial" {
			return -1, nil
		}
		return 0, nil
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return 0, nil
	}
	response.Body = io.NopCloser(strings.NewReader(string(text)))
	if response.StatusCode == http.StatusInternalServerError {
		h.t.Errorf("%s %s: 500 %s", method, path, text)
	}
	return response.StatusCode, response
}

// do makes the request of a step and fills in its outcome.
func (h *history) do(s step, header map[string]string) (step, *http.Response) {
	method, path, body := "GET", "/v1/users/u-"+s.key+"/resources/things%2F"+s.key+"/permissions/READ", ""
	switch s.verb {
	case grant, create:
		method, path, body = "POST", "/v1/records", fmt.Sprintf(`{"recordId":%q,"name":%q,"users":[{"userId":"u-%s"}],"statements":[{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"things/%s"}]}]}`, s.key, s.name, s.key, s.key)
	case revoke:
		method, path = "DELETE", "/v1/records/"+s.key
	case read:
		path = "/v1/records/" + s.key
	case replace:
		method, path, body = "PUT", "/v1/records/"+s.key, fmt.Sprintf(`{"name":%q,"users":[{"userId":"u"}],"statements":[{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"things/%s"}]}]}`, s.name, s.key)
		header = map[string]string{"If-Unmodified-Since": time.UnixMicro(s.since).UTC().Format(time.RFC3339Nano)}
	}
	s.from = time.Since(h.start)
	status, response := h.ask(s.node, method, path, body, header)
	s.to = time.Since(h.start)
	refusal := map[verb]int{grant: 409, revoke: 404, check: 404, read: 404, replace: 412}[s.verb]
	switch {
	case status == -1, status == 409 && s.token:
		s.out = unsent
	case status >= 200 && status < 300:
		s.out = yes
	case status != 0 && status == refusal:
		s.out = no
	case status != 0 && status != 503:
		h.t.Errorf("%s %s: %d", method, path, status)
	}
	if s.out == yes && s.verb >= create {
		var r struct {
			Name        string
			LastUpdated time.Time
		}
		if err := json.NewDecoder(response.Body).Decode(&r); err != nil || r.LastUpdated.IsZero() {
			h.t.Errorf("%s %s: %v", method, path, err)
		}
		s.name, s.at = r.Name, r.LastUpdated.UnixMicro()
	}
	return s, response
}

// slot is a key that several clients use, until enough was done to it.
type slot struct {
	mu        sync.Mutex
	key, last string
	used      int
	doubt     int
}

var serial atomic.Int64

func (s *slot) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == "" || s.used > 120 || s.doubt > 3 {
		s.last, s.key, s.used, s.doubt = s.key, fmt.Sprintf("k%d", serial.Add(1)), 0, 0
	}
	s.used++
	if s.last != "" && s.used%10 == 0 {
		return s.last // what was in doubt when the node ended is looked at later, too
	}
	return s.key
}

func (s *slot) doubted(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == key {
		s.doubt++
	}
}

// register is one client of one node that grants, revokes and checks.
func (h *history) register(node int, slots []*slot) {
	h.run(func() {
		at := slots[rand.IntN(len(slots))]
		key := at.take()
		v := []verb{grant, revoke, check, check, check}[rand.IntN(5)]
		if key == at.last {
			v = check
		}
		s, _ := h.do(step{verb: v, key: key, node: node, name: "x"}, nil)
		h.keep(fmt.Sprintf("same node %d", node), s)
		if s.out == unknown || s.out == unsent {
			at.doubted(key)
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(time.Duration(rand.IntN(4)) * time.Millisecond)
	})
}

// versioned is one client that replaces records with the version that it read, on every node.
func (h *history) versioned(s *slot) {
	h.run(func() {
		key, node := s.take(), rand.IntN(len(h.nodes))
		if key == s.last {
			one, _ := h.do(step{verb: read, key: key, node: node}, nil)
			h.keep("versioned", one)
			return
		}
		s.mu.Lock()
		first := s.used == 1
		s.mu.Unlock()
		if first {
			one, _ := h.do(step{verb: create, key: key, node: node, name: "first"}, nil)
			if one.out != yes {
				s.mu.Lock()
				s.key, s.used = "", 0
				s.mu.Unlock()
				time.Sleep(50 * time.Millisecond)
				return
			}
			h.keep("versioned", one)
			return
		}
		have, _ := h.do(step{verb: read, key: key, node: node}, nil)
		h.keep("versioned", have)
		if have.out == yes {
			if rand.IntN(3) == 0 {
				time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
			}
			put, _ := h.do(step{verb: replace, key: key, node: rand.IntN(len(h.nodes)), name: fmt.Sprint("n", serial.Add(1)), since: have.at}, nil)
			h.keep("versioned", put)
			have.out = put.out
		}
		if have.out == unknown || have.out == unsent {
			s.doubted(key)
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(time.Duration(rand.IntN(6)) * time.Millisecond)
	})
}

func (h *history) run(once func()) {
	h.wait.Go(func() {
		for !h.done.Load() {
			once()
		}
	})
}

func newArtifact() (*os.File, error) {
	dir := filepath.Join("..", "artifacts")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return os.Create(filepath.Join(dir, "history.html"))
}
