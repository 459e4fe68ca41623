// Package logintest owns the suite that the stores of package login must pass.
package logintest

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
)

// Stores are what is tested together.
type Stores struct {
	Requests  login.Store
	Artifacts login.Artifacts
	Grants    login.Grants
	DB        tx.Runner
	Clock     *clock.Fake
}

// RunStore runs the suite. Open returns empty stores.
func RunStore(t *testing.T, open func(t *testing.T) Stores) {
	t.Run("request", func(t *testing.T) { testRequest(t, open(t)) })
	t.Run("finish", func(t *testing.T) { testFinish(t, open(t)) })
	t.Run("prove", func(t *testing.T) { testProve(t, open(t)) })
	t.Run("revive", func(t *testing.T) { testRevive(t, open(t)) })
	t.Run("code", func(t *testing.T) { testCode(t, open(t)) })
	t.Run("code race", func(t *testing.T) { testCodeRace(t, open(t)) })
	t.Run("leg", func(t *testing.T) { testLeg(t, open(t)) })
	t.Run("proof", func(t *testing.T) { testProof(t, open(t)) })
	t.Run("setup", func(t *testing.T) { testSetup(t, open(t)) })
	t.Run("wish", func(t *testing.T) { testWish(t, open(t)) })
	t.Run("purge", func(t *testing.T) { testPurge(t, open(t)) })
}

func (s Stores) do(fn func(ctx context.Context, t tx.Tx) error) error {
	return s.DB.Write(context.Background(), tx.System(), fn)
}

func (s Stores) must(t *testing.T, fn func(ctx context.Context, t tx.Tx) error) {
	t.Helper()
	if err := s.do(fn); err != nil {
		t.Fatal(err)
	}
}

// changes runs a method that tells whether it changed something.
func (s Stores) changes(t *testing.T, want bool, fn func(ctx context.Context, t tx.Tx) (bool, error)) {
	t.Helper()
	s.must(t, func(ctx context.Context, tt tx.Tx) error {
		got, err := fn(ctx, tt)
		if got != want {
			t.Errorf("changed: %v; want %v", got, want)
		}
		return err
	})
}

func (s Stores) build(id ident.LoginID) login.Request {
	return login.Request{
		Account: "a", ID: id, Application: "app", RedirectURL: "https://app.example/?x=1", Challenge: "challenge",
		Connection: "con_x", Properties: map[string]string{"k": "v"}, Audiences: []string{"aud"}, Scopes: []string{"one", "two"},
		ResponseLocation: "query", FlowType: "token id_token", MultiAccount: true, Twin: true, Setup: []byte{0, 1, 2}, Return: "/device", Party: "Agent", Fresh: true, Link: "usr_1", Replaces: "old@x.example",
		CreatedAt: s.Clock.Now(), ExpiresAt: s.Clock.Now().Add(time.Hour),
	}
}

func (s Stores) insert(t *testing.T, r login.Request) {
	t.Helper()
	s.must(t, func(ctx context.Context, tt tx.Tx) error { return s.Requests.Insert(ctx, tt, r) })
}

func (s Stores) get(t *testing.T, id ident.LoginID) (r login.Request) {
	t.Helper()
	s.must(t, func(ctx context.Context, tt tx.Tx) (err error) {
		r, err = s.Requests.Get(ctx, tt, "a", id)
		return err
	})
	return r
}

func (s Stores) bind(account ident.AccountID, id ident.LoginID, browser string) func(context.Context, tx.Tx) (bool, error) {
	return func(ctx context.Context, tt tx.Tx) (bool, error) {
		return s.Requests.Bind(ctx, tt, account, id, []byte(browser))
	}
}

