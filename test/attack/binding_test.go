package attack

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/session/dbsc/dbsctest"
	"github.com/admit-id/admit/test/process"
)

const (
	boundProof   = "Secure-Session-Response"
	boundSession = "Sec-Secure-Session-Id"
)

var (
	offered    = regexp.MustCompile(`^\(ES256\);path="/session/bind";challenge="([^"]+)"$`)
	challenged = regexp.MustCompile(`^"([^"]+)";id="([^"]+)"$`)
)

// offer is the challenge with which the person's browser may bind the session.
func (p *person) offer(t *testing.T) string {
	t.Helper()
	found := offered.FindStringSubmatch(p.offered)
	if found == nil {
		t.Fatalf("no offer to bind the session: %q", p.offered)
	}
	return found[1]
}

// bindings are the rows of bound sessions, without when one was refused last.
func (w *world) bindings() []string {
	w.t.Helper()
	return w.rows(`SELECT id || ' ' || root_id || ' ' || public_key || ' ' || expires_at || ' ' || uses || ' ' || cookie_until || ' ' || former_until FROM session_bindings ORDER BY id`)
}

// SES-11: whatever is wrong with a proof, no session is bound by it, no key is replaced, no bound cookie is
// given or prolonged; the bound session's cookie alone opens nothing.
func TestSES11_BoundSessions(t *testing.T) {
	o := process.Options{Public: "https://localhost:4443", Clock: true, Env: often.Env}
	each(t, o, func(t *testing.T, w *world) {
		alice, mallory := w.signIn("alice@example.com"), w.signIn("mallory@example.com")
		d, e := dbsctest.NewDevice(t), dbsctest.NewDevice(t)
		challenge, theirs := alice.offer(t), mallory.offer(t)
		post := func(p *person, path string, pairs ...string) answer {
			return w.send("POST", path, "", append([]string{"Cookie", p.jar()}, pairs...)...)
		}
		for name, pairs := range bentRegistrations(t, d, e, challenge, theirs) {
			a := post(alice, "/session/bind", pairs...)
			if a.status < 400 || a.status >= 500 || len(a.header.Values("Set-Cookie")) != 0 || len(w.bindings()) != 0 {
				t.Errorf("registration, %s: %d %v", name, a.status, a.header)
			}
		}
		if a := w.send("GET", "/session/bind", "", "Cookie", alice.jar(), boundProof, d.First(challenge)); a.status < 400 || len(w.bindings()) != 0 {
			t.Errorf("GET binds: %d", a.status)
		}
		bound := func(p *person, a answer) (id, cookie string) {
			t.Helper()
			var b struct {
				ID string `json:"session_identifier"`
			}
			c := (&http.Response{Header: a.header}).Cookies()
			if a.status != 200 || json.Unmarshal([]byte(a.body), &b) != nil || len(c) != 1 || !c[0].Secure || !c[0].HttpOnly || c[0].MaxAge > 600 || !strings.HasPrefix(c[0].Name, "__Host-") {
				t.Fatalf("the honest one: %d %v %s", a.status, a.header, a.body)
			}
			p.cookies[c[0].Name] = c[0].Value
			return b.ID, c[0].Name
		}
		id, name := bound(alice, post(alice, "/session/bind", boundProof, d.First(challenge)))
		other, _ := bound(mallory, post(mallory, "/session/bind", boundProof, e.First(theirs)))
		before := w.bindings()
		for what, proof := range map[string]string{"again": d.First(challenge), "with another key": e.First(challenge)} {
			if a := post(alice, "/session/bind", boundProof, proof); a.status < 400 || len(a.header.Values("Set-Cookie")) != 0 || !slices.Equal(w.bindings(), before) {
				t.Errorf("bound %s: %d", what, a.status)
			}
		}
		refreshes(t, w, alice, []dbsctest.Device{d, e}, []string{id, other})
		asked := challenged.FindStringSubmatch(post(alice, "/session/refresh", boundSession, id).header.Get("Secure-Session-Challenge"))
		good := d.Next(asked[1])
		bound(alice, post(w.person(), "/session/refresh", boundSession, id, boundProof, good)) // browsers may leave the session's cookie out
		after := w.bindings()
		if a := post(alice, "/session/refresh", boundSession, id, boundProof, good); a.status != 403 || !slices.Equal(w.bindings(), after) {
			t.Errorf("a proof is taken twice: %d", a.status)
		}
		told := strings.Join(w.dump()["audit_entries"], " ")
		if !strings.Contains(told, "session.bound") || !strings.Contains(told, "session.binding.refused") {
			t.Error("nobody is told of bindings and of refusals")
		}

		w.RestartAt(time.Minute) // what was on its way without the bound cookie has arrived
		w.hear()
		thief := w.person()
		for n, v := range alice.cookies {
			if n != name {
				thief.cookies[n] = v
			}
		}
		if session, _ := alice.lives(); !session {
			t.Fatal("the browser itself is refused")
		}
		for what, cookie := range map[string]string{"alone": "", "with mallory's": mallory.jar(), "with an invented one": name + "=" + strings.Repeat("A", 43)} {
			jar := thief.jar() + "; " + cookie
			if a := w.send("GET", "/settings", "", "Cookie", jar, "Accept", "text/html"); a.status == 200 {
				t.Errorf("the stolen cookie %s opens the person's page", what)
			}
			if a := w.send("PATCH", "/api/session", "{}", "Content-Type", "application/json", "Origin", strings.TrimSuffix(application, "/"), "Cookie", jar); a.status == 200 && strings.Contains(a.body, subject(alice.access)) {
				t.Errorf("the stolen cookie %s is renewed", what)
			}
		}
	})
}

