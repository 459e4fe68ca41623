package attack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// A grant that is bound in time begins and ends by the server's clock, to the second, without a write
// and whatever time the client says it is.
func TestAUZ18_TimeLimitedGrants(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		admin := []string{"Authorization", "Bearer " + w.key, "Content-Type", "application/json"}
		grant := func(id, window string) answer {
			return w.send("POST", "/v1/records", `{"recordId":"`+id+`","name":"x","users":[{"userId":"u_`+id+`"}],"statements":[{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"timed"}],`+window+`}]}`, admin...)
		}
		may := func(id string, header ...string) int {
			return w.send("GET", "/v1/users/u_"+id+"/resources/timed/permissions/READ", "", append(header, admin...)...).status
		}
		now := time.Now().Truncate(time.Second)
		ends, begins := now.Add(3*time.Second), now.Add(4*time.Second)
		zone := time.FixedZone("", 5*3600+1800)
		for id, window := range map[string]string{
			"ends":    `"expiresAt":"` + ends.UTC().Format(time.RFC3339) + `"`,
			"zoned":   `"expiresAt":"` + ends.In(zone).Format(time.RFC3339) + `"`,
			"begins":  `"startsAt":"` + begins.UTC().Format(time.RFC3339) + `"`,
			"forever": `"expiresAt":"9999-12-31T23:59:59Z"`,
		} {
			if a := grant(id, window); a.status != 201 {
				t.Fatalf("%s: %d %s", id, a.status, a.body)
			}
		}
		for _, window := range []string{`"expiresAt":"tomorrow"`, `"expiresAt":"2030-01-01"`, `"expiresAt":"2030-01-01T00:00:00"`, `"expiresAt":32503680000`, `"startsAt":"2030-01-02T00:00:00Z","expiresAt":"2030-01-01T00:00:00Z"`, `"expiresAt":"2030-01-01T24:00:61Z"`} {
			if a := grant("bad", window); a.status != 400 && a.status != 422 {
				t.Errorf("%s: %d %s", window, a.status, a.body)
			}
		}
		past, future := []string{"Date", "Mon, 01 Jan 2001 00:00:00 GMT", "X-Time", "2001-01-01T00:00:00Z"}, []string{"Date", "Fri, 01 Jan 2100 00:00:00 GMT"}
		if got := []int{may("ends"), may("zoned"), may("ends", future...), may("begins"), may("begins", future...), may("forever")}; fmt.Sprint(got) != "[200 200 200 404 404 200]" && time.Now().Before(ends) {
			t.Errorf("before: %v", got)
		}
		for time.Now().Before(ends.Add(-300 * time.Millisecond)) {
			if asked := time.Now(); may("ends") != 200 && time.Now().Before(ends) {
				t.Errorf("it ended %v early", ends.Sub(asked))
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Until(ends))
		if got := []int{may("ends"), may("zoned"), may("ends", past...)}; fmt.Sprint(got) != "[404 404 404]" {
			t.Errorf("after the end: %v", got)
		}
		time.Sleep(time.Until(begins))
		if got := []int{may("begins"), may("begins", past...), may("ends"), may("forever")}; fmt.Sprint(got) != "[200 200 404 200]" {
			t.Errorf("after the beginning: %v", got)
		}
		w.Kill()
		w.Restart()
		if got := []int{may("ends"), may("begins")}; fmt.Sprint(got) != "[404 200]" {
			t.Errorf("after a restart: %v", got)
		}
	})
}

// unaudited are the routes that change nothing but what waits for a receiver, and those that somebody without
// a second factor has no use for (TestADM04_AdministratorsOnlyBegin looks at their entries).
var unaudited = map[string]bool{
	"POST /v1/streams/{streamId}/events": true, "POST /v1/streams/verification": true,
	"POST /v1/users/{userId}/recovery": true, "DELETE /v1/users/{userId}/recovery": true,
}

