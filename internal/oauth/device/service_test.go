package device_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/device"
	"github.com/admit-id/admit/internal/oauth/device/devicedb"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/session/sessiontest"
)

type clients map[string]oauth.Client

func (c clients) Client(_ context.Context, _ ident.AccountID, id string) (oauth.Client, error) {
	if found, ok := c[id]; ok {
		return found, nil
	}
	return oauth.Client{}, oauth.Fail(oauth.InvalidClient, "No.")
}

type world struct {
	*testing.T
	db       *sqldb.DB
	clk      *clock.Fake
	s        *device.Service
	sessions *session.Service
	clients  clients
}

func tv(id string) oauth.Client {
	return oauth.Client{Account: "a", ID: id, Name: "TV", Settings: application.OAuth{GrantTypes: []string{device.GrantType}}.Filled()}
}

func each(t *testing.T, fn func(w world)) {
	migrations := slices.Concat(devicedb.Migrations(), sessiondb.Migrations(), ratelimit.Migrations())
	sqldbtest.Each(t, migrations, func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		w := world{T: t, db: db, clk: clk, clients: clients{"app_tv": tv("app_tv"), "app_two": tv("app_two")}}
		w.sessions = session.New(session.Deps{DB: db, Store: sessiondb.Store{}, Tokens: sessiondb.Store{}, Chains: sessiondb.Store{}, Keys: sessiontest.Keys()})
		w.s = device.New(device.Deps{
			DB: db, Store: devicedb.Store{}, Keys: keys, Clients: w.clients, Sessions: w.sessions,
			Enough: func(_ context.Context, _ tx.Tx, _ login.Visit, _ session.Session, app ident.ApplicationID) (bool, error) {
				return app != "app_strict", nil
			},
		})
		fn(w)
	})
}

func (w world) start(change func(*device.Request)) device.Started {
	w.Helper()
	r := device.Request{Client: w.clients["app_tv"], Scopes: []string{"openid"}}
	if change != nil {
		change(&r)
	}
	got, err := w.s.Start(w.Context(), actor.Actor{Account: "a"}, r)
	if err != nil {
		w.Fatal(err)
	}
	return got
}

