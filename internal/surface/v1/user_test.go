package v1_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/user"
)

// person makes somebody with an id that an administrator chose.
func (a *api) person(id ident.UserID) {
	a.t.Helper()
	err := a.db.Write(a.t.Context(), tx.In(acct), func(ctx context.Context, t tx.Tx) error {
		_, _, err := a.users.SignInAs(ctx, t, actor.ForSystem(acct), id, "sc_1", user.Profile{Name: "N"})
		return err
	})
	if err != nil {
		a.t.Fatal(err)
	}
}

func TestTokenConfigurationOverHTTP(t *testing.T) {
	a := newAPI(t)
	a.person("crm|1")
	a.grant("rec_support", "bob", "Authress:ReadResource", "Authress:Users/*")
	const path = "/v1/users/crm%7C1"
	body := `{"userId":"other","defaultClaims":{"defaultAccessTokenClaims":{"plan":"gold"},"defaultUserIdentityClaims":{"team":["a"]}}}`
	configured := func(out map[string]any) string {
		text, _ := json.Marshal(out["tokenConfiguration"])
		return string(text)
	}
	if got := configured(a.want(200, owner, "GET", path, "")); got != `{"defaultClaims":{"defaultAccessTokenClaims":{},"defaultUserIdentityClaims":{}}}` {
		t.Error(got)
	}
	for _, p := range []string{path, path + "/token-configuration"} {
		const want = `{"defaultClaims":{"defaultAccessTokenClaims":{"plan":"gold"},"defaultUserIdentityClaims":{"team":["a"]}}}`
		if got := configured(a.want(200, owner, "PUT", p, body)); got != want {
			t.Error(got)
		}
		if got := configured(a.want(200, owner, "GET", path, "")); got != want {
			t.Error(got)
		}
		for _, who := range []string{"user:crm|1", "user:bob", "client:sc_other"} {
			a.want(403, who, "PUT", p, body) // the person neither: applications may trust these claims
		}
		a.want(401, "", "PUT", p, body)
		for _, bad := range []string{``, `[]`, `{"defaultClaims":[]}`, `{"defaultClaims":{"defaultAccessTokenClaims":{"sub":"usr_owner"}}}`, `{"defaultClaims":{"defaultAccessTokenClaims":{"SCOPE":"x"}}}`,
			`{"defaultClaims":{"defaultUserIdentityClaims":{"email":"x@example.com"}}}`, `{"defaultClaims":{"defaultAccessTokenClaims":"x"}}`, `{"defaultClaims":{"defaultAccessTokenClaims":{"a":1,"a":2}}}`,
			`{"defaultClaims":{"defaultAccessTokenClaims":{"a":"` + strings.Repeat("x", 1024) + `"}}}`} {
			a.want(400, owner, "PUT", p, bad)
		}
		if got := configured(a.want(200, owner, "PUT", p, `{}`)); strings.Contains(got, "gold") {
			t.Error(got)
		}
	}
	a.want(404, owner, "PUT", "/v1/users/nobody", body)
}

func TestDisableTokenOverHTTP(t *testing.T) {
	a := newAPI(t)
	a.person("crm|1")
	a.person("crm|2")
	a.grant("rec_reader", "bob", "Authress:ReadResource", "Authress:Users/*")
	path := func(user ident.UserID, token string) string {
		return "/v1/users/" + url.PathEscape(string(user)) + "/tokens/" + token
	}
	token := fmt.Sprintf("jti_%026d", 7)
	for range 2 {
		a.want(204, "user:crm|1", "DELETE", path("crm|1", token), "")
	}
	a.want(204, owner, "DELETE", path("crm|2", token), "")
	for _, who := range []string{"user:crm|2", "user:bob", "client:crm|1", "client:sc_other"} {
		a.want(403, who, "DELETE", path("crm|1", token), "")
	}
	a.want(401, "", "DELETE", path("crm|1", token), "")
	a.want(404, owner, "DELETE", path("nobody", token), "")
	a.want(404, "user:nobody", "DELETE", path("nobody", token), "")
	for _, bad := range []string{"x", "jti_", "*", token + "0", strings.ToUpper(token)} {
		a.want(400, owner, "DELETE", path("crm|1", bad), "")
	}
	if got := fmt.Sprint(a.disabled(t)); got != fmt.Sprintf("[crm|1 %s crm|2 %s]", token, token) {
		t.Error(got)
	}
}

