package token

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/client/verify"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
)

const (
	accountA ident.AccountID       = "acc_a"
	accountB ident.AccountID       = "acc_b"
	machine  ident.ServiceClientID = "sc_1"
)

// world is everything that a Verifier asks, in maps that a test changes.
type world struct {
	clock   *clock.Fake
	signing map[string]ed25519.PublicKey // account/kid
	clients map[string]ed25519.PublicKey // account/client/kid
	off     map[string]bool              // account/client
	ended   map[ident.SessionID]bool
	user    map[ident.UserID]time.Time
	fresh   bool
	foreign []Foreign
}

func issuerOf(account ident.AccountID) string {
	return "https://" + string(account[4:]) + ".example.test"
}

func keyFor(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func publicOf(name string) ed25519.PublicKey { return keyFor(name).Public().(ed25519.PublicKey) }

func newWorld() *world {
	return &world{
		clock: clock.NewFake(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)),
		signing: map[string]ed25519.PublicKey{
			"acc_a/a1": publicOf("a1"), "acc_b/b1": publicOf("b1"),
		},
		clients: map[string]ed25519.PublicKey{
			"acc_a/sc_1/m1": publicOf("m1"), "acc_a/sc_2/m2": publicOf("m2"), "acc_b/sc_9/m9": publicOf("m9"),
		},
		off: map[string]bool{}, ended: map[ident.SessionID]bool{}, user: map[ident.UserID]time.Time{}, fresh: true,
	}
}

func (w *world) Key(account ident.AccountID, client ident.ServiceClientID, kid ident.KeyID) (ed25519.PublicKey, bool) {
	k, ok := w.clients[fmt.Sprintf("%s/%s/%s", account, client, kid)]
	return k, ok
}

func (w *world) Active(account ident.AccountID, client ident.ServiceClientID) bool {
	return !w.off[fmt.Sprintf("%s/%s", account, client)]
}

func (w *world) Ended(_ ident.AccountID, session ident.SessionID) bool { return w.ended[session] }

func (w *world) UserEnded(_ ident.AccountID, user ident.UserID, issued time.Time) bool {
	at, ok := w.user[user]
	return ok && !issued.After(at)
}

func (w *world) TokenDisabled(_ ident.AccountID, user ident.UserID, id string) bool {
	return w.off[string(user)+" "+id]
}

func (w *world) GrantEnded(_ ident.AccountID, id string) bool { return w.off["grant "+id] }

func (w *world) ClientEnded(_ ident.AccountID, client string, _ time.Time) bool {
	return w.off["client "+client]
}

func (w *world) verifier(changes ...func(*VerifierDeps)) *Verifier {
	d := VerifierDeps{
		Clock:  w.clock,
		Issuer: func(a ident.AccountID) string { return issuerOf(a) },
		AccountOf: func(issuer string) (ident.AccountID, bool) {
			for _, a := range []ident.AccountID{accountA, accountB} {
				if issuerOf(a) == issuer {
					return a, true
				}
			}
			return "", false
		},
		SigningKey: func(a ident.AccountID, kid ident.KeyID) (ed25519.PublicKey, bool) {
			k, ok := w.signing[fmt.Sprintf("%s/%s", a, kid)]
			return k, ok
		},
		Application: func(_ ident.AccountID, id ident.ApplicationID) bool {
			return id == "app_default" && !w.off["app_default"]
		},
		Clients: w, Sessions: w,
		Fresh:   func() bool { return w.fresh },
		Foreign: func(_ context.Context, f Foreign) { w.foreign = append(w.foreign, f) },
	}
	for _, change := range changes {
		change(&d)
	}
	return NewVerifier(d)
}

type claims map[string]any

