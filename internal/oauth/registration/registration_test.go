package registration_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/application/applicationdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/registration"
	"github.com/admit-id/admit/internal/oauth/registration/registrationdb"
)

var (
	stranger = actor.Actor{Account: "acc_a", RequestID: "r"}
	admin    = actor.ForOperator("acc_a")
	home     = netip.MustParseAddr("198.51.100.7")
)

func migrations() []sqldb.Migration {
	return slices.Concat(applicationdb.Migrations(), registrationdb.Migrations(), ratelimit.Migrations())
}

type rig struct {
	*registration.Service
	apps     *application.Service
	db       tx.Runner
	clock    *clock.Fake
	settings registration.Settings
}

func newRig(db *sqldb.DB, clk *clock.Fake) *rig {
	r := &rig{db: db, clock: clk, apps: application.New(db, applicationdb.Store{})}
	r.Service = registration.New(registration.Deps{
		DB: db, Tokens: registrationdb.Store{}, Limits: ratelimit.Store{}, Issuer: func(ident.AccountID) string { return "https://login.example" },
		Settings:     func(ident.AccountID) registration.Settings { return r.settings },
		Applications: func(in tx.Runner) registration.Applications { return application.New(in, applicationdb.Store{}) },
	})
	return r
}

func web() registration.Metadata {
	return registration.Metadata{RedirectURIs: []string{"https://c.example/cb"}, Name: "Client"}
}

func TestRegistration(t *testing.T) {
	sqldbtest.Each(t, migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		r := newRig(db, clk)
		ctx := t.Context()
		if _, err := r.Register(ctx, stranger, home, "", web()); !fault.Is(err, fault.NotFound) {
			t.Fatal("it is off by default:", err)
		}
		r.settings = registration.Settings{Mode: registration.Open, Scopes: []string{"openid", "mcp:tools"}}
		m := web()
		m.Scope = "openid email mcp:tools admin"
		c, err := r.Register(ctx, stranger, home, "", m)
		if err != nil {
			t.Fatal(err)
		}
		a, err := r.apps.Get(ctx, "acc_a", ident.ApplicationID(c.ClientID))
		if err != nil || !a.OAuth.ThirdParty || a.OAuth.Registered != "dynamic" || a.Name != "Client" || a.OAuth.Native {
			t.Fatal(a, err)
		}
		if c.Scope != "openid mcp:tools" || c.AuthMethod != "client_secret_basic" || c.IDTokenAlg != "RS256" || !slices.Equal(c.GrantTypes, []string{"authorization_code"}) {
			t.Fatalf("%+v", c)
		}
		if !a.OAuth.SecretMatches(c.Secret.Reveal(), clk.Now()) || c.Configuration != "https://login.example/oauth/register/"+c.ClientID {
			t.Fatalf("%+v", c)
		}
		bearer, id := c.AccessToken.Reveal(), ident.ApplicationID(c.ClientID)
		if text := fmt.Sprint(a); strings.Contains(text, bearer[4:20]) || strings.Contains(text, c.Secret.Reveal()[4:20]) {
			t.Fatal("a secret is kept")
		}

		// RFC 7592, with the client's own token alone.
		other, err := r.Register(ctx, stranger, home, "", web())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.apps.Create(ctx, admin, application.Application{ID: "app_own", Name: "Own", RedirectURLs: []string{"https://own.example/cb"}}); err != nil {
			t.Fatal(err)
		}
		for what, try := range map[string]func() error{
			"no token":           func() error { _, err := r.Read(ctx, "acc_a", id, ""); return err },
			"another's token":    func() error { _, err := r.Read(ctx, "acc_a", id, other.AccessToken.Reveal()); return err },
			"another account":    func() error { _, err := r.Read(ctx, "acc_b", id, bearer); return err },
			"no such client":     func() error { _, err := r.Read(ctx, "acc_a", "app_none", bearer); return err },
			"one of the account": func() error { _, err := r.Read(ctx, "acc_a", "app_own", ""); return err },
			"another's update": func() error {
				_, err := r.Update(ctx, stranger, id, other.AccessToken.Reveal(), web())
				return err
			},
			"update of one of the account": func() error { _, err := r.Update(ctx, stranger, "app_own", bearer, web()); return err },
			"another's removal":            func() error { return r.Delete(ctx, stranger, id, other.AccessToken.Reveal()) },
			"removal of one of ours":       func() error { return r.Delete(ctx, stranger, "app_own", bearer) },
			"removal of the default":       func() error { return r.Delete(ctx, stranger, ident.DefaultApplication, bearer) },
			"the secret as the token":      func() error { _, err := r.Read(ctx, "acc_a", id, c.Secret.Reveal()); return err },
		} {
			if err := try(); oauth.CodeOf(err) != oauth.InvalidToken {
				t.Errorf("%s: %v", what, err)
			}
		}
		got, err := r.Read(ctx, "acc_a", id, bearer)
		if err != nil || !got.Secret.Empty() || got.AccessToken.Reveal() != bearer || got.Name != "Client" {
			t.Fatal(got, err)
		}
		next := web()
		next.Name, next.AuthMethod, next.RedirectURIs, next.ApplicationType = "Renamed", "none", []string{"http://127.0.0.1/cb"}, "native"
		got, err = r.Update(ctx, stranger, id, bearer, next)
		if err != nil || got.AuthMethod != "none" || got.ApplicationType != "native" || got.Name != "Renamed" {
			t.Fatal(got, err)
		}
		if a, _ = r.apps.Get(ctx, "acc_a", id); a.OAuth.SecretMatches(c.Secret.Reveal(), clk.Now()) || !a.OAuth.ThirdParty || a.OAuth.Registered != "dynamic" {
			t.Fatal(a)
		}
		// Switched off: a client reads itself and goes, but makes nothing new of itself.
		r.settings.Mode = registration.Off
		next.Name, next.RedirectURIs = "Evil", []string{"https://evil.example/cb"}
		if _, err := r.Update(ctx, stranger, id, bearer, next); !fault.Is(err, fault.Forbidden) {
			t.Fatal("an update after the end of registration:", err)
		}
		if _, err := r.Update(ctx, stranger, id, other.AccessToken.Reveal(), next); oauth.CodeOf(err) != oauth.InvalidToken {
			t.Fatal("whoever has no right to the client learns no more:", err)
		}
		if got, err := r.Read(ctx, "acc_a", id, bearer); err != nil || got.Name != "Renamed" {
			t.Fatal(got, err)
		}
		if err := r.Delete(ctx, stranger, id, bearer); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(ctx, "acc_a", id, bearer); oauth.CodeOf(err) != oauth.InvalidToken {
			t.Fatal(err)
		}
	})
}

