package attack

import (
	"crypto/ed25519"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

const racers = 100

// race lets many do the same at once, spread over the nodes, and returns their answers.
func race(t *testing.T, nodes []*world, do func(n *world) answer) []answer {
	t.Helper()
	out := make([]answer, racers)
	start := make(chan struct{})
	var wait sync.WaitGroup
	for i := range out {
		wait.Go(func() {
			<-start
			out[i] = do(nodes[i%len(nodes)])
		})
	}
	close(start)
	wait.Wait()
	return out
}

// won counts those who got what they wanted; nobody may hear of a fault of ours.
func won(t *testing.T, what string, all []answer, good func(answer) bool) (winners []answer) {
	t.Helper()
	said := map[string]int{}
	for _, a := range all {
		if a.status >= 500 || a.status == 0 {
			t.Errorf("%s: %d %.200s", what, a.status, a.body)
		}
		if good(a) {
			winners = append(winners, a)
			continue
		}
		said[fmt.Sprint(a.status, " ", a.text("error"))]++
	}
	t.Logf("%s: %d of %d; others %v", what, len(winners), len(all), said)
	return winners
}

func granted(a answer) bool { return a.status == 200 && a.text("access_token") != "" }

// TestOneOfMany is what can be used once, used a hundred times at once: on one node, and on two nodes
// over one PostgreSQL.
func TestOneOfMany(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		w := &world{Server: process.Start(t, often), t: t}
		w.public, w.key = w.URL, w.AdminKey()
		w.hear()
		races(t, []*world{w})
	})
	t.Run("two nodes", func(t *testing.T) {
		if os.Getenv("ADMIT_TEST_POSTGRES") == "" {
			t.Skip("two nodes need PostgreSQL")
		}
		o := process.Options{Database: process.Database(t), Env: append([]string{"ADMIT_MASTER_KEY=" + masterKey}, often.Env...)}
		w := &world{Server: process.Start(t, o), t: t}
		w.public = w.URL
		o.Public = w.URL
		second := *w
		second.Server = process.Start(t, o)
		w.key = w.AdminKey()
		second.key = w.key
		w.hear()
		second.hear()
		races(t, []*world{w, &second})
	})
}

