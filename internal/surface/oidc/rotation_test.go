package oidc

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"

	"github.com/admit-id/admit/client/verify"
	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/keyring/keyringdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/token"
)

// rotating is two nodes over one database whose time runs fast: a period between two rotations is a bit more than
// keyring.DefaultAfter, the least time that a rotated key is published before it signs.
type rotating struct {
	world
	url     string
	clk     *clock.Fake
	service *keyring.Service
	rings   []*keyring.Ring
	tokens  []*token.Service
}

func (r *rotating) ByHost(string) (ident.AccountID, bool) { return "acc_a", true }
func (r *rotating) Issuer(ident.AccountID) string         { return r.url }

// rotateUses are those whose keys the test rotates, all at once.
var rotateUses = []keyring.Use{keyring.Access, keyring.ID, "access/ES256", "id/RS256"}

func startRotating(t *testing.T) *rotating {
	db, clk := sqldbtest.SQLite(t, keyringdb.Migrations(), nil)
	keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	r := &rotating{clk: clk, service: keyring.New(keyring.Deps{DB: db, Store: keyringdb.Store{}, Janitor: keyringdb.Store{}, Keys: keys})}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(func() { stop(); running.Wait() })
	for range 2 {
		ring := keyring.NewRing(keyringdb.Store{}, keys, clk)
		follower := feed.NewFollower(db, db, time.Minute)
		follower.Subscribe(ring, keyring.ChangeKind)
		if err := follower.Start(ctx); err != nil {
			t.Fatal(err)
		}
		running.Go(func() { follower.Run(ctx) })
		if len(r.rings) == 0 {
			db.Follow(follower.WaitFor)
		}
		r.rings = append(r.rings, ring)
		r.tokens = append(r.tokens, token.NewService(token.ServiceDeps{Signers: ring, Keys: ring, Issuer: r.Issuer}))
	}
	if err := r.service.Ensure(ctx, "acc_a"); err != nil {
		t.Fatal(err)
	}
	err = db.Write(ctx, tx.In("acc_a"), func(ctx context.Context, x tx.Tx) error {
		return r.service.Provide(ctx, x, actor.ForSystem("acc_a"), rotateUses...)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, ring := range r.rings { // the second node hears of them a moment later, with the application that needs them
		for _, use := range rotateUses {
			for _, err := ring.Signer("acc_a", use); err != nil; _, err = ring.Signer("acc_a", use) {
				time.Sleep(time.Millisecond)
			}
		}
	}
	var nodes []http.Handler
	for _, ring := range r.rings {
		s := New(Deps{Accounts: r, Keys: ring, Clients: r, Clock: clk})
		h, err := web.NewRouter(web.Deps{Accounts: r, Tokens: r, Origins: r, Limiter: r, Clock: clk, Log: slog.New(slog.DiscardHandler)}, s.Routes())
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, h)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { nodes[rand.IntN(2)].ServeHTTP(w, q) }))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// verifiers returns what checks tokens as others do, each with a cache of its own: the Go client, with the set of
// SDKs and with the complete one, and go-oidc.
func (r *rotating) verifiers(t *testing.T) []func(ctx context.Context, node *token.Service) error {
	client := func(algs ...string) *verify.Verifier {
		v, err := verify.New(verify.Config{Issuer: r.url, Audience: "acc_a", Algorithms: algs, Now: r.clk.Now})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	access := func(v *verify.Verifier, alg string) func(context.Context, *token.Service) error {
		return func(ctx context.Context, node *token.Service) error {
			issued, err := node.AccessToken(ctx, token.AccessParams{
				At: r.clk.Now(), Account: "acc_a", Subject: "usr_1", Client: "app_1", Audience: []string{"acc_a"}, Grant: "gra_1", Signing: token.Signing{Alg: alg},
			})
			if err == nil {
				_, err = v.Verify(ctx, issued.Token.Reveal())
			}
			return err
		}
	}
	id := func(alg string) func(context.Context, *token.Service) error {
		set := gooidc.NewRemoteKeySet(context.Background(), r.url+pathKeys)
		v := gooidc.NewVerifier(r.url, set, &gooidc.Config{ClientID: "app_1", SupportedSigningAlgs: []string{alg}, Now: r.clk.Now})
		return func(ctx context.Context, node *token.Service) error {
			issued, err := node.IDToken(ctx, token.IDParams{
				At: r.clk.Now(), Account: "acc_a", Subject: "usr_1", Client: "app_1", AuthTime: r.clk.Now(), AccessToken: "at", Signing: token.Signing{Alg: alg},
			})
			if err != nil {
				return err
			}
			parsed, err := v.Verify(ctx, issued.Token.Reveal())
			if err != nil {
				return err
			}
			return parsed.VerifyAccessToken("at") // its at_hash
		}
	}
	return []func(context.Context, *token.Service) error{
		access(client(), jose.EdDSA), access(client(jose.EdDSA, jose.ES256), jose.EdDSA), access(client(jose.EdDSA, jose.ES256), jose.ES256), id(jose.EdDSA), id(jose.RS256),
	}
}

// known says whether every node has heard of so many keys.
func (r *rotating) known(keys int) bool {
	for _, ring := range r.rings {
		if all, _ := ring.Set("acc_a").All(r.clk.Now()); len(all) < keys {
			return false
		}
	}
	return true
}

// rotate runs the load for a number of rotations. The nodes' clock goes in steps: at each, every verifier issues and
// verifies tokens of both nodes, and it moves on when they have, and when both nodes have heard of the last rotation,
// as they do within a second. So a slow machine is slow, and nothing else.
func (r *rotating) rotate(t *testing.T, rotations, tokens int) {
	const (
		period = keyring.DefaultAfter * 5 / 4 // between two rotations, as the nodes' clock goes
		steps  = 75                           // of ten seconds
	)
	var signed, failures atomic.Int64
	checks := r.verifiers(t)
	step := func(also func()) {
		var running sync.WaitGroup
		running.Go(also)
		for _, check := range checks {
			running.Go(func() {
				for n := range tokens {
					if err := check(t.Context(), r.tokens[n%2]); err != nil && failures.Add(1) < 10 {
						t.Errorf("after %d tokens: %v", signed.Load(), err)
					}
					signed.Add(1)
				}
			})
		}
		running.Wait()
	}
	for rotation := range rotations {
		step(func() {
			for _, use := range rotateUses {
				if _, err := r.service.Rotate(t.Context(), actor.ForSystem("acc_a"), use, keyring.DefaultAfter); err != nil {
					t.Error(err)
				}
			}
		})
		for end := clock.Monotonic() + time.Minute; !r.known((rotation + 2) * len(rotateUses)); time.Sleep(time.Millisecond) {
			if clock.Monotonic() > end {
				t.Fatal("a node has not heard of the rotation in a minute")
			}
		}
		for range steps {
			step(func() {})
			r.clk.Advance(period / steps)
		}
	}
	step(func() {})
	if n := failures.Load(); n > 0 {
		t.Errorf("%d of %d verifications failed", n, signed.Load())
	}
	if keys, _ := r.rings[0].Set("acc_a").All(r.clk.Now()); len(keys) != (rotations+1)*len(rotateUses) {
		t.Errorf("%d keys after %d rotations", len(keys), rotations)
	}
	t.Logf("%d tokens over %d rotations of %d keys, %d refused", signed.Load(), rotations, len(rotateUses), failures.Load())
}

// TestRotationUnderLoad is CRY-01 and CMP-12: no verifier that keeps keys for as long as it may refuses a token when keys change.
func TestRotationUnderLoad(t *testing.T) {
	startRotating(t).rotate(t, 4, 4)
}

// TestSoakRotation is the same with many more tokens and rotations.
func TestSoakRotation(t *testing.T) {
	if os.Getenv("ADMIT_TEST_SOAK") == "" {
		t.Skip("set ADMIT_TEST_SOAK")
	}
	startRotating(t).rotate(t, 24, 80)
}