func testRequest(t *testing.T, s Stores) {
	r := s.build("l")
	s.insert(t, r)
	if diff := cmp.Diff(r, s.get(t, "l")); diff != "" {
		t.Fatal(diff)
	}
	err := s.do(func(ctx context.Context, tt tx.Tx) error {
		_, err := s.Requests.Get(ctx, tt, "b", "l")
		return err
	})
	if !fault.Is(err, fault.NotFound) {
		t.Errorf("another account's request: %v", err)
	}
	s.changes(t, false, s.bind("b", "l", "one"))
	s.changes(t, true, s.bind("a", "l", "one"))
	s.changes(t, true, s.bind("a", "l", "one"))
	s.changes(t, false, s.bind("a", "l", "two"))
	choose := func(browser string) func(ctx context.Context, tt tx.Tx) (bool, error) {
		return func(ctx context.Context, tt tx.Tx) (bool, error) {
			c := r
			c.Browser, c.Connection, c.Hint, c.Problem, c.Properties = []byte(browser), "con_y", "ann@x.example", login.ProblemUpstreamFailed, nil
			return s.Requests.Choose(ctx, tt, c)
		}
	}
	s.changes(t, false, choose("two"))
	s.changes(t, false, choose(""))
	s.changes(t, true, choose("one"))
	got := s.get(t, "l")
	if got.Connection != "con_y" || got.Hint != "ann@x.example" || got.Problem != login.ProblemUpstreamFailed || got.Properties != nil {
		t.Errorf("chosen: %+v", got)
	}
	s.Clock.Advance(time.Hour)
	s.changes(t, false, choose("one"))
	s.changes(t, false, s.bind("a", "l", "one"))
}

func testFinish(t *testing.T, s Stores) {
	s.insert(t, s.build("l"))
	finish := func(browser string) func(ctx context.Context, tt tx.Tx) (bool, error) {
		return func(ctx context.Context, tt tx.Tx) (bool, error) {
			return s.Requests.Finish(ctx, tt, login.Finished{Account: "a", ID: "l", Browser: []byte(browser), User: "u", Session: "s", Outcome: []byte("sealed")})
		}
	}
	s.changes(t, false, finish("one"))
	s.changes(t, false, finish(""))
	s.changes(t, true, s.bind("a", "l", "one"))
	s.changes(t, false, finish("two"))
	s.changes(t, true, finish("one"))
	s.changes(t, false, finish("one"))
	s.changes(t, false, s.bind("a", "l", "one"))
	if got := s.get(t, "l"); got.User != "u" || got.Session != "s" || !got.DoneAt.Equal(s.Clock.Now()) {
		t.Errorf("finished: %+v", got)
	}
	take := func(browser string) (out []byte, err error) {
		err = s.do(func(ctx context.Context, tt tx.Tx) error {
			out, err = s.Requests.TakeOutcome(ctx, tt, "a", "l", []byte(browser))
			return err
		})
		return out, err
	}
	if _, err := take("two"); !fault.Is(err, fault.NotFound) {
		t.Errorf("another browser took the outcome: %v", err)
	}
	if out, err := take("one"); err != nil || string(out) != "sealed" {
		t.Errorf("outcome %q, %v", out, err)
	}
	if _, err := take("one"); !fault.Is(err, fault.NotFound) {
		t.Errorf("the outcome was taken twice: %v", err)
	}
}

