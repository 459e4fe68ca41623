package consistency_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/consistency"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/kit/web"
)

// line is a feed that the test moves.
type line struct {
	mu    sync.Mutex
	rev   int64
	moved chan struct{}
	asked map[int64]bool // the revisions that somebody waited for
}

func newLine(rev int64) *line {
	return &line{rev: rev, moved: make(chan struct{}), asked: map[int64]bool{}}
}

func (l *line) awaited(rev int64) bool { l.mu.Lock(); defer l.mu.Unlock(); return l.asked[rev] }

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for", what)
		}
	}
}

func (l *line) Rev() int64 { l.mu.Lock(); defer l.mu.Unlock(); return l.rev }

func (l *line) move(rev int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rev = rev
	close(l.moved)
	l.moved = make(chan struct{})
}

// WaitFor gives up after 5 ms, as a follower does after its own bound.
func (l *line) WaitFor(ctx context.Context, rev int64) error {
	for {
		l.mu.Lock()
		have, moved := l.rev, l.moved
		l.asked[rev] = true
		l.mu.Unlock()
		if have >= rev {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
			return feed.ErrStale
		}
	}
}

func keeper(t *testing.T, b byte, f consistency.Feed, bound time.Duration) *consistency.Keeper {
	t.Helper()
	keys, err := crypt.NewKeys(bytes.Repeat([]byte{b}, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return consistency.New(keys, f, bound)
}

func TestAwait(t *testing.T) {
	l := newLine(7)
	k := keeper(t, 1, l, 50*time.Millisecond)
	token := k.Token("acc_a", 9)
	if strings.ContainsAny(token, "=+/ ") || len(token) > 64 {
		t.Error(token)
	}
	if err := k.Await(t.Context(), "acc_a", k.Token("acc_a", 0)); err != nil {
		t.Error("what this node has:", err)
	}
	begun := time.Now()
	err := k.Await(t.Context(), "acc_a", token)
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != consistency.CodeBehind || f.Kind != fault.Conflict || len(f.Facts) != 2 || f.Facts[0].Value != 7 || f.Facts[1].Value != 9 {
		t.Errorf("%v", err)
	}
	if took := time.Since(begun); took < 50*time.Millisecond {
		t.Errorf("waited %v", took)
	}
	k = keeper(t, 1, l, time.Minute)
	go func() { time.Sleep(15 * time.Millisecond); l.move(8); l.move(9) }()
	if err := k.Await(t.Context(), "acc_a", token); err != nil {
		t.Error("it caught up:", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := k.Await(ctx, "acc_a", k.Token("acc_a", 99)); !errors.Is(err, context.Canceled) {
		t.Error("the client has gone:", err)
	}
}

func TestTokensAreBound(t *testing.T) {
	l := newLine(7)
	k := keeper(t, 1, l, time.Second)
	token := k.Token("acc_a", 5)
	changed := []byte(token)
	changed[10] ^= 1
	for name, err := range map[string]error{
		"another account":    k.Await(t.Context(), "acc_b", token),
		"another deployment": keeper(t, 2, l, time.Second).Await(t.Context(), "acc_a", token),
		"changed":            k.Await(t.Context(), "acc_a", string(changed)),
		"cut":                k.Await(t.Context(), "acc_a", token[:len(token)-1]),
		"empty":              k.Await(t.Context(), "acc_a", ""),
		"a number":           k.Await(t.Context(), "acc_a", "5"),
		"long":               k.Await(t.Context(), "acc_a", strings.Repeat(token, 4)),
	} {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A node that lags keeps only so many questions waiting, and one account cannot take all places.
func TestWaitersAreBounded(t *testing.T) {
	l := newLine(1)
	k := keeper(t, 1, l, 5*time.Minute)
	var group sync.WaitGroup
	var atOnce atomic.Int32
	for range 200 {
		token := k.Token("acc_a", 2)
		group.Go(func() {
			if err := k.Await(t.Context(), "acc_a", token); err != nil {
				atOnce.Add(1)
			}
		})
	}
	eventually(t, "72 to be answered", func() bool { return atOnce.Load() == 72 }) // the others wait, then
	other := make(chan error, 1)
	go func() { other <- k.Await(t.Context(), "acc_b", k.Token("acc_b", 3)) }()
	eventually(t, "the other account to wait", func() bool { return l.awaited(3) })
	l.move(3)
	group.Wait()
	if n := atOnce.Load(); n != 72 {
		t.Errorf("%d were turned away, want 72", n)
	}
	if err := <-other; err != nil {
		t.Error("the other account:", err)
	}
	if err := k.Await(t.Context(), "acc_a", k.Token("acc_a", 2)); err != nil {
		t.Error("afterwards:", err)
	}
}

type world struct{}

func (world) ByHost(host string) (ident.AccountID, bool) {
	return ident.AccountID("acc_" + strings.TrimSuffix(host, ".example")), true
}
func (world) OriginAllowed(ident.AccountID, string) bool             { return false }
func (world) Allow(web.LimitClass, netip.Addr) (time.Duration, bool) { return 0, true }
func (world) Verify(_ context.Context, account ident.AccountID, _ string) (actor.Actor, error) {
	return actor.Actor{Kind: actor.User, Account: account, ID: "u"}, nil
}

func TestRoutes(t *testing.T) {
	l := newLine(3)
	k := keeper(t, 1, l, 20*time.Millisecond)
	base := web.Route{Auth: web.Bearer, Permission: "self", Scope: web.Account, Limit: web.LimitNone, CORS: web.NoCORS}
	route := func(method, path string, h web.Handler) web.Route {
		r := base
		r.Method, r.Pattern, r.Handler = method, path, h
		return r
	}
	ok := func(w http.ResponseWriter, r *http.Request) error { return web.JSONBytes(w, 200, []byte("{}")) }
	write := func(rev int64, status int) web.Handler {
		return func(w http.ResponseWriter, r *http.Request) error {
			tx.NoteRevision(r.Context(), rev-1)
			tx.NoteRevision(r.Context(), rev)
			tx.NoteRevision(r.Context(), rev-2)
			if status != 0 {
				w.WriteHeader(status)
			}
			return nil
		}
	}
	routes := append(k.Questions([]web.Route{route("GET", "/v1/q", ok), route("POST", "/v1/q", ok)}),
		k.Writes([]web.Route{route("POST", "/v1/w", write(5, 204)), route("PUT", "/v1/w", write(5, 0)), route("GET", "/v1/w", ok),
			route("DELETE", "/v1/w", func(http.ResponseWriter, *http.Request) error { return fault.New(fault.Forbidden, "", "no") }),
			route("PATCH", "/v1/w", write(0, 0))})...)
	router, err := web.NewRouter(web.Deps{Accounts: world{}, Tokens: world{}, Origins: world{}, Limiter: world{}, Clock: clock.NewSystem(), Log: slog.New(slog.DiscardHandler)}, routes)
	if err != nil {
		t.Fatal(err)
	}
	call := func(method, url string, tokens ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, url, nil)
		r.RequestURI = strings.TrimPrefix(url, "https://"+r.Host)
		r.Header.Set("Authorization", "Bearer x")
		for _, token := range tokens {
			r.Header.Add(consistency.Header, token)
		}
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		return w
	}
	for _, test := range []struct {
		method, path string
		token        bool
	}{{"POST", "w", true}, {"PUT", "w", true}, {"PATCH", "w", true}, {"GET", "w", false}, {"DELETE", "w", false}, {"GET", "q", false}, {"POST", "q", false}} {
		if got := call(test.method, "https://a.example/v1/"+test.path).Header().Get(consistency.Header); (got != "") != test.token {
			t.Errorf("%s %s: token %q", test.method, test.path, got)
		}
	}
	token := call("POST", "https://a.example/v1/w").Header().Get(consistency.Header)
	behind := call("GET", "https://a.example/v1/q", token)
	var body struct {
		ErrorCode        string
		Revision, Wanted int64
	}
	if err := json.Unmarshal(behind.Body.Bytes(), &body); err != nil || behind.Code != 409 || body.ErrorCode != "Behind" || body.Revision != 3 || body.Wanted != 5 {
		t.Errorf("%d %s", behind.Code, behind.Body)
	}
	l.move(5)
	for name, test := range map[string]struct {
		got, want int
	}{
		"header":          {call("GET", "https://a.example/v1/q", token).Code, 200},
		"query":           {call("GET", "https://a.example/v1/q?consistency="+token).Code, 200},
		"a write":         {call("POST", "https://a.example/v1/w", token).Code, 204},
		"both":            {call("GET", "https://a.example/v1/q?consistency="+token, token).Code, 400},
		"twice":           {call("GET", "https://a.example/v1/q", token, token).Code, 400},
		"another account": {call("GET", "https://b.example/v1/q", token).Code, 400},
		"garbage":         {call("GET", "https://a.example/v1/q?consistency=x").Code, 400},
		"empty":           {call("GET", "https://a.example/v1/q", "").Code, 400},
	} {
		if test.got != test.want {
			t.Errorf("%s: %d, want %d", name, test.got, test.want)
		}
	}
}
