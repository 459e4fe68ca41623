package attack

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/admit-id/admit/test/process"
)

func queryEscape(s string) string { return url.QueryEscape(s) }

// Distinct values of whatever a stranger chooses do not pile up in memory.
func TestDOS05_MemoryPerKey(t *testing.T) {
	each(t, process.Options{Env: []string{"ADMIT_RATE_LIMIT_SCALE=1000"}}, func(t *testing.T, w *world) {
		// 18,000 distinct values are more than any cache holds (16,384), and 64 MiB is under 4 KiB for each round.
		const rounds, workers = 3000, 6
		before := w.memory()
		var all sync.WaitGroup
		for worker := range workers {
			all.Go(func() {
				for i := range rounds {
					n := fmt.Sprintf("%d-%d", worker, i)
					w.send("GET", "/login?state="+n, "", "Accept-Language", "x-"+n+", de;q=0.5", "User-Agent", "agent-"+n, "X-Forwarded-For", fmt.Sprintf("198.51.%d.%d", i/256%256, i%256))
					w.send("GET", "/v1/users/u"+n+"/resources/r%2F"+n+"/permissions/p", "", "Authorization", "Bearer "+w.key)
					w.send("GET", "/v1/roles", "", "Authorization", "Bearer eyJhbGciOiJFZERTQSIsImtpZCI6IiJ9."+n+".AAAA")
					w.send("GET", "/healthz", "", "Host", "host-"+n+".example")
					w.send("GET", "/.well-known/openid-configuration/jwks?kid="+n, "", "Origin", "https://o"+n+".example")
				}
			})
		}
		all.Wait()
		if grown := w.memory() - before; grown > 64<<20 {
			t.Errorf("memory grew by %d MiB over %d distinct values", grown>>20, rounds*workers)
		}
	})
}

func TestDOS10_ContentEncodings(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		var bomb bytes.Buffer
		z := gzip.NewWriter(&bomb)
		z.Write([]byte(`{"name":"` + strings.Repeat("a", 64<<20)))
		z.Close()
		before := w.memory()
		for _, encoding := range []string{"gzip", "GZIP", "deflate", "br", "zstd", "gzip, gzip", "x-gzip", "identity, gzip", "nonsense"} {
			for _, path := range []string{"/api/authentication", "/v1/roles", "/login/email"} {
				a := w.send("POST", path, bomb.String(), "Content-Encoding", encoding, "Content-Type", "application/json", "Authorization", "Bearer "+w.key)
				if a.status != 415 && a.status != 413 {
					t.Errorf("%s to %s: %d", encoding, path, a.status)
				}
			}
		}
		if grown := w.memory() - before; grown > 32<<20 {
			t.Errorf("memory grew by %d MiB", grown>>20)
		}
		if a := w.send("POST", "/v1/roles", "\x1f\x8b"+bomb.String()[:40], "Authorization", "Bearer "+w.key); a.status != 400 {
			t.Errorf("gzip without saying so: %d", a.status)
		}
	})
}