func (w world) signIn(user ident.UserID) login.Visit {
	w.Helper()
	v := login.Visit{Account: "a", Actor: actor.Actor{Account: "a"}}
	err := w.db.Write(w.Context(), tx.In("a"), func(ctx context.Context, t tx.Tx) (err error) {
		_, v.Session, err = w.sessions.Start(ctx, t, session.NewSession{
			Actor: v.Actor, User: user, Evidence: session.Evidence{Method: "email", Connection: "con_email", Issuer: "i", Subject: "s", At: t.Now()},
		})
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return v
}

func (w world) enter(v login.Visit, network, code string) device.Entered {
	w.Helper()
	got, err := w.s.Enter(w.Context(), v, network, code)
	if err != nil {
		w.Fatal(err)
	}
	return got
}

func (w world) approve(v login.Visit, s device.Started, user ident.UserID) {
	w.Helper()
	e := w.enter(v, "n", s.UserCode)
	if out, err := w.s.Decide(w.Context(), v, e.ID, user, true); err != nil || out != device.Done {
		w.Fatal(out, err)
	}
}

func (w world) bind(s device.Started) device.Bindings {
	return device.Bind(w.clients["app_tv"], s.DeviceCode.Reveal(), "", "", "")
}

func (w world) poll(b device.Bindings, want oauth.Code) {
	w.Helper()
	if err := w.s.Poll(w.Context(), b); oauth.CodeOf(err) != want || (want == "") != (err == nil) {
		w.Errorf("poll: %v, want %q", err, want)
	}
}

func (w world) take(b device.Bindings) (got oauth.Authorization, err error) {
	err = w.db.Write(w.Context(), tx.In(b.Account), func(ctx context.Context, t tx.Tx) error {
		got, err = w.s.Take(ctx, t, b)
		return err
	})
	return got, err
}

func TestGrant(t *testing.T) {
	each(t, func(w world) {
		s := w.start(nil)
		if len(s.UserCode) != 9 || s.UserCode[4] != '-' || strings.Trim(s.UserCode, "BCDFGHJKLMNPQRSTVWXZ-") != "" || len(s.DeviceCode.Reveal()) < 43 {
			t.Fatalf("%+v", s)
		}
		b := w.bind(s)
		w.poll(b, oauth.AuthorizationPending)
		w.clk.Advance(2 * time.Second)
		w.poll(b, oauth.SlowDown)
		w.clk.Advance(9 * time.Second)
		w.poll(b, oauth.SlowDown) // the interval is 10 s now, and 15 s after this
		w.clk.Advance(15 * time.Second)
		w.poll(b, oauth.AuthorizationPending)

		nobody := login.Visit{Account: "a", Actor: actor.Actor{Account: "a"}}
		e := w.enter(nobody, "n", " "+strings.ToLower(strings.ReplaceAll(s.UserCode, "-", ""))+" ")
		if e.Outcome != device.Found {
			t.Fatalf("%+v", e)
		}
		view, err := w.s.View(t.Context(), nobody, e.ID)
		if err != nil || view.Outcome != device.SignIn || view.Client.ID != "app_tv" {
			t.Fatalf("%+v %v", view, err)
		}
		if out, err := w.s.Decide(t.Context(), nobody, e.ID, "", true); err != nil || out != device.SignIn {
			t.Fatal("approved by nobody", out, err)
		}
		ann := w.signIn("u_ann")
		view, err = w.s.View(t.Context(), ann, e.ID)
		if err != nil || view.Outcome != device.Found || view.UserCode != s.UserCode || view.User != "u_ann" {
			t.Fatalf("%+v %v", view, err)
		}
		w.poll(b, oauth.SlowDown)
		if out, err := w.s.Decide(t.Context(), ann, e.ID, "u_bob", true); err != nil || out != device.SignIn {
			t.Fatal("approved for the person of another page", out, err)
		}
		if out, err := w.s.Decide(t.Context(), ann, e.ID, "u_ann", true); err != nil || out != device.Done {
			t.Fatal(out, err)
		}
		if out, err := w.s.Decide(t.Context(), ann, e.ID, "u_ann", false); err != nil || out != device.Gone {
			t.Fatal("decided twice", out, err)
		}
		if view, err = w.s.View(t.Context(), ann, e.ID); err != nil || view.Outcome != device.Gone {
			t.Fatal(view, err)
		}
		w.poll(device.Bind(w.clients["app_two"], s.DeviceCode.Reveal(), "", "", ""), oauth.InvalidGrant)
		if _, err := w.take(device.Bind(w.clients["app_two"], s.DeviceCode.Reveal(), "", "", "")); oauth.CodeOf(err) != oauth.InvalidGrant {
			t.Fatal("taken by another client", err)
		}
		w.poll(b, "")
		got, err := w.take(b)
		if err != nil || got.User != "u_ann" || got.Client != "app_tv" || got.ACR != "urn:admit:aal1" || got.AuthTime.IsZero() || got.Session == "" || got.Root == "" || got.Grant == "" {
			t.Fatalf("%+v %v", got, err)
		}
		w.poll(b, oauth.InvalidGrant)
		if _, err := w.take(b); oauth.CodeOf(err) != oauth.InvalidGrant {
			t.Fatal(err)
		}
	})
}

func TestRefusals(t *testing.T) {
	each(t, func(w world) {
		ann := w.signIn("u_ann")
		// Denied.
		s := w.start(nil)
		if out, err := w.s.Decide(t.Context(), ann, w.enter(ann, "n", s.UserCode).ID, "u_ann", false); err != nil || out != device.Done {
			t.Fatal(out, err)
		}
		w.poll(w.bind(s), oauth.AccessDenied)
		if _, err := w.take(w.bind(s)); oauth.CodeOf(err) != oauth.InvalidGrant {
			t.Error(err)
		}
		// Who has signed out since has taken it back.
		s = w.start(nil)
		w.approve(ann, s, "u_ann")
		if _, err := w.sessions.EndCookie(t.Context(), ann.Actor, ann.Session); err != nil {
			t.Fatal(err)
		}
		if _, err := w.take(w.bind(s)); oauth.CodeOf(err) != oauth.InvalidGrant {
			t.Error("a yes outlives its session", err)
		}
		// The verifier, in both directions.
		sum := sha256.Sum256([]byte("verifier"))
		bob := w.signIn("u_bob")
		s = w.start(func(r *device.Request) {
			r.Challenge, r.ChallengeMethod = base64.RawURLEncoding.EncodeToString(sum[:]), "S256"
		})
		w.approve(bob, s, "u_bob")
		for _, verifier := range []string{"", "other"} {
			if _, err := w.take(device.Bind(w.clients["app_tv"], s.DeviceCode.Reveal(), verifier, "", "")); oauth.CodeOf(err) != oauth.InvalidGrant {
				t.Errorf("%q: %v", verifier, err)
			}
		}
		if _, err := w.take(device.Bind(w.clients["app_tv"], s.DeviceCode.Reveal(), "verifier", "", "")); err != nil {
			t.Error(err)
		}
		for _, bad := range [][2]string{{"", "S256"}, {strings.Repeat("a", 43), ""}, {strings.Repeat("a", 43), "plain"}, {strings.Repeat("a", 42), "S256"}, {strings.Repeat("a", 43), "s256"}} {
			_, err := w.s.Start(t.Context(), actor.Actor{Account: "a"}, device.Request{Client: w.clients["app_tv"], Challenge: bad[0], ChallengeMethod: bad[1]})
			if oauth.CodeOf(err) != oauth.InvalidRequest {
				t.Errorf("%q: %v", bad, err)
			}
		}
		// A client that is gone, or has not the grant.
		s = w.start(nil)
		e := w.enter(bob, "n", s.UserCode)
		delete(w.clients, "app_tv")
		if view, err := w.s.View(t.Context(), bob, e.ID); err != nil || view.Outcome != device.Gone {
			t.Error(view, err)
		}
		if out, err := w.s.Decide(t.Context(), bob, e.ID, "u_bob", true); err != nil || out != device.Gone {
			t.Error(out, err)
		}
		w.clients["app_tv"] = tv("app_tv")
		web := oauth.Client{Account: "a", ID: "app_web", Settings: application.OAuth{}.Filled()}
		if _, err := w.s.Start(t.Context(), actor.Actor{Account: "a"}, device.Request{Client: web}); oauth.CodeOf(err) != oauth.UnauthorizedClient {
			t.Error(err)
		}
		// Too late, on both sides.
		s = w.start(nil)
		e = w.enter(bob, "n", s.UserCode)
		w.clk.Advance(device.Life)
		w.poll(w.bind(s), oauth.ExpiredToken)
		if w.enter(bob, "n", s.UserCode).Outcome != device.Unknown {
			t.Error("an expired code is found")
		}
		if out, err := w.s.Decide(t.Context(), bob, e.ID, "u_bob", true); err != nil || out != device.Gone {
			t.Error(out, err)
		}
		for _, code := range []string{"", "adc_", s.DeviceCode.Reveal() + "x", s.UserCode} {
			w.poll(device.Bind(w.clients["app_tv"], code, "", "", ""), oauth.InvalidGrant)
		}
		w.clk.Advance(device.Life + time.Second)
		if n, err := w.s.Purge(t.Context(), 100); err != nil || n == 0 {
			t.Error(n, err)
		}
		w.poll(w.bind(s), oauth.InvalidGrant)
	})
}

// Guesses are counted before they are compared; right ones do not count.
func TestGuesses(t *testing.T) {
	each(t, func(w world) {
		ann := w.signIn("u_ann")
		s := w.start(nil)
		for range 3 * device.NetworkLimit.Burst {
			if w.enter(ann, "good", s.UserCode).Outcome != device.Found {
				t.Fatal("right codes are held back")
			}
		}
		for range device.NetworkLimit.Burst {
			if got := w.enter(ann, "bad", "BBBB-BBBB"); got.Outcome != device.Unknown {
				t.Fatal(got)
			}
		}
		if got := w.enter(ann, "bad", s.UserCode); got.Outcome != device.Limited || got.Retry <= 0 || got.ID != "" {
			t.Fatalf("a guess too many is compared: %+v", got)
		}
		if w.enter(ann, "good", s.UserCode).Outcome != device.Found {
			t.Error("another network is held back")
		}
		for _, typed := range []string{"", "AAAA-AAAA", "BBBB-BBB", "BBBB-BBBBB", "BBBB BBBB", "ＢＢＢＢ", strings.Repeat("B", 65), "BBBB-BB\x00B"} {
			if got := w.enter(ann, "bad", typed); got.Outcome != device.Unknown {
				t.Errorf("%q: %+v", typed, got)
			}
		}
		var refused atomic.Int32
		var all sync.WaitGroup
		for range 40 {
			all.Go(func() {
				if got, err := w.s.Enter(t.Context(), ann, "race", "CCCC-CCCC"); err == nil && got.Outcome == device.Limited {
					refused.Add(1)
				}
			})
		}
		all.Wait()
		if n := int(refused.Load()); n != 40-device.NetworkLimit.Burst {
			t.Errorf("%d of 40 at once were refused", n)
		}
	})
}

func TestClean(t *testing.T) {
	for typed, want := range map[string]string{
		"BCDF-GHJK": "BCDFGHJK", "bcdfghjk": "BCDFGHJK", "b-c-d-f-ghjk": "BCDFGHJK", "ＢＣＤＦ－ｇｈｊｋ": "BCDFGHJK", "BCDF_GHJK": "", "BCDF.GHJK": "", "ACDFGHJK": "", "BСDFGHJK": "",
	} {
		if got, ok := device.Clean(typed); got != want || ok != (want != "") {
			t.Errorf("%q: %q", typed, got)
		}
	}
}

// A hundred redemptions at once of one device code: exactly one succeeds.
func TestRace(t *testing.T) {
	each(t, func(w world) {
		s := w.start(nil)
		w.approve(w.signIn("u_ann"), s, "u_ann")
		var won, lost, other atomic.Int32
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				switch _, err := w.take(w.bind(s)); {
				case err == nil:
					won.Add(1)
				case oauth.CodeOf(err) == oauth.InvalidGrant:
					lost.Add(1)
				default:
					other.Add(1)
					t.Log(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 || lost.Load() != 99 || other.Load() != 0 {
			t.Fatalf("%d won, %d lost, %d failed", won.Load(), lost.Load(), other.Load())
		}
	})
}

// Two people who decide at once about one device: one decision stands.
func TestRaceOfDecisions(t *testing.T) {
	each(t, func(w world) {
		s := w.start(nil)
		visits := []login.Visit{w.signIn("u1"), w.signIn("u2")}
		id := w.enter(visits[0], "n", s.UserCode).ID
		var done atomic.Int32
		var all sync.WaitGroup
		for n := range 20 {
			all.Go(func() {
				user := []ident.UserID{"u1", "u2"}[n%2]
				out, err := w.s.Decide(t.Context(), visits[n%2], id, user, n < 10)
				if err != nil && !fault.Is(err, fault.Unavailable) {
					t.Error(err)
				}
				if out == device.Done {
					done.Add(1)
				}
			})
		}
		all.Wait()
		if done.Load() != 1 {
			t.Fatalf("%d decisions", done.Load())
		}
	})
}

// A session that is less than the policy demands for the client says yes to nothing: the person signs in first.
func TestPolicy(t *testing.T) {
	each(t, func(w world) {
		strict := tv("app_strict")
		strict.Application = "app_strict"
		w.clients["app_strict"] = strict
		ann := w.signIn("u_ann")
		s := w.start(func(r *device.Request) { r.Client = strict })
		e := w.enter(ann, "n", s.UserCode)
		if view, err := w.s.View(t.Context(), ann, e.ID); err != nil || view.Outcome != device.SignIn {
			t.Errorf("%+v %v", view, err)
		}
		if out, err := w.s.Decide(t.Context(), ann, e.ID, "u_ann", true); err != nil || out != device.SignIn {
			t.Error(out, err)
		}
		w.poll(device.Bind(strict, s.DeviceCode.Reveal(), "", "", ""), oauth.AuthorizationPending)
	})
}
