package decide_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/consistency"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/cursor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/authzen"
	v1 "github.com/admit-id/admit/internal/surface/v1"
	"github.com/admit-id/admit/internal/surface/v1/decide"
	"github.com/admit-id/admit/internal/surface/v1/grant"
)

// world is what surrounds the surfaces. NAME.example is the host of the account acc_NAME. A
// token is "user:ID", "client:ID" or "operator"; the client sc_asker may ask about everybody.
type world struct{}

func (world) ByHost(host string) (ident.AccountID, bool) {
	name, ok := strings.CutSuffix(host, ".example")
	return ident.AccountID("acc_" + name), ok
}
func (world) OriginAllowed(ident.AccountID, string) bool             { return false }
func (world) Allow(web.LimitClass, netip.Addr) (time.Duration, bool) { return 0, true }
func (world) Issuer(id ident.AccountID) string {
	return "https://" + strings.TrimPrefix(string(id), "acc_") + ".example"
}
func (world) MayReadPermissions(_ ident.AccountID, id ident.ServiceClientID) bool {
	return id == "sc_asker"
}
func (world) Active(_ ident.AccountID, id ident.ServiceClientID) bool {
	return strings.HasPrefix(string(id), "sc_")
}

func (world) Verify(_ context.Context, account ident.AccountID, bearer string) (actor.Actor, error) {
	kind, id, _ := strings.Cut(bearer, ":")
	switch kind {
	case "user":
		return actor.Actor{Kind: actor.User, Account: account, ID: id}, nil
	case "client":
		return actor.Actor{Kind: actor.ServiceClient, Account: account, ID: id}, nil
	case "operator":
		return actor.ForOperator(account), nil
	}
	return actor.Actor{}, fault.New(fault.Unauthenticated, fault.CodeUnauthenticated, "no")
}

// gate is a feed that can be shut: the node then hears, but nothing new. Nothing rings at it.
type gate struct {
	feed.Source
	mu     sync.RWMutex // held by whoever reads the feed
	closed bool
}

// shut returns when nobody reads any more.
func (g *gate) shut(yes bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = yes
}

func (g *gate) Doorbell() <-chan struct{} { return nil }

func (g *gate) Since(ctx context.Context, rev int64, limit int) ([]feed.Change, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.closed {
		return nil, nil
	}
	return g.Source.Since(ctx, rev, limit)
}

// catchUp is how long a question with a token waits.
const catchUp = time.Second

// node is one server with its own memory.
type node struct {
	t      testing.TB
	router http.Handler
	verbs  *access.Service
	db     *sqldb.DB
	clock  *clock.Fake
}

// each runs a test on both databases.
func each(t *testing.T, fn func(t *testing.T, n *node)) {
	sqldbtest.Each(t, accessdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		fn(t, newNode(t, db, clk, nil))
	})
}

func newNode(t testing.TB, db *sqldb.DB, clk *clock.Fake, g *gate) *node {
	return newPatientNode(t, db, clk, g, catchUp)
}

// newPatientNode is newNode whose questions with a token wait as long as they must.
func newPatientNode(t testing.TB, db *sqldb.DB, clk *clock.Fake, g *gate, catchUp time.Duration) *node {
	var source feed.Source = db
	if g != nil {
		source = g
	}
	follower := feed.NewFollower(source, db, time.Minute)
	engine := access.NewEngine(follower.Fresh, world{}, clk)
	verbs := access.New(access.Deps{Runner: db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{},
		Resources: accessdb.Resources{}, Facts: accessdb.Facts{}, Engine: engine})
	follower.Subscribe(verbs, access.ChangeKinds()...)
	if err := follower.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if g == nil {
		db.Follow(follower.WaitFor)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { follower.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	keys, err := crypt.NewKeys(bytes.Repeat([]byte{7}, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	past := history.New(history.Deps{Runner: db, Store: accessdb.Versions{}, Engine: engine})
	tokens := consistency.New(keys, follower, catchUp)
	api := v1.New(v1.Deps{Issuers: world{}, Cursors: cursor.New(keys), Guard: engine, Consistency: tokens,
		Decide: decide.Deps{Permissions: engine, History: past}, Grant: grant.Deps{Records: verbs, Roles: verbs, Groups: verbs}})
	other := authzen.New(authzen.Deps{Decisions: engine, Subjects: past, Clients: world{}, Issuers: world{}, Cursors: cursor.New(keys), Consistency: tokens})
	router, err := web.NewRouter(web.Deps{Accounts: world{}, Tokens: world{}, Origins: world{}, Limiter: world{},
		Clock: clk, Log: slog.New(slog.DiscardHandler)}, slices.Concat(api.Routes(), other.Routes()))
	if err != nil {
		t.Fatal(err)
	}
	return &node{t: t, router: router, verbs: verbs, db: db, clock: clk}
}

type answer struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

func (n *node) call(bearer, method, url, body string, header ...string) answer {
	n.t.Helper()
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	r.RequestURI = strings.TrimPrefix(url, "https://"+r.Host)
	r.Header.Set("Authorization", "Bearer "+bearer)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	n.router.ServeHTTP(w, r)
	out := answer{status: w.Code, header: w.Header(), raw: w.Body.String()}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
		if err := json.Unmarshal(w.Body.Bytes(), &out.body); err != nil {
			n.t.Fatalf("%s %s: %v in %q", method, url, err, w.Body)
		}
	}
	return out
}

func (n *node) want(status int, bearer, method, url, body string, header ...string) answer {
	n.t.Helper()
	got := n.call(bearer, method, url, body, header...)
	if got.status != status {
		n.t.Errorf("%s %s as %q: %d %s; want %d", method, url, bearer, got.status, got.raw, status)
	}
	return got
}

// put writes a world as it is, without judging it.
func (n *node) put(account ident.AccountID, w *accesstest.World) {
	n.t.Helper()
	err := n.db.Write(n.t.Context(), tx.In(account), func(ctx context.Context, t tx.Tx) error {
		for _, role := range w.Roles {
			if _, err := (accessdb.Roles{}).Create(ctx, t, account, role); err != nil {
				return err
			}
			t.Changed(access.ChangeRole, account, string(role.ID))
		}
		for _, g := range w.Groups {
			if _, err := (accessdb.Groups{}).Create(ctx, t, account, g); err != nil {
				return err
			}
			t.Changed(access.ChangeGroup, account, string(g.ID))
		}
		for _, record := range w.Records {
			if _, err := (accessdb.Records{}).Create(ctx, t, account, record); err != nil {
				return err
			}
			t.Changed(access.ChangeRecord, account, string(record.ID))
		}
		for _, text := range w.Public {
			resource, err := access.ParseResource(text)
			if err != nil {
				return err
			}
			c := claim.Config{Resource: resource.String(), Permissions: []claim.Permission{{Action: claim.Public, Allow: true}}, LastUpdated: t.Now()}
			if err := (accessdb.Resources{}).Put(ctx, t, account, c); err != nil {
				return err
			}
			t.Changed(access.ChangeResource, account, c.Resource)
		}
		return nil
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

// shifted moves the windows of a world in time.
func shifted(w accesstest.World, by time.Duration) accesstest.World {
	w.Records = slices.Clone(w.Records)
	for i := range w.Records {
		statements := slices.Clone(w.Records[i].Statements)
		for k := range statements {
			for _, at := range []*time.Time{&statements[k].StartsAt, &statements[k].ExpiresAt} {
				if !at.IsZero() {
					*at = at.Add(by)
				}
			}
		}
		w.Records[i].Statements = statements
	}
	return w
}
