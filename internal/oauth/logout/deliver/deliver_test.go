package deliver_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/egress"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/logout"
	"github.com/admit-id/admit/internal/oauth/logout/deliver"
	"github.com/admit-id/admit/internal/oauth/logout/logoutdb"
	"github.com/admit-id/admit/internal/token"
)

type clients map[string]string // id -> back-channel URL

func (c clients) Client(_ context.Context, account ident.AccountID, id string) (oauth.Client, error) {
	url, ok := c[id]
	switch {
	case !ok:
		return oauth.Client{}, oauth.Fail(oauth.InvalidClient, "No.")
	case url == "later":
		return oauth.Client{}, fault.New(fault.Unavailable, "", "Not now.")
	}
	return oauth.Client{Account: account, ID: id, Settings: application.OAuth{BackchannelLogoutURL: url, IDTokenAlg: "ES256"}}, nil
}

type signer struct{}

func (signer) LogoutToken(_ context.Context, p token.LogoutParams) (token.Issued, error) {
	return token.Issued{Token: secret.New(fmt.Sprintf("%s %s %s %s %s", p.Account, p.Client, p.Subject, p.Session, p.Alg))}, nil
}

type world struct {
	*testing.T
	db      *sqldb.DB
	clk     *clock.Fake
	sender  *deliver.Sender
	clients clients
	mu      sync.Mutex
	failed  []event.Event
}

func start(t *testing.T) *world {
	w := &world{T: t, clients: clients{}}
	bus := &tx.Bus{}
	bus.Subscribe(logout.EventFailed, func(_ context.Context, _ tx.Tx, e event.Event) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.failed = append(w.failed, e)
		return nil
	})
	w.db, w.clk = sqldbtest.SQLite(t, logoutdb.Migrations(), bus)
	w.sender = &deliver.Sender{
		DB: w.db, Store: logoutdb.Store{}, Clients: w.clients, Tokens: signer{}, Log: slog.New(slog.DiscardHandler),
		HTTP: egress.New(egress.Options{Clock: w.clk, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}),
	}
	return w
}

// leave makes a delivery for a client.
func (w *world) leave(client string) {
	w.Helper()
	p := logout.Party{Account: "a", Session: "ses_1", Root: ident.SessionID("r_" + client), Client: client, User: "u1"}
	err := w.db.Write(w.Context(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
		if err := (logoutdb.Store{}).Join(ctx, t, p); err != nil {
			return err
		}
		_, err := logoutdb.Store{}.Leave(ctx, t, logout.Whose{Account: "a", Root: p.Root})
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) once(want int) {
	w.Helper()
	if n, err := w.sender.Worker().Once(w.Context()); err != nil || n != want {
		w.Fatalf("%d deliveries, want %d: %v", n, want, err)
	}
}

func (w *world) server(h http.HandlerFunc) string {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil { // read to its end, so that the server hears of who has left
			w.Error(err)
		}
		h(rw, r)
	}))
	w.Cleanup(s.Close)
	return s.URL + "/out"
}

func TestOutcomes(t *testing.T) {
	w := start(t)
	var said atomic.Value
	hits := map[string]*atomic.Int32{}
	for name, h := range map[string]http.HandlerFunc{
		"good":    func(rw http.ResponseWriter, r *http.Request) { said.Store(r.PostFormValue("logout_token")) },
		"refuses": func(rw http.ResponseWriter, r *http.Request) { http.Error(rw, strings.Repeat("x", 1<<20), 400) },
		"missing": http.NotFound,
		"redirect": func(rw http.ResponseWriter, r *http.Request) {
			http.Redirect(rw, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
	} {
		n := &atomic.Int32{}
		hits[name] = n
		w.clients[name] = w.server(func(rw http.ResponseWriter, r *http.Request) { n.Add(1); h(rw, r) })
	}
	w.clients["none"], w.clients["later"], w.clients["internal"] = "", "later", "http://10.0.0.1/out"
	for _, c := range []string{"good", "refuses", "missing", "redirect", "none", "later", "internal", "deleted"} {
		w.leave(c)
	}
	w.once(8)
	if said.Load() != "a good u1 ses_1 ES256" {
		t.Error(said.Load())
	}
	if len(w.failed) != 1 || w.failed[0].Detail["client"] != "refuses" || w.failed[0].Actor.String() != "system" {
		t.Errorf("%+v", w.failed)
	}
	w.once(0)
	w.clk.Advance(15 * time.Second)
	w.once(4) // missing, redirect, later, internal
	// They come again for an hour and a half, and then no more.
	began := w.clk.Now()
	for range 1000 {
		w.clk.Advance(15 * time.Second)
		if _, err := w.sender.Worker().Once(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(w.failed) == 5 {
			break
		}
	}
	if took := w.clk.Now().Sub(began); len(w.failed) != 5 || took < time.Hour || took > 2*time.Hour {
		t.Errorf("%d failed, after %v", len(w.failed), took)
	}
	if hits["good"].Load() != 1 || hits["refuses"].Load() != 1 || hits["redirect"].Load() == 0 || hits["missing"].Load() > deliver.MaxAttempts {
		t.Error(hits["good"].Load(), hits["refuses"].Load(), hits["redirect"].Load(), hits["missing"].Load())
	}
	w.clk.Advance(24 * time.Hour)
	w.once(0)
}

// A client that does not answer holds up nobody else, and not for long.
func TestSlow(t *testing.T) {
	w := start(t)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	var told atomic.Int32
	w.clients["slow"] = w.server(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
			if told.Load() != 1 {
				t.Error("the good one waits for the slow one")
			}
		}
	})
	w.clients["good"] = w.server(func(http.ResponseWriter, *http.Request) { told.Add(1) })
	w.leave("slow")
	w.leave("good")
	began := time.Now() //nolint:forbidigo // how long a person would wait
	w.once(2)
	if took := time.Since(began); took > deliver.Timeout+time.Minute {
		t.Error("it took", took)
	}
}

// A node that stops in the middle leaves the delivery to another.
func TestStopped(t *testing.T) {
	w := start(t)
	ctx, stop := context.WithCancel(t.Context())
	w.clients["one"] = w.server(func(_ http.ResponseWriter, r *http.Request) { stop(); <-r.Context().Done() })
	w.leave("one")
	if _, err := w.sender.Worker().Once(ctx); err != nil {
		t.Fatal(err)
	}
	w.clients["one"] = w.server(func(http.ResponseWriter, *http.Request) {})
	w.once(1)
	w.clk.Advance(24 * time.Hour)
	w.once(0)
}