func races(t *testing.T, nodes []*world) {
	w := nodes[0]
	p := w.visitor("ann@example.com")
	at := func(c *party, n *world) *party { o := *c; o.w = n; return &o }
	public := w.party("")
	service := w.keyed(`"grantTypes":["client_credentials"]`)
	pushing := w.keyed(`"grantTypes":["authorization_code"],"requirePushedAuthorizationRequests":true`)
	device := w.party(`"grantTypes":["` + deviceGT + `"]`)
	for _, n := range nodes { // every node has heard of the clients
		eventually(t, "a node to hear of the clients", func() bool {
			return granted(at(service, n).post("/oauth/token", "grant_type", "client_credentials"))
		})
	}

	// The streams that a client may have.
	r := w.receiver("many")
	if got := won(t, "streams", race(t, nodes, func(n *world) answer {
		return n.send("POST", "/v1/streams", "", "Authorization", "Bearer "+r.key)
	}), func(a answer) bool { return a.status == 201 }); len(got) != 4 {
		t.Errorf("a client has %d streams", len(got))
	}

	// OAU-01 and OAU-02: a code. That it came twice ends what it gave.
	code := p.authorized(public)
	got := won(t, "a code", race(t, nodes, func(n *world) answer { return at(public, n).redeem(code) }), granted)
	if len(got) != 1 {
		t.Errorf("a code was redeemed %d times", len(got))
	}
	for _, one := range got {
		w.ends(t, nodes, "of a code that came twice", one.text("access_token"))
	}

	// OAU-08: a refresh token of a public client: all get the same successor, and after the window it
	// ends the family.
	first := p.tokens(public, "openid offline_access")
	old := first.text("refresh_token")
	successors := map[string]bool{}
	renewed := won(t, "a refresh token", race(t, nodes, func(n *world) answer { return at(public, n).refresh(old) }), granted)
	rotated := time.Now()
	for _, one := range renewed {
		successors[one.text("refresh_token")] = true
	}
	if len(renewed) == 0 || len(successors) != 1 || successors[old] {
		t.Errorf("a refresh token forked: %d successors", len(successors))
	}

	// One DPoP proof, at the token endpoint.
	_, key, _ := ed25519.GenerateKey(nil)
	proof := w.proof(key, "/oauth/token", "")
	if got := won(t, "a DPoP proof", race(t, nodes, func(n *world) answer {
		return at(service, n).post("/oauth/token", "grant_type", "client_credentials", "DPoP:", proof)
	}), granted); len(got) != 1 {
		t.Errorf("a DPoP proof was used %d times", len(got))
	}

	// One pushed request.
	uri := pushing.push().text("request_uri")
	q := url.Values{"client_id": {pushing.id}, "request_uri": {uri}}
	jar := p.jar()
	codes := won(t, "a pushed request", race(t, nodes, func(n *world) answer {
		return n.send("GET", "/oauth/authorize?"+q.Encode(), "", "Cookie", jar, "Accept", "text/html")
	}), func(a answer) bool { return a.told().Get("code") != "" })
	if len(codes) != 1 {
		t.Errorf("a pushed request was used %d times", len(codes))
	}

	// One device code, after its person has allowed it, and one decision about it.
	begun := device.post("/oauth/device", "scope", "openid")
	page := p.browse("POST", "/device", url.Values{"user_code": {begun.text("user_code")}}.Encode())
	ask := p.browse("GET", page.path(), "")
	answerTo := fields(ask.body)
	answerTo.Set("decision", "allow")
	jar = p.jar()
	decided := won(t, "a decision", race(t, nodes, func(n *world) answer {
		return n.send("POST", "/device/confirm", answerTo.Encode(), "Cookie", jar, "Accept", "text/html", "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin", "Origin", w.public)
	}), func(a answer) bool { return strings.Contains(a.header.Get("Location"), "/device/done") })
	if len(decided) != 1 {
		t.Errorf("a device was decided about %d times", len(decided))
	}
	if got := won(t, "a device code", race(t, nodes, func(n *world) answer {
		return at(device, n).post("/oauth/token", "grant_type", deviceGT, "device_code", begun.text("device_code"))
	}), granted); len(got) != 1 {
		t.Errorf("a device code was redeemed %d times", len(got))
	}

	// One client assertion. It comes last: whoever repeats it is held for guessing.
	proof = service.assertion()
	if got := won(t, "a client assertion", race(t, nodes, func(n *world) answer {
		return n.post("/oauth/token", "grant_type", "client_credentials", "client_assertion_type", jwtCAT, "client_assertion", proof)
	}), granted); len(got) != 1 {
		t.Errorf("a client assertion was used %d times", len(got))
	}

	// The window of the refresh token is over.
	time.Sleep(time.Until(rotated.Add(10500 * time.Millisecond)))
	var next string
	for next = range successors {
	}
	alive := public.refresh(next)
	if !granted(alive) {
		t.Errorf("the successor: %d %s", alive.status, alive.body)
	}
	for _, one := range won(t, "a refresh token after its window", race(t, nodes, func(n *world) answer { return at(public, n).refresh(old) }), granted) {
		t.Errorf("an old refresh token works: %s", one.body)
	}
	w.refuses("the newest after a reuse", public.refresh(alive.text("refresh_token")), 400, "invalid_grant")
	w.ends(t, nodes, "of a family that ended", first.text("access_token"))
	w.ends(t, nodes, "of a family that ended", alive.text("access_token"))
	for _, n := range nodes {
		n.honest("after")
		n.quiet()
	}
}

// ends wants a token dead on every node.
func (w *world) ends(t *testing.T, nodes []*world, what, token string) {
	t.Helper()
	for i, n := range nodes {
		eventually(t, fmt.Sprintf("an access token %s to end on node %d", what, i), func() bool { return n.userinfo(token).status == 401 })
	}
}