// Every route that changes something leaves an entry when it did.
func TestADM05_EveryRouteIsAudited(t *testing.T) {
	each(t, process.Options{Env: []string{"ADMIT_RATE_LIMIT_SCALE=1000"}}, func(t *testing.T, w *world) {
		admin := []string{"Authorization", "Bearer " + w.key, "Content-Type", "application/json"}
		ids := w.settled("canary", admin...)
		p := w.signIn("person@example.com")
		ids["userId"] = subject(p.access)
		var living struct{ Sessions []struct{ SessionID string } }
		json.Unmarshal([]byte(w.send("GET", "/v1/users/"+ids["userId"]+"/sessions", "", admin...).body), &living)
		if len(living.Sessions) != 1 {
			t.Fatalf("%d sessions of one sign-in", len(living.Sessions))
		}
		ids["sessionId"] = living.Sessions[0].SessionID
		body := strings.Replace(bodies["POST /v1/invites"], "Authress:Owner", "ro_canary", 1)
		var invited struct{ InviteID string }
		json.Unmarshal([]byte(w.send("POST", "/v1/invites", body, admin...).body), &invited)
		allowed := p.allow(w.party(`"thirdParty":true`))
		done := map[string]bool{}
		routes := w.routes() // the parts before the whole
		slices.SortStableFunc(routes, func(a, b route) int { return strings.Count(b.Path, "/") - strings.Count(a.Path, "/") })
		for _, methods := range []string{"POST PUT PATCH", "DELETE"} { // what is deleted cannot be changed afterwards
			for _, r := range routes {
				if r.Auth != "bearer" || !strings.Contains(methods, r.Method) || r.Path == "/v1/checks" || strings.HasPrefix(r.Path, "/access/") || unaudited[r.String()] {
					continue
				}
				header, own := admin, ids
				if r.String() == "PATCH /v1/invites/{inviteId}" {
					header, own = []string{"Authorization", "Bearer " + p.access}, map[string]string{"inviteId": invited.InviteID}
				}
				if strings.Contains(r.Path, "/consents/") {
					own = map[string]string{"userId": ids["userId"], "clientId": allowed}
				}
				before := len(w.dump()["audit_entries"])
				a := w.send(r.Method, r.at(own), fit(bodies[r.String()], own), header...)
				if a.status >= 300 {
					t.Errorf("%s: %d %.200s", r, a.status, a.body)
					continue
				}
				done[r.String()] = true
				if len(w.dump()["audit_entries"]) == before {
					t.Errorf("%s left no entry: %d %s", r, a.status, a.body)
				}
			}
		}
		t.Logf("%d routes", len(done))
	})
}

// One account that asks for as much as it can leaves the other its answers.
func TestTEN10_NoisyNeighbour(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		account := w.Run("account", "create", "--name", "Noisy", "--host", "noisy.example")
		noisy := []string{"Authorization", "Bearer " + w.Run("access-key", "create", "--client", "noisy", "--admin", "--account", account), "Content-Type", "application/json", "Host", "noisy.example"}
		batch := `{"checks":[` + strings.TrimSuffix(strings.Repeat(`{"userId":"u","resourceUri":"a/b/c","permission":"READ"},`, 1000), ",") + `]}`
		w.whileHonest(64<<20, func() {
			var all sync.WaitGroup
			end := time.Now().Add(2 * time.Second)
			for range 6 {
				all.Go(func() {
					for time.Now().Before(end) {
						for _, a := range []answer{w.send("POST", "/v1/checks", batch, noisy...), w.send("GET", "/v1/records?limit=100", "", noisy...), w.send("GET", "/v1/resources/x/subjects?permission=READ", "", noisy...)} {
							if a.status != 200 && a.status != 429 && a.status != 401 { // the key is heard of within a second
								t.Errorf("%d %.200s", a.status, a.body)
							}
						}
					}
				})
			}
			all.Wait()
		})
	})
}
