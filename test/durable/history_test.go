package durable

import (
	"fmt"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// TestOneNodeIsOneRegister kills a node on SQLite under concurrent clients: what they saw, before
// and after, is the history of one register for each permission and each record.
func TestOneNodeIsOneRegister(t *testing.T) {
	for name, env := range map[string][]string{"all in memory": nil, "working set": {"ADMIT_MEMORY_GRANTS=1000"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := process.Start(t, process.Options{Env: env})
			h := newHistory(t, s)
			h.fill(env)
			h.clients(0, 4)
			for range 3 {
				time.Sleep(1500 * time.Millisecond)
				s.Kill()
				s.Restart()
			}
			h.live(time.Second, func() bool { return h.did("same node 0", 200)() && h.did("versioned", 200)() })
			h.end()
			linearizable(t, "permissions", permission, h.steps["same node 0"])
			linearizable(t, "records", record, h.steps["versioned"])
		})
	}
}

// clients start: some that grant, revoke and check on a node, and two that replace records.
func (h *history) clients(node, count int) {
	slots := []*slot{{}, {}}
	for range count {
		h.register(node, slots)
	}
	if node == 0 {
		s := &slot{}
		for range 2 {
			h.versioned(s)
		}
	}
}

func (h *history) end() {
	h.done.Store(true)
	h.wait.Wait()
}

// fill makes the account larger than the memory of a node with a small working set.
func (h *history) fill(env []string) {
	if env == nil {
		return
	}
	for i := range 15 {
		uris := ""
		for k := range 100 {
			uris += fmt.Sprintf(`,{"resourceUri":"filler/%d/%d"}`, i, k)
		}
		body := fmt.Sprintf(`{"recordId":"filler-%d","name":"filler","users":[{"userId":"f%d"}],"statements":[{"roles":["Authress:ReadResource"],"resources":[%s]}]}`, i, i, uris[1:])
		if status, _ := h.ask(0, "POST", "/v1/records", body, nil); status != 201 {
			h.t.Fatalf("filler: %d", status)
		}
	}
}
