package durable

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

const kills = 40

// TestNoAnsweredWriteIsLost kills the server with SIGKILL while eight writers write, and looks for every
// role whose creation had been answered.
func TestNoAnsweredWriteIsLost(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server 41 times")
	}
	t.Parallel()
	s := process.Start(t, process.Options{})
	key := s.AdminKey()
	total := 0
	for round := range kills {
		answered := writeUntilKilled(t, s, key, round)
		s.Restart()
		for _, id := range answered {
			if status := call(t, key, http.MethodGet, s.URL+"/v1/roles/"+id, ""); status != http.StatusOK {
				t.Fatalf("round %d: role %s had been answered and is gone: %d", round, id, status)
			}
		}
		total += len(answered)
	}
	if total < kills {
		t.Fatalf("only %d writes were answered in %d rounds: the test proves nothing", total, kills)
	}
	s.Stop()
	if found := s.Run("verify-db"); strings.Contains(strings.ToLower(found), "damage") {
		t.Errorf("verify-db: %s", found)
	}
	s.Restart()
	t.Logf("%d answered writes survived %d kills", total, kills)
}

func writeUntilKilled(t *testing.T, s *process.Server, key string, round int) []string {
	t.Helper()
	var (
		mu       sync.Mutex
		answered []string
		wg       sync.WaitGroup
	)
	stop, begun := make(chan struct{}), make(chan struct{})
	var first sync.Once
	for writer := range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("ro_%d_%d_%d", round, writer, n)
				body := fmt.Sprintf(`{"roleId":%q,"name":"r","permissions":[{"action":"a:read","allow":true,"grant":false,"delegate":false}]}`, id)
				if call(t, key, http.MethodPost, s.URL+"/v1/roles", body) != http.StatusCreated {
					return
				}
				mu.Lock()
				answered = append(answered, id)
				mu.Unlock()
				first.Do(func() { close(begun) })
			}
		})
	}
	// A different moment each round, from the first write to the thick of it.
	select {
	case <-begun:
	case <-time.After(time.Minute):
	}
	time.Sleep(time.Duration(round*2) * time.Millisecond)
	s.Kill()
	close(stop)
	wg.Wait()
	return answered
}

// call returns the status, or 0 when there was no answer.
func call(t *testing.T, key, method, url, body string) int {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0
	}
	return resp.StatusCode
}