func testProve(t *testing.T, s Stores) {
	s.insert(t, s.build("l"))
	s.changes(t, true, s.bind("a", "l", "one"))
	mail, app := session.Evidence{Method: "email", At: s.Clock.Now().UTC()}, session.Evidence{Method: "otp", At: s.Clock.Now().UTC()}
	prove := func(browser string, who ident.UserID, before, added []session.Evidence) func(context.Context, tx.Tx) (bool, error) {
		return func(ctx context.Context, tt tx.Tx) (bool, error) {
			return s.Requests.Prove(ctx, tt, login.Proof{Account: "a", ID: "l", Browser: []byte(browser), Subject: who, Before: before, Added: added})
		}
	}
	one, two := []session.Evidence{mail}, []session.Evidence{app}
	s.changes(t, false, prove("two", "u", nil, one))
	s.changes(t, false, prove("", "u", nil, one))
	s.changes(t, false, prove("one", "", nil, one))
	s.changes(t, true, prove("one", "u", nil, one))
	s.changes(t, false, prove("one", "u", nil, one)) // that is not what it has
	s.changes(t, false, prove("one", "v", one, two))
	s.changes(t, true, prove("one", "u", one, two))
	if got := s.get(t, "l"); got.Subject != "u" || len(got.Evidence) != 2 || got.Evidence[1].Method != "otp" {
		t.Errorf("proved: %+v", got)
	}
	s.changes(t, false, func(ctx context.Context, tt tx.Tx) (bool, error) {
		r := s.build("l")
		r.Browser, r.Tenant = []byte("one"), "ten_other"
		return s.Requests.Choose(ctx, tt, r)
	})
	s.changes(t, false, func(ctx context.Context, tt tx.Tx) (bool, error) {
		return s.Requests.Finish(ctx, tt, login.Finished{Account: "a", ID: "l", Browser: []byte("one"), User: "v", Session: "s"})
	})
	s.changes(t, true, func(ctx context.Context, tt tx.Tx) (bool, error) {
		return s.Requests.Revive(ctx, tt, "a", "l", []byte("one"), s.Clock.Now().Add(time.Hour))
	})
	if got := s.get(t, "l"); got.Subject != "" || got.Evidence != nil {
		t.Errorf("opened again with what was proved: %+v", got)
	}
}

func testRevive(t *testing.T, s Stores) {
	s.insert(t, s.build("l"))
	s.changes(t, true, s.bind("a", "l", "one"))
	s.Clock.Advance(2 * time.Hour)
	revive := func(browser string) func(ctx context.Context, tt tx.Tx) (bool, error) {
		return func(ctx context.Context, tt tx.Tx) (bool, error) {
			return s.Requests.Revive(ctx, tt, "a", "l", []byte(browser), s.Clock.Now().Add(time.Hour))
		}
	}
	s.changes(t, false, revive("two"))
	s.changes(t, true, revive("one"))
	if got := s.get(t, "l"); !got.ExpiresAt.Equal(s.Clock.Now().Add(time.Hour)) || got.Challenge != "challenge" {
		t.Errorf("revived: %+v", got)
	}
	s.changes(t, true, func(ctx context.Context, tt tx.Tx) (bool, error) {
		return s.Requests.Finish(ctx, tt, login.Finished{Account: "a", ID: "l", Browser: []byte("one"), User: "u", Session: "s"})
	})
	s.changes(t, false, revive("one"))
}

func (s Stores) buildCode() login.Code {
	return login.Code{
		Account: "a", Hash: []byte{1, 0, 2}, Login: "l", Application: "app", RedirectURL: "https://app.example/", Challenge: "challenge",
		User: "u", Session: "s", ExpiresAt: s.Clock.Now().Add(time.Minute),
	}
}

func (s Stores) takeCode(c login.Code) (got login.Code, err error) {
	err = s.do(func(ctx context.Context, tt tx.Tx) error {
		got, err = s.Artifacts.TakeCode(ctx, tt, c)
		return err
	})
	return got, err
}