func sign(t testing.TB, name, typ string, base, changes claims) string {
	t.Helper()
	c := maps.Clone(base)
	maps.Copy(c, changes)
	for k, v := range c {
		if v == nil {
			delete(c, k)
		}
	}
	out, err := jose.Sign(keyFor(name), name, typ, c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (w *world) userToken(t testing.TB, changes claims) string {
	t.Helper()
	now := w.clock.Now().Unix()
	return sign(t, "a1", jose.TypeAccess, claims{
		"iss": issuerOf(accountA), "sub": "u_1", "aud": []string{string(accountA)}, "iat": now, "exp": now + 3600,
		"sid": "s_1", "client_id": "app_default", "azp": "con_email", "scope": "openid profile email", "jti": "u_1|1",
	}, changes)
}

func (w *world) clientToken(t testing.TB, typ string, changes claims) string {
	t.Helper()
	now := w.clock.Now().Unix()
	return sign(t, "m1", typ, claims{
		"iss": issuerOf(accountA) + "/v1/clients/sc_1", "sub": "sc_1", "client_id": "sc_1", "aud": "acc_a.accounts.authress.io",
		"iat": now, "exp": now + 24*3600, "scope": "openid",
	}, changes)
}

func rawKey(client, name, account string) string {
	seed := keyFor(name).Seed()
	return client + "." + name + "." + account + "." + base64.StdEncoding.EncodeToString(append(append([]byte(nil), pkcs8...), seed...))
}

// expect verifies twice, so that the answer from the cache is checked too.
func expect(t *testing.T, v *Verifier, bearer, want string) {
	t.Helper()
	for _, how := range []string{"first", "again"} {
		a, err := v.Verify(context.Background(), accountA, bearer)
		got := a.String()
		if err != nil {
			got = fmt.Sprint(fault.KindOf(err) == fault.Unauthenticated)
		}
		if want == "refused" && got != "true" || want != "refused" && (got != want || a.Account != accountA) {
			t.Errorf("%s: got %s %v, want %s", how, got, err, want)
		}
	}
}

func TestVerifyWhoItIs(t *testing.T) {
	w := newWorld()
	v := w.verifier()
	expect(t, v, w.userToken(t, nil), "user:u_1")
	expect(t, v, w.clientToken(t, jose.TypeAccess, nil), "client:sc_1")
	expect(t, v, w.clientToken(t, jose.TypeJWT, nil), "client:sc_1")
	expect(t, v, w.clientToken(t, jose.TypeAccess, claims{"client_id": nil, "iat": nil, "scope": nil, "scopes": "openid", "nbf": w.clock.Now().Unix()}), "client:sc_1")
	expect(t, v, w.clientToken(t, jose.TypeAccess, claims{"iss": "https://acc_a.api.authress.io/v1/clients/sc_1"}), "client:sc_1")
	expect(t, v, rawKey("sc_1", "m1", "acc_a"), "client:sc_1")
	a, err := v.Verify(context.Background(), accountA, w.userToken(t, nil))
	if err != nil || a.Session != "s_1" || a.Kind != actor.User {
		t.Errorf("got %+v, %v", a, err)
	}
	if len(w.foreign) != 0 {
		t.Errorf("reported %+v", w.foreign)
	}
}

func TestVerifyRefusesUserTokens(t *testing.T) {
	w := newWorld()
	v := w.verifier()
	now := w.clock.Now().Unix()
	for name, changes := range map[string]claims{
		"expired":                {"exp": now - 1},
		"expires now":            {"exp": now},
		"from the future":        {"iat": now + 11},
		"not yet":                {"nbf": now + 11},
		"issuer with slash":      {"iss": issuerOf(accountA) + "/"},
		"issuer of another":      {"iss": issuerOf(accountB)},
		"issuer of a client":     {"iss": issuerOf(accountA) + "/v1/clients/sc_1"},
		"audience of another":    {"aud": []string{"acc_b"}},
		"audience of a client":   {"aud": "acc_a.accounts.authress.io"},
		"no session":             {"sid": nil},
		"no issue time":          {"iat": nil},
		"no id of its own":       {"jti": nil},
		"longer than remembered": {"exp": now + 25*3600},
	} {
		t.Run(name, func(t *testing.T) { expect(t, v, w.userToken(t, changes), "refused") })
	}
	for _, typ := range []string{"JWT", "id+jwt", "logout+jwt"} {
		now := w.clock.Now().Unix()
		expect(t, v, sign(t, "a1", typ, claims{"iss": issuerOf(accountA), "sub": "u_1", "aud": "acc_a", "iat": now, "exp": now + 60, "sid": "s_1", "client_id": "app_default", "jti": "t"}, nil), "refused")
	}
	expect(t, v, sign(t, "unknown", jose.TypeAccess, claims{"iss": issuerOf(accountA), "sub": "u_1", "aud": "acc_a", "iat": now, "exp": now + 60, "sid": "s_1", "client_id": "app_default", "jti": "t"}, nil), "refused")
	good := w.userToken(t, nil)
	for _, bearer := range []string{"", ".", "...", "a.b.c", "a.b.c.d", good + "=", good[:len(good)-1], " " + good, strings.Repeat("a", 1<<20), strings.Repeat(".", 100_000), "sc_1.m1.acc_a"} {
		expect(t, v, bearer, "refused")
	}
	expect(t, v, good, "user:u_1")
}

func TestVerifyRefusesClientTokens(t *testing.T) {
	w := newWorld()
	v := w.verifier()
	now := w.clock.Now().Unix()
	for name, changes := range map[string]claims{
		"expired":              {"exp": now - 10},
		"too long":             {"exp": now + 24*3600 + 11},
		"from the future":      {"iat": now + 11},
		"subject of another":   {"sub": "sc_2"},
		"client of another":    {"client_id": "sc_2"},
		"issuer of another":    {"iss": issuerOf(accountA) + "/v1/clients/sc_2"},
		"issuer with more":     {"iss": issuerOf(accountA) + "/v1/clients/sc_1/"},
		"issuer twice":         {"iss": issuerOf(accountA) + "/v1/clients/sc_1/v1/clients/sc_1"},
		"issuer elsewhere":     {"iss": "https://evil.test/v1/clients/sc_1"},
		"issuer by host trick": {"iss": "https://acc_a.api.authress.io.evil.test/v1/clients/sc_1"},
		"issuer of no account": {"iss": "https://.api.authress.io/v1/clients/sc_1"},
		"issuer over http":     {"iss": "http://acc_a.api.authress.io/v1/clients/sc_1"},
		"audience of another":  {"aud": "acc_b.accounts.authress.io"},
		"two audiences":        {"aud": []string{"acc_a.accounts.authress.io", "https://other.test"}},
		"audience is account":  {"aud": "acc_a"},
		"an issuer of ours":    {"iss": issuerOf(accountA)},
	} {
		t.Run(name, func(t *testing.T) { expect(t, v, w.clientToken(t, jose.TypeAccess, changes), "refused") })
	}
	for _, typ := range []string{"oauth-authz-req+jwt", "dpop+jwt", "at+JWT"} {
		expect(t, v, w.clientToken(t, typ, nil), "refused")
	}
	expect(t, v, w.clientToken(t, jose.TypeAccess, claims{"exp": now - 9}), "client:sc_1") // the documented leeway
	// One client's key cannot speak for another.
	expect(t, v, sign(t, "m2", jose.TypeAccess, claims{"iss": issuerOf(accountA) + "/v1/clients/sc_1", "sub": "sc_1", "aud": "acc_a.accounts.authress.io", "exp": now + 60}, nil), "refused")
}

func TestVerifyRawKeys(t *testing.T) {
	w := newWorld()
	v := w.verifier()
	good := rawKey("sc_1", "m1", "acc_a")
	for name, bearer := range map[string]string{
		"another client":    rawKey("sc_2", "m1", "acc_a"),
		"another key":       strings.Replace(good, ".m1.", ".m2.", 1),
		"another's private": strings.Join(append(strings.Split(good, ".")[:3], strings.Split(rawKey("sc_1", "m2", "acc_a"), ".")[3]), "."),
		"no account":        rawKey("sc_1", "m1", ""),
		"padding":           good + "=",
		"url alphabet":      "sc_1.m1.acc_a." + base64.RawURLEncoding.EncodeToString(append(append([]byte(nil), pkcs8...), keyFor("m1").Seed()...)) + "-",
		"no key":            "sc_1.m1.acc_a.",
		"public key":        "sc_1.m1.acc_a." + base64.StdEncoding.EncodeToString(publicOf("m1")),
		"shorter":           good[:len(good)-4],
	} {
		t.Run(name, func(t *testing.T) { expect(t, v, bearer, "refused") })
	}
	expect(t, w.verifier(func(d *VerifierDeps) { d.RefuseRawKeys = true }), good, "refused")
	expect(t, v, good, "client:sc_1")
}

// What ended is refused on the next use, although the bearer was verified a moment before.
func TestVerifySeesWhatEnded(t *testing.T) {
	for name, end := range map[string]struct {
		bearer func(w *world) string
		end    func(w *world)
	}{
		"session ended": {func(w *world) string { return w.userToken(t, nil) }, func(w *world) { w.ended["s_1"] = true }},
		"user ended":    {func(w *world) string { return w.userToken(t, nil) }, func(w *world) { w.user["u_1"] = w.clock.Now() }},
		"token":         {func(w *world) string { return w.userToken(t, nil) }, func(w *world) { w.off["u_1 u_1|1"] = true }},
		"application":   {func(w *world) string { return w.userToken(t, nil) }, func(w *world) { w.off["app_default"] = true }},
		"key withdrawn": {func(w *world) string { return w.userToken(t, nil) }, func(w *world) { delete(w.signing, "acc_a/a1") }},
		"key replaced":  {func(w *world) string { return w.userToken(t, nil) }, func(w *world) { w.signing["acc_a/a1"] = publicOf("a2") }},
		"expiry":        {func(w *world) string { return w.userToken(t, nil) }, func(w *world) { w.clock.Advance(time.Hour) }},
		"client off":    {func(w *world) string { return w.clientToken(t, "JWT", nil) }, func(w *world) { w.off["acc_a/sc_1"] = true }},
		"client key":    {func(w *world) string { return w.clientToken(t, "JWT", nil) }, func(w *world) { delete(w.clients, "acc_a/sc_1/m1") }},
		"client expiry": {func(w *world) string { return w.clientToken(t, "JWT", nil) }, func(w *world) { w.clock.Advance(24*time.Hour + Leeway) }},
		"raw key":       {func(*world) string { return rawKey("sc_1", "m1", "acc_a") }, func(w *world) { delete(w.clients, "acc_a/sc_1/m1") }},
		"raw, off":      {func(*world) string { return rawKey("sc_1", "m1", "acc_a") }, func(w *world) { w.off["acc_a/sc_1"] = true }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			v := w.verifier()
			bearer := end.bearer(w)
			if _, err := v.Verify(context.Background(), accountA, bearer); err != nil {
				t.Fatal(err)
			}
			end.end(w)
			expect(t, v, bearer, "refused")
			// And without the cache as well.
			expect(t, w.verifier(), bearer, "refused")
		})
	}
}

func TestVerifyFailsClosedWhenStale(t *testing.T) {
	w := newWorld()
	v := w.verifier()
	bearer := w.userToken(t, nil)
	expect(t, v, bearer, "user:u_1")
	w.fresh = false
	if _, err := v.Verify(context.Background(), accountA, bearer); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	w.fresh = true
	expect(t, v, bearer, "user:u_1")
}

// A bearer of account B on account A is refused and reported once, with the account that it
// really comes from; one that only says so is refused and not reported.
func TestVerifyReportsForeignTokens(t *testing.T) {
	now := newWorld().clock.Now().Unix()
	user := claims{"iss": issuerOf(accountB), "sub": "u_9", "aud": "acc_b", "iat": now, "exp": now + 60, "sid": "s_9", "client_id": "app_default", "jti": "t"}
	client := claims{"iss": issuerOf(accountB) + "/v1/clients/sc_9", "sub": "sc_9", "aud": "acc_b.accounts.authress.io", "exp": now + 60}
	for name, c := range map[string]struct{ bearer, who string }{
		"user":               {sign(t, "b1", jose.TypeAccess, user, nil), "user:u_9"},
		"client":             {sign(t, "m9", "JWT", client, nil), "client:sc_9"},
		"client, fixed form": {sign(t, "m9", "JWT", client, claims{"iss": "https://acc_b.api.authress.io/v1/clients/sc_9"}), "client:sc_9"},
		"raw key":            {rawKey("sc_9", "m9", "acc_b"), "client:sc_9"},
		"forged user":        {sign(t, "a1x", jose.TypeAccess, user, nil), ""},
		"forged client":      {sign(t, "m1", "JWT", client, nil), ""},
		"own key, other iss": {sign(t, "a1", jose.TypeAccess, user, nil), ""},
		"expired":            {sign(t, "b1", jose.TypeAccess, user, claims{"exp": now - 1}), ""},
		"forged raw key":     {rawKey("sc_9", "m1", "acc_b"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			v := w.verifier()
			expect(t, v, c.bearer, "refused")
			switch {
			case c.who == "" && len(w.foreign) != 0:
				t.Errorf("reported %+v", w.foreign)
			case c.who != "" && (len(w.foreign) != 1 || w.foreign[0].From != accountB || w.foreign[0].Account != accountA || w.foreign[0].Actor.String() != c.who):
				t.Errorf("reported %+v", w.foreign)
			}
			if c.who == "" {
				return
			}
			// At home it is good, and being good there does not help it here.
			if a, err := v.Verify(context.Background(), accountB, c.bearer); err != nil || a.String() != c.who {
				t.Errorf("at home: %v, %v", a, err)
			}
			expect(t, v, c.bearer, "refused")
		})
	}
}

func TestVerifyErrorsKeepSecrets(t *testing.T) {
	w := newWorld()
	v := w.verifier(func(d *VerifierDeps) { d.RefuseRawKeys = true })
	bearer := rawKey("sc_1", "m1", "acc_a")
	_, err := v.Verify(context.Background(), accountA, bearer)
	if err == nil || strings.Contains(err.Error(), strings.Split(bearer, ".")[3]) {
		t.Errorf("got %v", err)
	}
	_, err = v.Verify(context.Background(), accountA, w.userToken(t, claims{"exp": w.clock.Now().Unix() - 1}))
	if !errors.Is(err, verify.ErrExpired) {
		t.Errorf("the log does not learn the reason: %v", err)
	}
}

// DOS-05: the cache stays within its size, whoever fills it, and is right while it does.
func TestCacheIsBounded(t *testing.T) {
	w := newWorld()
	v := w.verifier(func(d *VerifierDeps) { d.CacheSize = 64 })
	for i := range 1000 {
		bearer := w.clientToken(t, "JWT", claims{"jti": fmt.Sprint(i)})
		if a, err := v.Verify(context.Background(), accountA, bearer); err != nil || a.ID != "sc_1" {
			t.Fatal(a, err)
		}
	}
	count := 0
	for i := range v.cache.shards {
		count += len(v.cache.shards[i].proofs)
	}
	if count > 64 || count < 32 {
		t.Errorf("%d entries", count)
	}
	for i := range 5000 {
		v.strange.first(cacheKey(accountA, fmt.Sprint(i)), w.clock.Now())
	}
	if len(v.strange.seen) > 1024 {
		t.Errorf("%d reports remembered", len(v.strange.seen))
	}
}

func TestCacheKeysAreTuples(t *testing.T) {
	seen := map[cacheID]string{}
	for _, pair := range [][2]string{{"acc_a", "bc"}, {"acc_ab", "c"}, {"acc_", "abc"}, {"", "acc_abc"}, {"acc_abc", ""}} {
		id := cacheKey(ident.AccountID(pair[0]), pair[1])
		if other, ok := seen[id]; ok {
			t.Errorf("%v and %s have one key", pair, other)
		}
		seen[id] = fmt.Sprint(pair)
	}
}

func TestVerifyTogether(t *testing.T) {
	w := newWorld()
	v := w.verifier(func(d *VerifierDeps) { d.CacheSize = 32 })
	bearers := make([]string, 8)
	for i := range bearers {
		bearers[i] = w.userToken(t, claims{"sub": fmt.Sprint("u_", i)})
	}
	var wait sync.WaitGroup
	for n := range 4 {
		wait.Go(func() {
			for i := range 100 {
				k := (i + n) % len(bearers)
				if a, err := v.Verify(context.Background(), accountA, bearers[k]); err != nil || a.ID != fmt.Sprint("u_", k) {
					t.Errorf("got %v, %v", a, err)
				}
			}
		})
	}
	wait.Wait()
}

func TestHitDoesNotAllocate(t *testing.T) {
	w := newWorld()
	v, bearer, ctx := w.verifierWithoutMaps(t)
	allocations := testing.AllocsPerRun(100, func() {
		if _, err := v.Verify(ctx, accountA, bearer); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// verifierWithoutMaps answers from constants, so that only the Verifier itself is measured.
func (w *world) verifierWithoutMaps(t testing.TB) (*Verifier, string, context.Context) {
	key := publicOf("a1")
	v := w.verifier(func(d *VerifierDeps) {
		d.SigningKey = func(ident.AccountID, ident.KeyID) (ed25519.PublicKey, bool) { return key, true }
	})
	bearer := w.userToken(t, nil)
	if _, err := v.Verify(context.Background(), accountA, bearer); err != nil {
		t.Fatal(err)
	}
	return v, bearer, context.Background()
}

func FuzzVerify(f *testing.F) {
	w := newWorld()
	v := w.verifier()
	good := map[string]bool{w.userToken(f, nil): true, w.clientToken(f, "JWT", nil): true, rawKey("sc_1", "m1", "acc_a"): true}
	for bearer := range good {
		f.Add(bearer)
	}
	f.Add("sc_1.m1.acc_a.")
	f.Fuzz(func(t *testing.T, bearer string) {
		a, err := v.Verify(context.Background(), accountA, bearer)
		if err == nil != good[bearer] {
			t.Fatalf("%q is %v, %v", bearer, a, err)
		}
		if err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Fatal(err)
		}
	})
}

func BenchmarkVerifyHit(b *testing.B) {
	v, bearer, ctx := newWorld().verifierWithoutMaps(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(ctx, accountA, bearer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyMiss(b *testing.B) {
	w := newWorld()
	v, bearer, ctx := w.verifierWithoutMaps(b)
	id := cacheKey(accountA, bearer)
	for b.Loop() {
		v.cache.drop(id)
		if _, err := v.Verify(ctx, accountA, bearer); err != nil {
			b.Fatal(err)
		}
	}
}
