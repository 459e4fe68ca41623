package attack

import (
	"strings"
	"testing"
)

// WAN-11: the models of authenticators that a tenant restricts its people to hold on their own page, too, where nobody
// signs in to the tenant.
func TestWAN11_ModelsOfATenant(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		const demand = `{"authenticators":["2fc0579f-8113-47ea-b116-bb5a8db9202a"]}`
		ann, bob := w.signIn("ann@example.com"), w.signIn("bob@example.com")
		ann.id, bob.id = subject(ann.access), subject(bob.access)
		proved := func(p *person) bool {
			a := p.change("/settings/passkeys/new", "")
			if a.status != 200 || !strings.Contains(a.body, "challenge") {
				t.Fatalf("a new passkey: %d %q", a.status, a.header.Get("Location"))
			}
			return strings.Contains(a.body, "&#34;direct&#34;")
		}
		for _, step := range [][3]string{
			{"POST", "/v1/tenants", `{"tenantId":"ten_a","tenantLookupIdentifier":"a","data":{"name":"A"}}`},
			{"PUT", "/v1/tenants/ten_a/sign-in-policy", demand},
		} {
			if a := w.admin(step[0], step[1], step[2]); a.status >= 300 {
				t.Fatalf("%v: %d %s", step, a.status, a.body)
			}
		}
		if proved(ann) || proved(bob) {
			t.Error("a tenant decides about people who are none of its")
		}
		if a := w.admin("PATCH", "/v1/tenants/ten_a/users", `{"userId":"`+ann.id+`"}`); a.status >= 300 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if !proved(ann) || proved(bob) {
			t.Errorf("the tenant's models: of its own %t, of another %t", proved(ann), proved(bob))
		}
		if a := w.admin("PUT", "/v1/sign-in-policy", demand); a.status >= 300 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if !proved(bob) {
			t.Error("the account's models")
		}
	})
}
