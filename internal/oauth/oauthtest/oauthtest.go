// Package oauthtest owns the suite that the stores of the authorization server must pass.
package oauthtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// Stores are what the pipeline keeps.
type Stores struct {
	oauth.Codes
	oauth.Grants
	oauth.Opaques
	oauth.Janitor
}

// Open returns empty stores, the runner of their units of work and their clock.
type Open func(t *testing.T) (Stores, tx.Runner, *clock.Fake)

// Run runs the suite.
func Run(t *testing.T, open Open) {
	t.Run("codes", func(t *testing.T) { testCodes(t, open) })
	t.Run("grants", func(t *testing.T) { testGrants(t, open) })
	t.Run("end", func(t *testing.T) { testEnd(t, open) })
	t.Run("opaque", func(t *testing.T) { testOpaque(t, open) })
}

type harness struct {
	*testing.T
	Stores
	db  tx.Runner
	clk *clock.Fake
}

func start(t *testing.T, open Open) harness {
	s, db, clk := open(t)
	return harness{t, s, db, clk}
}

func (h harness) write(fn func(ctx context.Context, t tx.Tx) error) error {
	return h.db.Write(context.Background(), tx.In("a"), fn)
}

func (h harness) must(fn func(ctx context.Context, t tx.Tx) error) {
	h.Helper()
	if err := h.write(fn); err != nil {
		h.Fatal(err)
	}
}

func authorization(now time.Time) oauth.Authorization {
	return oauth.Authorization{
		Grant: "gra_1", Account: "a", Client: "app", User: "u", Session: "s2", Root: "s1", Connection: "con", Scopes: []string{"openid", "x"},
		Resources: []string{"https://r"}, Details: []byte(`[{"type":"t"}]`), Claims: []byte(`{"userinfo":{}}`), Nonce: "n", AuthTime: now.UTC(),
		AMR: []string{"email"}, ACR: "1", JKT: "j", X5T: "x", Actor: []byte(`{"sub":"c"}`),
	}
}

func testCodes(t *testing.T, open Open) {
	h := start(t, open)
	code := oauth.AuthorizationCode{Hash: []byte("h"), RedirectURI: "https://b", Challenge: "c", Authorization: authorization(h.clk.Now()), ExpiresAt: h.clk.Now().Add(time.Minute)}
	h.must(func(ctx context.Context, t tx.Tx) error { return h.InsertCode(ctx, t, code) })
	take := func(c oauth.AuthorizationCode) (got oauth.AuthorizationCode, err error) {
		err = h.write(func(ctx context.Context, t tx.Tx) (err error) {
			got, err = h.TakeCode(ctx, t, c)
			return err
		})
		return got, err
	}
	wrong := map[string]func(*oauth.AuthorizationCode){
		"account": func(c *oauth.AuthorizationCode) { c.Account = "b" }, "hash": func(c *oauth.AuthorizationCode) { c.Hash = []byte("i") },
		"client": func(c *oauth.AuthorizationCode) { c.Client = "other" }, "redirect": func(c *oauth.AuthorizationCode) { c.RedirectURI += "/" },
		"challenge": func(c *oauth.AuthorizationCode) { c.Challenge = "d" }, "key": func(c *oauth.AuthorizationCode) { c.JKT = "k" },
		"no key": func(c *oauth.AuthorizationCode) { c.JKT = "" },
	}
	for name, change := range wrong {
		c := code
		change(&c)
		if _, err := take(c); !fault.Is(err, fault.NotFound) {
			h.Errorf("another %s: %v", name, err)
		}
	}
	spent := func(c oauth.AuthorizationCode) error {
		return h.write(func(ctx context.Context, t tx.Tx) error {
			_, err := h.SpentCode(ctx, t, c)
			return err
		})
	}
	if err := spent(code); !fault.Is(err, fault.NotFound) {
		h.Error("spent before its use", err)
	}
	got, err := take(code)
	if err != nil {
		h.Fatal(err)
	}
	if d := cmp.Diff(code.Authorization, got.Authorization); d != "" {
		h.Error(d)
	}
	if _, err := take(code); !fault.Is(err, fault.NotFound) {
		h.Error("taken twice", err)
	}
	if err := spent(code); err != nil {
		h.Error(err)
	}
	for name, change := range wrong {
		c := code
		change(&c)
		if err := spent(c); !fault.Is(err, fault.NotFound) {
			h.Errorf("spent with another %s: %v", name, err)
		}
	}
	late := code
	late.Hash = []byte("late")
	h.must(func(ctx context.Context, t tx.Tx) error { return h.InsertCode(ctx, t, late) })
	h.clk.Advance(time.Minute)
	if _, err := take(late); !fault.Is(err, fault.NotFound) {
		h.Error("taken after its expiry", err)
	}
	// The end of what a client holds is the end of its codes, and of nobody else's.
	for i, c := range []struct {
		ends oauth.Selection
		gone bool
	}{
		{oauth.Selection{Account: "b", Client: code.Client}, false}, {oauth.Selection{Account: "a", Client: "other"}, false}, {oauth.Selection{Account: "a", Client: code.Client, User: "x"}, false},
		{oauth.Selection{Account: "a", Client: code.Client, User: code.User}, true}, {oauth.Selection{Account: "a", Client: code.Client}, true},
	} {
		one := code
		one.Hash, one.ExpiresAt = []byte{byte(i), 9}, h.clk.Now().Add(time.Minute)
		h.must(func(ctx context.Context, t tx.Tx) error { return h.InsertCode(ctx, t, one) })
		h.must(func(ctx context.Context, t tx.Tx) error {
			_, err := h.EndGrants(ctx, t, c.ends, 10)
			return err
		})
		if _, err := take(one); fault.Is(err, fault.NotFound) != c.gone {
			h.Errorf("%+v: %v", c.ends, err)
		}
	}
}

