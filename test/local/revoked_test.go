package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/client/verify"
	"github.com/admit-id/admit/test/process"
)

// TestRevocationsOfTwoNodes has two nodes on one database, and APIs that verify tokens by themselves and
// follow the revocation feed: of the one node, of the other, and of whichever a balancer chooses. What
// either node ends, each of them refuses, also while the other node is dead and after it has come back.
func TestRevocationsOfTwoNodes(t *testing.T) {
	if os.Getenv("ADMIT_TEST_POSTGRES") == "" {
		t.Skip("needs PostgreSQL")
	}
	t.Parallel()
	o := postgres(t)
	o.Env = append(o.Env, "ADMIT_RATE_LIMIT_SCALE=1000")
	w := start(t, o)
	o.Public = w.URL
	p := &pair{t: t, issuer: w.URL, nodes: []*process.Server{w.Server, process.Start(t, o)}}
	p.join(w)
	apis := map[string]api{"of the first node": p.follow(0), "of the second node": p.follow(1), "behind a balancer": p.follow(0, 1)}
	refused := func(token, what string) (slowest time.Duration) {
		t.Helper()
		for where, a := range apis {
			slowest = max(slowest, p.until(what+", "+where, func() bool {
				_, err := a.Verify(t.Context(), token)
				return errors.Is(err, verify.ErrRevoked)
			}))
		}
		return slowest
	}
	taken := func(token, what string) {
		t.Helper()
		for where, a := range apis {
			if _, err := a.Verify(t.Context(), token); err != nil {
				t.Errorf("%s, %s: %v", what, where, err)
			}
		}
	}

	alive := p.token(0)
	taken(alive, "before anything has ended")
	var took []time.Duration
	var ended []string
	for i := range 12 {
		token := p.token(i % 2)
		taken(token, "before its end")
		p.end(i/2%2, token)
		took = append(took, refused(token, "an ended token"))
		ended = append(ended, token)
	}
	slices.Sort(took)
	t.Logf("note: an ended token is refused by all who follow after p50 %v, at most %v", took[len(took)/2], took[len(took)-1])
	taken(alive, "others have ended")

	p.nodes[1].Kill()
	for range 3 {
		token := p.token(0)
		p.end(0, token)
		ended = append(ended, token)
	}
	p.nodes[1].Restart()
	for _, token := range ended {
		refused(token, "a token that ended while a node was dead")
	}
	taken(alive, "the node is back")

	// A withdrawn key, of the list itself first: only an answer by its successor can tell of the second one.
	for _, kid := range []string{p.kid(p.send(0, "GET", verify.RevocationsPath, nil)), p.kid(alive)} {
		w.Run("keys", "withdraw", kid)
	}
	t.Logf("note: a withdrawn key is believed by nobody who follows %v after the command", refused(alive, "a token by a withdrawn key"))
	later := p.token(0)
	for node := range p.nodes { // a verifier asks for an unknown kid once a minute, whatever it is told
		p.until("the successor is published", func() bool { return strings.Contains(p.send(node, "GET", verify.KeySetPath, nil), p.kid(later)) })
	}
	taken(later, "a token by the successor")
	for _, a := range []api{p.follow(0), p.follow(1)} { // who begins now hears of all that
		for _, token := range append(ended, alive) {
			if _, err := a.Verify(t.Context(), token); err == nil {
				t.Error("who begins to follow takes what has ended")
			}
		}
		if _, err := a.Verify(t.Context(), later); err != nil {
			t.Error(err)
		}
	}
}

// pair is two nodes of one issuer, and a service client that gets tokens from them.
type pair struct {
	t          *testing.T
	issuer     string
	nodes      []*process.Server
	id, secret string
}

type api struct {
	*verify.Verifier
}

// through reaches the issuer at those nodes in turn.
func (p *pair) through(nodes ...int) *http.Client {
	var turn atomic.Int64
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		node := nodes[int(turn.Add(1))%len(nodes)]
		return (&net.Dialer{}).DialContext(ctx, network, p.nodes[node].Address)
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
}

// follow is an API that hears of the issuer by those nodes.
func (p *pair) follow(nodes ...int) api {
	p.t.Helper()
	over := p.through(nodes...)
	revocations, err := verify.NewRevocations(p.issuer, over)
	if err != nil {
		p.t.Fatal(err)
	}
	v, err := verify.New(verify.Config{Issuer: p.issuer, Audience: "acc_default", HTTPClient: over, Revocations: revocations})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(p.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = revocations.Run(ctx)
	}()
	p.t.Cleanup(func() { stop(); <-done })
	p.until("it follows", func() bool {
		return !errors.Is(revocations.Check(verify.Claims{Subject: "nobody", IssuedAt: time.Now().Add(time.Hour)}), verify.ErrRevocationsUnavailable)
	})
	return api{v}
}

// until waits for something and tells how long that took.
func (p *pair) until(what string, done func() bool) time.Duration {
	p.t.Helper()
	begun := time.Now()
	for ; !done(); time.Sleep(time.Millisecond) {
		if time.Since(begun) > 30*time.Second {
			p.t.Fatalf("waited 30 s: %s", what)
		}
	}
	return time.Since(begun)
}

// send asks a node as the service client.
func (p *pair) send(node int, method, path string, form url.Values) string {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(p.id, p.secret)
	}
	answer, err := p.through(node).Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		p.t.Fatalf("%s %s: %d %s %v", method, path, answer.StatusCode, text, err)
	}
	return string(text)
}

// join makes the service client and waits until both nodes know it.
func (p *pair) join(w *world) {
	p.t.Helper()
	var made struct{ ClientID, ClientSecret string }
	for _, path := range []string{"/v1/clients", "/v1/clients/%s/access-keys"} {
		if made.ClientID != "" {
			path = fmt.Sprintf(path, made.ClientID)
		}
		status, text := w.send("POST", path, map[string]string{"name": "orders"})
		if status/100 != 2 || json.Unmarshal(text, &made) != nil {
			p.t.Fatalf("%s: %d %s", path, status, text)
		}
	}
	p.id, p.secret = made.ClientID, made.ClientSecret
	for node := range p.nodes {
		p.until("the client is known", func() bool {
			r, err := http.NewRequestWithContext(p.t.Context(), "POST", p.issuer+"/oauth/token", strings.NewReader("grant_type=client_credentials"))
			if err != nil {
				p.t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth(p.id, p.secret)
			answer, err := p.through(node).Do(r)
			if err != nil {
				return false
			}
			answer.Body.Close()
			return answer.StatusCode == http.StatusOK
		})
	}
}

func (p *pair) token(node int) string {
	p.t.Helper()
	var got struct {
		Token string `json:"access_token"`
	}
	if text := p.send(node, "POST", "/oauth/token", url.Values{"grant_type": {"client_credentials"}}); json.Unmarshal([]byte(text), &got) != nil || got.Token == "" {
		p.t.Fatal(text)
	}
	return got.Token
}

func (p *pair) end(node int, token string) {
	p.t.Helper()
	p.send(node, "POST", "/oauth/revoke", url.Values{"token": {token}})
}

func (p *pair) kid(text string) string {
	p.t.Helper()
	signed, err := verify.Parse(text)
	if err != nil {
		p.t.Fatal(err)
	}
	return signed.KeyID()
}