func testCode(t *testing.T, s Stores) {
	c := s.buildCode()
	insert := func(ctx context.Context, tt tx.Tx) error { return s.Artifacts.InsertCode(ctx, tt, c) }
	s.must(t, insert)
	for name, change := range map[string]func(*login.Code){
		"account":     func(c *login.Code) { c.Account = "b" },
		"hash":        func(c *login.Code) { c.Hash = []byte{1, 0, 3} },
		"request":     func(c *login.Code) { c.Login = "m" },
		"application": func(c *login.Code) { c.Application = "app2" },
		"redirect":    func(c *login.Code) { c.RedirectURL += "x" },
		"challenge":   func(c *login.Code) { c.Challenge = "other" },
	} {
		other := c
		change(&other)
		if _, err := s.takeCode(other); !fault.Is(err, fault.NotFound) {
			t.Errorf("taken with another %s: %v", name, err)
		}
	}
	s.Clock.Advance(59 * time.Second)
	anyLogin := c
	anyLogin.Login, anyLogin.User, anyLogin.Session = "", "", ""
	got, err := s.takeCode(anyLogin)
	if diff := cmp.Diff(c, got); err != nil || diff != "" {
		t.Fatalf("%v %s", err, diff)
	}
	if _, err := s.takeCode(c); !fault.Is(err, fault.NotFound) {
		t.Errorf("taken twice: %v", err)
	}
	spent := func(c login.Code) error {
		return s.do(func(ctx context.Context, tt tx.Tx) error {
			got, err := s.Artifacts.SpentCode(ctx, tt, c)
			if err == nil && got.Session != "s" {
				t.Errorf("spent code of session %q", got.Session)
			}
			return err
		})
	}
	if err := spent(c); err != nil {
		t.Errorf("the spent code: %v", err)
	}
	other := c
	other.Challenge = "other"
	if err := spent(other); !fault.Is(err, fault.NotFound) {
		t.Errorf("the spent code under another challenge: %v", err)
	}
	c.Hash, c.ExpiresAt = []byte{9}, s.Clock.Now().Add(time.Minute)
	s.must(t, insert)
	s.Clock.Advance(time.Minute)
	if _, err := s.takeCode(c); !fault.Is(err, fault.NotFound) {
		t.Errorf("taken after its life: %v", err)
	}
	if err := spent(c); !fault.Is(err, fault.NotFound) {
		t.Errorf("an expired code counts as spent: %v", err)
	}
}

func testCodeRace(t *testing.T, s Stores) {
	c := s.buildCode()
	s.must(t, func(ctx context.Context, tt tx.Tx) error { return s.Artifacts.InsertCode(ctx, tt, c) })
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			switch _, err := s.takeCode(c); {
			case err == nil:
				won.Add(1)
			case !fault.Is(err, fault.NotFound):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d of 50 took the code; want 1", won.Load())
	}
}

func testLeg(t *testing.T, s Stores) {
	l := login.Leg{Account: "a", State: []byte("state"), Login: "l", Connection: "con_x", Browser: []byte("one"), Sealed: []byte{0, 7}, ExpiresAt: s.Clock.Now().Add(time.Minute)}
	s.must(t, func(ctx context.Context, tt tx.Tx) error { return s.Artifacts.InsertLeg(ctx, tt, l) })
	take := func(account ident.AccountID, state, browser string) (got login.Leg, err error) {
		err = s.do(func(ctx context.Context, tt tx.Tx) error {
			got, err = s.Artifacts.TakeLeg(ctx, tt, account, []byte(state), []byte(browser))
			return err
		})
		return got, err
	}
	for _, wrong := range [][3]string{{"b", "state", "one"}, {"a", "other", "one"}, {"a", "state", "two"}} {
		if _, err := take(ident.AccountID(wrong[0]), wrong[1], wrong[2]); !fault.Is(err, fault.NotFound) {
			t.Errorf("taken with %v: %v", wrong, err)
		}
	}
	s.must(t, func(ctx context.Context, tt tx.Tx) error {
		got, err := s.Artifacts.PeekLeg(ctx, tt, "a", []byte("state"))
		if got.Login != "l" || !bytes.Equal(got.Browser, l.Browser) {
			t.Errorf("peeked %+v", got)
		}
		return err
	})
	got, err := take("a", "state", "one")
	if diff := cmp.Diff(l, got); err != nil || diff != "" {
		t.Fatalf("%v %s", err, diff)
	}
	if _, err := take("a", "state", "one"); !fault.Is(err, fault.NotFound) {
		t.Errorf("taken twice: %v", err)
	}
	l.State = []byte("late")
	s.must(t, func(ctx context.Context, tt tx.Tx) error { return s.Artifacts.InsertLeg(ctx, tt, l) })
	s.Clock.Advance(time.Minute)
	if _, err := take("a", "late", "one"); !fault.Is(err, fault.NotFound) {
		t.Errorf("taken after its life: %v", err)
	}
}