// disabled lists the people and tokens that are dead.
func (a *api) disabled(t *testing.T) (out []string) {
	err := a.db.Read(t.Context(), tx.System(), func(ctx context.Context, x tx.Tx) error {
		got, err := sessiondb.Store{}.Revoked(ctx, x, session.RevokedQuery{})
		for _, d := range got.Tokens {
			out = append(out, string(d.User), d.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPeopleOfALinkedIssuer: nobody keeps a list of them, and still an administrator can end them.
func TestPeopleOfALinkedIssuer(t *testing.T) {
	a := newAPI(t)
	const one, two ident.UserID = "iss_0123456789abcdef|repo:acme~shop", "iss_0123456789abcdef|repo:acme~shop2"
	path := func(user ident.UserID) string { return "/v1/users/" + url.PathEscape(string(user)) }
	for i, who := range []ident.UserID{one, two} {
		a.grant(fmt.Sprint("rec_", i), string(who), "Authress:Owner", "docs")
	}
	a.grant("rec_reader", "bob", "Authress:ReadResource", "Authress:Users/*")
	may := func(user ident.UserID, want int) {
		t.Helper()
		a.want(want, owner, "GET", path(user)+"/resources/docs/permissions/READ", "")
	}
	const jti = "1b4e28ba=:2fa1"
	token := path(one) + "/tokens/" + url.PathEscape(jti)
	for _, who := range []string{"user:" + string(two), "user:bob", "client:sc_other", "client:" + string(one)} {
		a.want(403, who, "DELETE", path(one), "")
		a.want(403, who, "DELETE", token, "")
	}
	a.want(403, "user:"+string(one), "DELETE", path(one), "")
	a.want(204, owner, "DELETE", token, "")
	a.want(204, "user:"+string(one), "DELETE", token, "")
	a.want(400, owner, "DELETE", path(one)+"/tokens/a%20b", "")
	if got := fmt.Sprint(a.disabled(t)); got != "["+string(one)+" "+jti+"]" {
		t.Error(got)
	}
	may(one, 200)
	for range 2 {
		a.want(202, owner, "DELETE", path(one), "")
	}
	may(one, 404)
	may(two, 200)
	revoked := session.NewRevocations(sessiondb.Store{})
	if err := a.db.Read(t.Context(), tx.System(), revoked.Load); err != nil {
		t.Fatal(err)
	}
	if now := a.clock.Now(); !revoked.UserEnded(acct, one, now) || revoked.UserEnded(acct, one, now.Add(time.Second)) || revoked.UserEnded(acct, two, now) {
		t.Error("the wrong tokens live")
	}
	for _, id := range []ident.UserID{"iss_", "iss_x|y", "ISS_0123456789abcdef|x", "iss_0123456789abcdef|", "iss_0123456789abcdef|a b", "nobody"} {
		a.want(404, owner, "DELETE", path(id), "")
	}
	a.want(404, owner, "GET", path(one), "")
}

// members are the people of the tenant "shop".
type members struct{}

func (members) Members(_ context.Context, account ident.AccountID, id ident.TenantID, after ident.UserID, limit int) (out []ident.UserID, err error) {
	for n := range 250 {
		u := ident.UserID(fmt.Sprintf("crm|%03d", n))
		if account == acct && id == "shop" && u > after && len(out) < limit {
			out = append(out, u)
		}
	}
	return out, nil
}

func TestUsersOfATenantOverHTTP(t *testing.T) {
	a := newAPI(t)
	for n := range 130 {
		a.person(ident.UserID(fmt.Sprintf("crm|%03d", n)))
	}
	a.person("other|1")
	read := func(path string) (ids []string) {
		for path != "" {
			out := a.want(200, owner, "GET", path, "")
			for _, u := range out["users"].([]any) {
				ids = append(ids, u.(map[string]any)["userId"].(string))
			}
			next, _ := out["links"].(map[string]any)["next"].(map[string]any)
			if path, _ = next["href"].(string); path != "" {
				path = strings.TrimPrefix(path, base)
				// A cursor belongs to the question that it came from.
				a.want(400, owner, "GET", strings.Replace(path, "tenantId=shop", "tenantId=other", 1), "")
			}
		}
		return ids
	}
	if got := read("/v1/users?tenantId=shop&limit=50"); len(got) != 130 || got[0] != "crm|000" || got[129] != "crm|129" {
		t.Error(len(got))
	}
	if got := read("/v1/users?tenantId=shop&filter=CRM%7C12"); len(got) != 10 {
		t.Error(got)
	}
	if got := read("/v1/users?tenantId=none"); len(got) != 0 {
		t.Error(got)
	}
	if got := len(a.want(200, owner, "GET", "/v1/users?tenantId=undefined", "")["users"].([]any)); got != 100 {
		t.Error(got)
	}
	a.want(403, "user:crm|001", "GET", "/v1/users?tenantId=shop", "")
}