// bentRegistrations are the headers of registrations with one fault each.
func bentRegistrations(t *testing.T, d, e dbsctest.Device, challenge, theirs string) map[string][]string {
	jwk, err := json.Marshal(d.Public())
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := json.Marshal(e.Public())
	if err != nil {
		t.Fatal(err)
	}
	claims, own := `{"jti":"`+challenge+`"}`, `,"jwk":`+string(jwk)
	head := func(alg, typ, more string) string { return fmt.Sprintf(`{"alg":%q,"typ":%q%s}`, alg, typ, more) }
	good := d.First(challenge)
	unsigned := encode([]byte(head("none", "dbsc+jwt", own))) + "." + encode([]byte(claims)) + "."
	private := strings.Replace(string(jwk), "{", `{"d":"`+strings.Repeat("A", 43)+`",`, 1)
	all := map[string][]string{"no proof": nil, "two headers": {boundProof, good, boundProof, good}, "a list": {boundProof, `"` + good + `", "` + good + `"`}, "the older header": {"Sec-Session-Response", good}}
	for name, proof := range map[string]string{
		"an empty proof": "", "none": unsigned, "none, signed": d.Sign(head("none", "dbsc+jwt", own), claims), "HS256": d.Sign(head("HS256", "dbsc+jwt", own), claims), "RS256": d.Sign(head("RS256", "dbsc+jwt", own), claims),
		"another type": d.Sign(head("ES256", "JWT", own), claims), "no type": d.Sign(`{"alg":"ES256"`+own+`}`, claims), "no jwk": d.Sign(head("ES256", "dbsc+jwt", ""), claims), "somebody else's key": d.Sign(head("ES256", "dbsc+jwt", `,"jwk":`+string(foreign)), claims),
		"a private key": d.Sign(head("ES256", "dbsc+jwt", `,"jwk":`+private), claims), "two keys": d.Sign(head("ES256", "dbsc+jwt", own+own), claims), "no challenge": d.Sign(head("ES256", "dbsc+jwt", own), `{}`),
		"another session's challenge": d.First(theirs), "an invented challenge": d.First(strings.Repeat("A", len(challenge))), "a bent challenge": d.First(challenge[:len(challenge)-2] + "AA"), "an authorization": d.Sign(head("ES256", "dbsc+jwt", own), `{"jti":"`+challenge+`","authorization":"x"}`),
		"a changed signature": good[:len(good)-6] + "AAAAAA", "a fourth part": good + ".AAAA", "100 KB": good + strings.Repeat("A", 100<<10), "1 MB": good + strings.Repeat("A", 1<<20),
	} {
		all[name] = []string{boundProof, proof}
	}
	return all
}