// Metadata that cannot work gets the code of RFC 7591 section 3.2.2.
func TestMetadata(t *testing.T) {
	db, clk := sqldbtest.SQLite(t, migrations(), nil)
	r := newRig(db, clk)
	r.settings.Mode = registration.Open
	try := func(change func(*registration.Metadata)) (registration.Registered, error) {
		clk.Advance(time.Hour)
		m := web()
		change(&m)
		return r.Register(t.Context(), stranger, home, "", m)
	}
	type m = registration.Metadata
	for what, change := range map[string]func(*m){
		"no redirect":    func(x *m) { x.RedirectURIs = nil },
		"plain http":     func(x *m) { x.RedirectURIs = []string{"http://c.example/cb"} },
		"a wildcard":     func(x *m) { x.RedirectURIs = []string{"https://*.c.example/cb"} },
		"a fragment":     func(x *m) { x.RedirectURIs = []string{"https://c.example/cb#a"} },
		"a script":       func(x *m) { x.RedirectURIs = []string{"javascript:alert(1)"} },
		"data":           func(x *m) { x.RedirectURIs = []string{"data:text/html,x"} },
		"user info":      func(x *m) { x.RedirectURIs = []string{"https://good.example@evil.example/cb"} },
		"too many":       func(x *m) { x.RedirectURIs = slices.Repeat([]string{"https://c.example/cb"}, 21) },
		"one bad of two": func(x *m) { x.RedirectURIs = append(x.RedirectURIs, "http://c.example/cb") },
	} {
		if _, err := try(change); oauth.CodeOf(err) != oauth.InvalidRedirectURI {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, change := range map[string]func(*m){
		"password":             func(x *m) { x.GrantTypes = []string{"password"} },
		"implicit":             func(x *m) { x.GrantTypes = []string{"authorization_code", "implicit"} },
		"for itself":           func(x *m) { x.GrantTypes = []string{"client_credentials"} },
		"exchange":             func(x *m) { x.GrantTypes = []string{application.GrantExchange} },
		"a token in the front": func(x *m) { x.ResponseTypes = []string{"id_token token"} },
		"a symmetric method":   func(x *m) { x.AuthMethod = "client_secret_jwt" },
		"a workload":           func(x *m) { x.AuthMethod = "workload_identity" },
		"a key without keys":   func(x *m) { x.AuthMethod = "private_key_jwt" },
		"keys inside":          func(x *m) { x.AuthMethod, x.JWKSURI = "private_key_jwt", "http://169.254.169.254/jwks" },
		"a private key":        func(x *m) { x.JWKS = []byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`) },
		"keys twice":           func(x *m) { x.JWKS, x.JWKSURI = []byte(`{"keys":[]}`), "https://c.example/jwks" },
		"alg none":             func(x *m) { x.IDTokenAlg = "none" },
		"alg HS256":            func(x *m) { x.IDTokenAlg = "HS256" },
		"pairwise":             func(x *m) { x.SubjectType = "pairwise" },
		"encrypted userinfo":   func(x *m) { x.UserinfoEncAlg = "RSA-OAEP" },
		"a name of control":    func(x *m) { x.Name = "A\u202eB" },
		"a long name":          func(x *m) { x.Name = strings.Repeat("a", 200) },
		"a logo as data":       func(x *m) { x.LogoURI = "data:image/svg+xml,x" },
		"a script as policy":   func(x *m) { x.PolicyURI = "javascript:alert(1)" },
		"a plain back channel": func(x *m) { x.BackchannelLogoutURI = "http://169.254.169.254/" },
	} {
		_, err := try(change)
		if oauth.CodeOf(err) != oauth.InvalidClientMetadata {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if d := err.(*oauth.Error).Description; strings.ContainsAny(d, "\"\\") || strings.Contains(d, "oauth.") || strings.Contains(d, "jwksUri") {
			t.Errorf("%s: %s", what, d)
		}
	}
	c, err := try(func(x *m) {
		x.RedirectURIs, x.AuthMethod, x.GrantTypes = []string{"http://127.0.0.1/cb"}, "none", []string{"authorization_code", "refresh_token"}
	})
	if err != nil || c.ApplicationType != "native" || !c.Secret.Empty() {
		t.Fatal(c, err)
	}
	if c, err = try(func(x *m) { x.RedirectURIs, x.GrantTypes = nil, []string{application.GrantDevice} }); err != nil || len(c.ResponseTypes) != 0 {
		t.Fatal(c, err)
	}
}

// An initial access token is good for so many clients, in one account, for so long; not once more,
// whoever asks at the same time.
func TestInitialTokens(t *testing.T) {
	sqldbtest.Each(t, migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		r := newRig(db, clk)
		ctx := t.Context()
		r.settings.Mode = registration.Token
		for _, try := range []struct {
			uses int
			life time.Duration
		}{{0, time.Hour}, {10001, time.Hour}, {1, 0}, {1, -time.Hour}, {1, 400 * 24 * time.Hour}} {
			if _, _, err := r.CreateToken(ctx, admin, try.uses, clk.Now().Add(try.life)); !fault.Is(err, fault.Invalid) {
				t.Error(try, err)
			}
		}
		k, value, err := r.CreateToken(ctx, admin, 3, clk.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		for _, wrong := range []string{"", "x", value.Reveal() + "x", value.Reveal()[1:]} {
			if _, err := r.Register(ctx, stranger, home, wrong, web()); oauth.CodeOf(err) != oauth.InvalidToken {
				t.Error(wrong, err)
			}
		}
		elsewhere := stranger
		elsewhere.Account = "acc_b"
		if _, err := r.Register(ctx, elsewhere, home, value.Reveal(), web()); oauth.CodeOf(err) != oauth.InvalidToken {
			t.Error(err)
		}
		// Bad metadata uses nothing up.
		if _, err := r.Register(ctx, stranger, home, value.Reveal(), registration.Metadata{}); oauth.CodeOf(err) != oauth.InvalidRedirectURI {
			t.Error(err)
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		made := 0
		for i := range 12 {
			all.Go(func() {
				_, err := r.Register(ctx, stranger, netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}), value.Reveal(), web())
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made++
				} else if oauth.CodeOf(err) != oauth.InvalidToken {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if made != 3 {
			t.Fatal(made)
		}
		list, err := r.ListTokens(ctx, "acc_a")
		if err != nil || len(list) != 0 {
			t.Fatal(list, err)
		}
		k, value, err = r.CreateToken(ctx, admin, 5, clk.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.DeleteToken(ctx, actor.ForOperator("acc_b"), k.ID); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
		if err := r.DeleteToken(ctx, admin, k.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Register(ctx, stranger, home, value.Reveal(), web()); oauth.CodeOf(err) != oauth.InvalidToken {
			t.Fatal(err)
		}
		_, value, err = r.CreateToken(ctx, admin, 5, clk.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		clk.Advance(2 * time.Hour)
		if _, err := r.Register(ctx, stranger, home, value.Reveal(), web()); oauth.CodeOf(err) != oauth.InvalidToken {
			t.Fatal(err)
		}
		var n int64
		if err := db.Write(ctx, tx.System(), func(ctx context.Context, x tx.Tx) (err error) {
			n, err = registrationdb.Store{}.Purge(ctx, x, 10)
			return err
		}); err != nil || n != 2 {
			t.Fatal(n, err)
		}
	})
}

// One network does not fill an account with clients.
func TestRegistrationIsLimited(t *testing.T) {
	bus := &tx.Bus{}
	told := 0
	bus.Subscribe(registration.EventRegistered, func(context.Context, tx.Tx, event.Event) error { told++; return nil })
	db, clk := sqldbtest.SQLite(t, migrations(), bus)
	r := newRig(db, clk)
	r.settings.Mode = registration.Open
	made := 0
	for range 30 {
		_, err := r.Register(t.Context(), stranger, home, "", web())
		switch {
		case err == nil:
			made++
		case !fault.Is(err, fault.Limited):
			t.Fatal(err)
		}
	}
	if made != registration.PerNetwork.Count || told != made {
		t.Fatal(made, told)
	}
	if _, err := r.Register(t.Context(), stranger, netip.MustParseAddr("203.0.113.1"), "", web()); err != nil {
		t.Fatal("another network:", err)
	}
}
