package attack

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

const bearerGT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// RFC 7523 section 2.1: a client's own word is good once, for the client alone, and for an hour at most.
func TestAssertionsAsGrants(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		c := w.keyed(`"grantTypes":["` + bearerGT + `"],"resources":["https://orders.example"],"scopes":["orders:read"]`)
		other := w.keyed(`"grantTypes":["` + bearerGT + `"]`)
		codes := w.keyed("")
		swap := func(c *party, assertion string, pairs ...string) answer {
			return c.post("/oauth/token", append([]string{"grant_type", bearerGT, "assertion", assertion}, pairs...)...)
		}
		honest := func(when string) {
			t.Helper()
			a := swap(c, c.assertion(), "resource", "https://orders.example", "scope", "orders:read")
			token := a.text("access_token")
			if a.status != 200 || claim(token, "sub") != c.id || claim(token, "aud") != "https://orders.example" || claim(token, "scope") != "orders:read" || a.text("refresh_token") != "" || a.text("id_token") != "" {
				t.Fatalf("%s: %d %s", when, a.status, a.body)
			}
		}
		honest("before")
		ann := w.signIn("ann@x.example")
		now, there := time.Now().Unix(), w.elsewhere()
		refused := map[string]string{
			"of a person": c.assertion("sub", subject(ann.access)), "of another client": c.assertion("sub", other.id), "by another client": other.assertion(), "for another server": c.assertion("aud", "https://evil.example"),
			"for several": c.assertion("aud", []string{w.public, "https://evil.example"}), "of the account elsewhere": c.assertion("aud", there.public), "too old": c.assertion("exp", now-60), "without an end": c.assertion("exp", nil),
			"for two hours": c.assertion("exp", now+7200), "not yet": c.assertion("nbf", now+600), "without a jti": c.assertion("jti", nil), "a person's token": ann.access, "nothing like one": "x.y.z",
			"unsigned":               forge(c.key, map[string]any{"alg": "none"}, map[string]any{"iss": c.id, "sub": c.id, "aud": w.public, "exp": now + 60, "jti": unique("j")}),
			"an access token's type": forge(c.key, map[string]any{"alg": "EdDSA", "kid": "k1", "typ": "at+jwt"}, map[string]any{"iss": c.id, "sub": c.id, "aud": w.public, "exp": now + 60, "jti": unique("j")}),
		}
		for name, text := range refused {
			w.refuses("an assertion "+name, swap(c, text), 400, "invalid_grant")
		}
		w.refuses("a resource that is not the client's", swap(c, c.assertion(), "resource", "https://evil.example"), 400, "invalid_target")
		w.refuses("a scope that is not the client's", swap(c, c.assertion(), "scope", "orders:write"), 400, "invalid_scope")
		w.refuses("no assertion", c.post("/oauth/token", "grant_type", bearerGT), 400, "invalid_request")
		w.refuses("a client without the grant", swap(codes, codes.assertion()), 400, "unauthorized_client")
		w.refuses("somebody else's client", swap(other, c.assertion()), 400, "invalid_grant")
		w.refuses("without proof of the client", w.post("/oauth/token", "grant_type", bearerGT, "client_id", c.id, "assertion", c.assertion()), 401, "invalid_client")

		once := c.assertion()
		var got atomic.Int32
		var all sync.WaitGroup
		for range 30 {
			all.Go(func() {
				if granted(swap(c, once)) {
					got.Add(1)
				}
			})
		}
		all.Wait()
		if got.Load() != 1 {
			t.Errorf("one assertion gave tokens %d times", got.Load())
		}
		honest("after")
	})
}