// refreshes sends refreshes with one fault each: the answer is another challenge, or a refusal.
func refreshes(t *testing.T, w *world, p *person, devices []dbsctest.Device, ids []string) {
	d, e, id, other := devices[0], devices[1], ids[0], ids[1]
	ask := func(pairs ...string) answer {
		return w.send("POST", "/session/refresh", "", append([]string{"Cookie", p.jar()}, pairs...)...)
	}
	seen := map[string]bool{}
	challenge := func(id string) string {
		t.Helper()
		a := ask(boundSession, id)
		found := challenged.FindStringSubmatch(a.header.Get("Secure-Session-Challenge"))
		if a.status != 403 || found == nil || found[2] != id || seen[found[1]] {
			t.Fatalf("no fresh challenge: %d %v", a.status, a.header)
		}
		seen[found[1]] = true
		return found[1]
	}
	stale := challenge(id)
	if a := ask(boundSession, id, boundProof, d.Next(stale)); a.status != 200 {
		t.Fatalf("the honest refresh: %d %s", a.status, a.body)
	} else {
		for _, c := range (&http.Response{Header: a.header}).Cookies() {
			p.cookies[c.Name] = c.Value
		}
	}
	jwk, err := json.Marshal(d.Public())
	if err != nil {
		t.Fatal(err)
	}
	c, theirs := challenge(id), challenge(other)
	good, claims := d.Next(c), `{"jti":"`+c+`"}`
	before := w.bindings()
	proofs := map[string]string{
		"an empty proof": "", "another key": e.Next(c), "a jwk": d.Sign(`{"alg":"ES256","typ":"dbsc+jwt","jwk":`+string(jwk)+`}`, claims), "a registration": d.First(c), "HS256": d.Sign(`{"alg":"HS256","typ":"dbsc+jwt"}`, claims),
		"none": encode([]byte(`{"alg":"none","typ":"dbsc+jwt"}`)) + "." + encode([]byte(claims)) + ".", "another type": d.Sign(`{"alg":"ES256","typ":"dpop+jwt"}`, claims), "no challenge": d.Sign(`{"alg":"ES256","typ":"dbsc+jwt"}`, `{}`),
		"a used challenge": d.Next(stale), "another session's challenge": d.Next(theirs), "an invented challenge": d.Next(strings.Repeat("A", len(c))), "an authorization": d.Sign(`{"alg":"ES256","typ":"dbsc+jwt"}`, `{"jti":"`+c+`","authorization":""}`),
	}
	for name, proof := range proofs {
		a := ask(boundSession, id, boundProof, proof)
		found := challenged.FindStringSubmatch(a.header.Get("Secure-Session-Challenge"))
		if a.status != 403 || found == nil || found[1] == c || len(a.header.Values("Set-Cookie")) != 0 {
			t.Errorf("refresh, %s: %d %v", name, a.status, a.header)
		}
	}
	for name, pairs := range map[string][]string{
		"two proofs": {boundSession, id, boundProof, good, boundProof, good}, "no id": {boundProof, good}, "two ids": {boundSession, id, boundSession, id, boundProof, good}, "mallory's id": {boundSession, other, boundProof, good}, "an invented id": {boundSession, "bnd_00000000000000000000000000", boundProof, good},
		"an id of 100 KB": {boundSession, strings.Repeat("b", 100<<10), boundProof, good}, "100 KB": {boundSession, id, boundProof, good + strings.Repeat("A", 100<<10)}, "1 MB": {boundSession, id, boundProof, strings.Repeat("A", 1<<20)},
	} {
		if a := ask(pairs...); a.status < 400 || a.status >= 500 || len(a.header.Values("Set-Cookie")) != 0 {
			t.Errorf("refresh, %s: %d %v", name, a.status, a.header)
		}
	}
	if !slices.Equal(w.bindings(), before) {
		t.Errorf("refusals changed something:\n%q\n%q", before, w.bindings())
	}
}