func testProof(t *testing.T, s Stores) {
	use := func(account ident.AccountID, id ident.LoginID) (former ident.LoginID) {
		s.must(t, func(ctx context.Context, tt tx.Tx) (err error) {
			former, err = s.Artifacts.UseProof(ctx, tt, account, []byte("proof"), id, s.Clock.Now().Add(time.Minute))
			return err
		})
		return former
	}
	if got := use("a", "l1"); got != "" {
		t.Errorf("fresh, but %q", got)
	}
	if got := use("a", "l2"); got != "l1" {
		t.Errorf("used by l1, but %q", got)
	}
	if got := use("b", "l3"); got != "" {
		t.Errorf("another account's: %q", got)
	}
}

func testSetup(t *testing.T, s Stores) {
	alive := func(hash string) func(ctx context.Context, tt tx.Tx) (bool, error) {
		return func(ctx context.Context, tt tx.Tx) (bool, error) {
			return s.Grants.SetupAlive(ctx, tt, "a", []byte(hash))
		}
	}
	take := func(account ident.AccountID, hash string) func(ctx context.Context, tt tx.Tx) (bool, error) {
		return func(ctx context.Context, tt tx.Tx) (bool, error) {
			return s.Grants.TakeSetup(ctx, tt, account, []byte(hash))
		}
	}
	put := func(hash string) {
		s.must(t, func(ctx context.Context, tt tx.Tx) error {
			return s.Grants.PutSetup(ctx, tt, "a", []byte(hash), s.Clock.Now().Add(time.Hour))
		})
	}
	put("one")
	put("two")
	s.changes(t, false, alive("one"))
	s.changes(t, false, take("a", "one"))
	s.changes(t, false, take("b", "two"))
	s.changes(t, true, alive("two"))
	s.changes(t, true, take("a", "two"))
	s.changes(t, false, alive("two"))
	s.changes(t, false, take("a", "two"))
	put("three")
	s.Clock.Advance(time.Hour)
	s.changes(t, false, take("a", "three"))
}

func testWish(t *testing.T, s Stores) {
	want := login.Wish{Audiences: []string{"x"}, Scopes: []string{"y"}}
	var got, other login.Wish
	s.must(t, func(ctx context.Context, tt tx.Tx) error {
		if err := s.Grants.PutWish(ctx, tt, "a", "root", "app", login.Wish{Audiences: []string{"old"}}); err != nil {
			return err
		}
		err := s.Grants.PutWish(ctx, tt, "a", "root", "app", want)
		if err == nil {
			got, err = s.Grants.Wish(ctx, tt, "a", "root", "app")
		}
		if err == nil {
			other, err = s.Grants.Wish(ctx, tt, "a", "root", "app2")
		}
		return err
	})
	if diff := cmp.Diff([]login.Wish{want, {}}, []login.Wish{got, other}); diff != "" { // what holds when it is committed
		t.Error(diff)
	}
}

func testPurge(t *testing.T, s Stores) {
	s.insert(t, s.build("l1"))
	s.insert(t, s.build("l2"))
	s.must(t, func(ctx context.Context, tt tx.Tx) error { return s.Artifacts.InsertCode(ctx, tt, s.buildCode()) })
	s.Clock.Advance(2 * time.Hour)
	s.insert(t, s.build("l3"))
	for _, want := range []int64{2, 1, 0} {
		s.must(t, func(ctx context.Context, tt tx.Tx) error {
			n, err := s.Requests.Purge(ctx, tt, s.Clock.Now(), 1)
			if n != want {
				t.Errorf("purged %d; want %d", n, want)
			}
			return err
		})
	}
	s.get(t, "l3")
}