func (h harness) grant(id string, change func(*oauth.Grant)) oauth.Grant {
	h.Helper()
	g := oauth.Grant{
		Authorization: authorization(h.clk.Now()), Salt: []byte("salt"), Offline: true, Rotates: true, Version: 1, RotatedAt: h.clk.Now().UTC(),
		CreatedAt: h.clk.Now().UTC(), ExpiresAt: h.clk.Now().Add(time.Hour).UTC(), IdleUntil: h.clk.Now().Add(10 * time.Minute).UTC(),
	}
	g.Authorization.Grant, g.Nonce = id, ""
	if change != nil {
		change(&g)
	}
	h.must(func(ctx context.Context, t tx.Tx) error { return h.InsertGrant(ctx, t, g) })
	return g
}

func (h harness) use(u oauth.Use) (g oauth.Grant, err error) {
	err = h.write(func(ctx context.Context, t tx.Tx) (err error) {
		g, err = h.UseGrant(ctx, t, u)
		return err
	})
	return g, err
}

func testGrants(t *testing.T, open Open) {
	h := start(t, open)
	g := h.grant("gra_1", nil)
	read := func(account ident.AccountID, id string) (got oauth.Grant, err error) {
		err = h.db.Read(context.Background(), tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
			got, err = h.Grant(ctx, t, account, id)
			return err
		})
		return got, err
	}
	got, err := read("a", "gra_1")
	if d := cmp.Diff(g, got); d != "" || err != nil {
		h.Error(d, err)
	}
	if _, err := read("b", "gra_1"); !fault.Is(err, fault.NotFound) {
		h.Error("another account reads it", err)
	}
	good := oauth.Use{Account: "a", Grant: "gra_1", Client: "app", Version: 1, JKT: "j", X5T: "x", Salt: []byte("salt"), IdleUntil: h.clk.Now().Add(20 * time.Minute)}
	for name, change := range map[string]func(*oauth.Use){
		"account": func(u *oauth.Use) { u.Account = "b" }, "grant": func(u *oauth.Use) { u.Grant = "gra_2" }, "client": func(u *oauth.Use) { u.Client = "o" },
		"version": func(u *oauth.Use) { u.Version = 2 }, "key": func(u *oauth.Use) { u.JKT = "" }, "certificate": func(u *oauth.Use) { u.X5T = "y" },
		"salt": func(u *oauth.Use) { u.Salt = []byte("sugar") }, "no salt": func(u *oauth.Use) { u.Salt = nil },
	} {
		u := good
		change(&u)
		if _, err := h.use(u); !fault.Is(err, fault.NotFound) {
			h.Errorf("another %s: %v", name, err)
		}
	}
	next, err := h.use(good)
	if err != nil || next.Version != 2 || !next.IdleUntil.Equal(good.IdleUntil) || !next.RotatedAt.Equal(h.clk.Now()) {
		h.Errorf("%+v %v", next, err)
	}
	if _, err := h.use(good); !fault.Is(err, fault.NotFound) {
		h.Error("used twice", err)
	}
	good.Version, good.IdleUntil = 2, h.clk.Now().Add(5*time.Hour)
	if next, err = h.use(good); err != nil || !next.IdleUntil.Equal(next.ExpiresAt) {
		h.Error("it lives longer than it may", next.IdleUntil, err)
	}
	h.clk.Advance(time.Hour)
	good.Version = 3
	if _, err := h.use(good); !fault.Is(err, fault.NotFound) {
		h.Error("used after its expiry", err)
	}
	h.grant("gra_3", func(g *oauth.Grant) { g.Offline = false })
	if _, err := h.use(oauth.Use{Account: "a", Grant: "gra_3", Client: "app", Version: 1, JKT: "j", X5T: "x", Salt: []byte("salt")}); !fault.Is(err, fault.NotFound) {
		h.Error("one without refresh tokens is used", err)
	}
	h.grant("gra_4", nil)
	var mu sync.Mutex
	var all sync.WaitGroup
	won := 0
	for range 20 {
		all.Go(func() {
			_, err := h.use(oauth.Use{Account: "a", Grant: "gra_4", Client: "app", Version: 1, JKT: "j", X5T: "x", Salt: []byte("salt"), IdleUntil: h.clk.Now().Add(time.Minute)})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !fault.Is(err, fault.NotFound) {
				h.Error(err)
			}
		})
	}
	all.Wait()
	if won != 1 {
		h.Errorf("%d of 20 have won", won)
	}
}

