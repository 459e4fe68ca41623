package attack

import (
	"os"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// OAU-04, JWT-17: nodes whose machines' clocks are a minute apart go by the database's. What one has just made is good
// at the other, and what is too old is too old at both.
func TestOAU04_ClocksOfNodes(t *testing.T) {
	if os.Getenv("ADMIT_TEST_POSTGRES") == "" {
		t.Skip("two nodes need PostgreSQL")
	}
	t.Parallel()
	o := process.Options{Database: process.Database(t), Clock: true}
	node := func(skew string) *world {
		o := o
		o.Env = append([]string{"ADMIT_MASTER_KEY=" + masterKey, "ADMIT_TEST_CLOCK_SKEW=" + skew}, often.Env...)
		return &world{Server: process.Start(t, o), t: t, database: o.Database}
	}
	behind := node("-30s")
	behind.public, behind.key = behind.URL, behind.AdminKey()
	o.Public = behind.URL
	ahead := node("30s")
	ahead.public, ahead.key = behind.public, behind.key
	behind.hear()
	ahead.hear()
	at := func(c *party, w *world) *party { o := *c; o.w = w; return &o }
	as := func(p *person, w *world) *person { o := *p; o.w = w; return &o }
	known := func(c *party, w *world) {
		t.Helper()
		eventually(t, "a node to hear of the client", func() bool {
			return at(c, w).post("/oauth/introspect", "token", "x").status == 200
		})
	}

	c := behind.party(`"tokenEndpointAuthMethod":"client_secret_basic","grantTypes":["authorization_code","refresh_token"],"scopes":["openid","email","offline_access"]`)
	known(c, ahead)
	p := behind.visitor("ann@example.com")

	// What was made just now is not too old where the clock is ahead, nor from the future where it is behind.
	fresh := at(c, ahead).redeem(p.authorized(c))
	if fresh.status != 200 {
		t.Fatalf("a fresh code at the node whose clock is ahead: %d %s", fresh.status, fresh.body)
	}
	if a := behind.userinfo(fresh.text("access_token")); a.status != 200 {
		t.Errorf("a fresh token at the node whose clock is behind: %d %s", a.status, a.body)
	}
	other := c.redeem(as(p, ahead).authorized(at(c, ahead)))
	if other.status != 200 {
		t.Errorf("a fresh code at the node whose clock is behind: %d %s", other.status, other.body)
	}

	// What is too old is so where the clock is behind.
	old := as(p, ahead).authorized(at(c, ahead))
	behind.RestartAt(61 * time.Second)
	behind.hear()
	behind.refuses("a code of 61 seconds at the node whose clock is behind", c.redeem(old), 400, "invalid_grant")
	if a := behind.userinfo(fresh.text("access_token")); a.status != 200 {
		t.Errorf("a token of a minute: %d %s", a.status, a.body)
	}
	token := fresh.text("access_token")
	life := time.Duration(claimNumber(token, "exp")-claimNumber(token, "iat")) * time.Second
	behind.RestartAt(life + 11*time.Second) // and the leeway between clocks
	behind.hear()
	if a := behind.userinfo(token); a.status != 401 {
		t.Errorf("a token that is over, at the node whose clock is behind: %d %s", a.status, a.body)
	}
}