func testEnd(t *testing.T, open Open) {
	h := start(t, open)
	for i := range 6 {
		h.grant(fmt.Sprintf("gra_%d", i), func(g *oauth.Grant) {
			switch i {
			case 1:
				g.User = "v"
			case 2:
				g.Client = "other"
			case 3:
				g.Root = "s9"
			case 4:
				g.Offline = false
			}
		})
	}
	end := func(s oauth.Selection, limit int) (n int) {
		h.Helper()
		h.must(func(ctx context.Context, t tx.Tx) error {
			ids, err := h.EndGrants(ctx, t, s, limit)
			n = len(ids)
			return err
		})
		return n
	}
	if err := h.write(func(ctx context.Context, t tx.Tx) error {
		_, err := h.EndGrants(ctx, t, oauth.Selection{Account: "a"}, 10)
		return err
	}); err == nil {
		h.Error("a selection of nothing ends everything")
	}
	for _, c := range []struct {
		s     oauth.Selection
		limit int
		want  int
	}{
		{oauth.Selection{Account: "b", All: true}, 10, 0}, {oauth.Selection{Account: "a", Root: "s1", Online: true}, 10, 1},
		{oauth.Selection{Account: "a", User: "u", Client: "other"}, 10, 1}, {oauth.Selection{Account: "a", User: "v"}, 10, 1},
		{oauth.Selection{Account: "a", Root: "s9"}, 10, 1}, {oauth.Selection{Account: "a", Grant: "gra_0"}, 10, 1}, {oauth.Selection{Account: "a", Grant: "gra_0"}, 10, 0},
		{oauth.Selection{Account: "a", All: true}, 10, 1}, {oauth.Selection{Account: "a", All: true}, 10, 0},
	} {
		if got := end(c.s, c.limit); got != c.want {
			h.Errorf("%+v: %d ended, want %d", c.s, got, c.want)
		}
	}
	if _, err := h.use(oauth.Use{Account: "a", Grant: "gra_5", Client: "app", Version: 1, JKT: "j", X5T: "x", Salt: []byte("salt"), IdleUntil: h.clk.Now().Add(time.Minute)}); !fault.Is(err, fault.NotFound) {
		h.Error("used after its end", err)
	}
	h.grant("gra_7", nil)
	h.grant("gra_8", nil)
	if got := end(oauth.Selection{Account: "a", All: true}, 1); got != 1 {
		h.Errorf("%d ended with a limit of 1", got)
	}
}

func testOpaque(t *testing.T, open Open) {
	h := start(t, open)
	o := oauth.OpaqueToken{
		Hash: []byte("h"), Authorization: authorization(h.clk.Now()), ID: "jti_1", Audience: []string{"a", "b"}, IssuedAt: h.clk.Now().UTC(), ExpiresAt: h.clk.Now().Add(time.Minute).UTC(),
	}
	h.must(func(ctx context.Context, t tx.Tx) error { return h.InsertOpaque(ctx, t, o) })
	read := func(account ident.AccountID, hash string) (got oauth.OpaqueToken, err error) {
		err = h.db.Read(context.Background(), tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
			got, err = h.Opaque(ctx, t, account, []byte(hash))
			return err
		})
		return got, err
	}
	got, err := read("a", "h")
	if d := cmp.Diff(o, got); d != "" || err != nil {
		h.Error(d, err)
	}
	for _, c := range []struct{ account, hash string }{{"b", "h"}, {"a", "i"}, {"a", ""}} {
		if _, err := read(ident.AccountID(c.account), c.hash); !fault.Is(err, fault.NotFound) {
			h.Error(c, err)
		}
	}
	h.clk.Advance(time.Minute)
	if _, err := read("a", "h"); !fault.Is(err, fault.NotFound) {
		h.Error("read after its expiry", err)
	}
	h.clk.Advance(time.Second)
	var n int64
	if err := h.db.Write(context.Background(), tx.System(), func(ctx context.Context, t tx.Tx) (err error) {
		n, err = h.Purge(ctx, t, t.Now().Add(-48*time.Hour), 10)
		return err
	}); err != nil || n != 1 {
		h.Error(n, err)
	}
}
