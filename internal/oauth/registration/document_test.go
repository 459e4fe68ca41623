package registration_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/registration"
	"github.com/admit-id/admit/internal/oauth/remote"
)

const (
	documentID = "https://app.example/oauth/client.json"
	someKey    = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
)

type host struct {
	asked  int
	answer remote.Answer
	err    error
}

func (h *host) Fetch(_ context.Context, address string, limit int64) (remote.Answer, error) {
	h.asked++
	if limit != registration.MaxDocument {
		return remote.Answer{}, errors.New("no bound")
	}
	return h.answer, h.err
}

type shelf struct {
	*registration.Documents
	host
	settings registration.Settings
	clock    *clock.Fake
}

func newShelf() *shelf {
	s := &shelf{clock: clock.NewFake(sqldbtest.Start), settings: registration.Settings{DocumentHosts: []string{"app.example", "b.example:8443"}}}
	s.Documents = registration.NewDocuments(registration.DocumentDeps{
		Fetch: &s.host, Clock: s.clock, Settings: func(ident.AccountID) registration.Settings { return s.settings },
	})
	return s
}

func (s *shelf) serve(members string) {
	s.answer = remote.Answer{Body: []byte(`{"client_id":"` + documentID + `",` + members + `}`)}
}

func TestADocument(t *testing.T) {
	s := newShelf()
	s.settings.Scopes, s.settings.Resources = []string{"openid", "mcp:tools"}, []string{"https://mcp.example/"}
	s.serve(`"client_name":"Agent","redirect_uris":["http://127.0.0.1/cb","http://localhost/cb"],"token_endpoint_auth_method":"none","grant_types":["authorization_code","refresh_token","urn:other"],"response_types":["code","token"],"contacts":["a@app.example"],"x":{"y":1}`)
	for range 10 {
		c, err := s.Client(t.Context(), "acc_a", documentID)
		if err != nil {
			t.Fatal(err)
		}
		o := c.Settings
		if c.ID != documentID || c.Account != "acc_a" || c.Kind != oauth.Document || c.Name != "Agent" || c.Host() != "app.example" || !c.Public() || !o.ThirdParty || !o.Native {
			t.Fatalf("%+v", c)
		}
		if !c.MayUse(application.GrantRefresh) || c.MayUse(application.GrantClientCredentials) || c.MayUse("urn:other") || strings.Join(o.Scopes, " ") != "openid mcp:tools" || o.Resources[0] != "https://mcp.example/" {
			t.Fatalf("%+v", o)
		}
		if !c.AllowsRedirect("http://127.0.0.1:4711/cb") || c.AllowsRedirect("http://localhost:4711/cb") || !c.AllowsRedirect("http://localhost/cb") {
			t.Fatal("redirects")
		}
	}
	if s.asked != 1 {
		t.Fatalf("asked %d times", s.asked)
	}
	if _, err := s.Client(t.Context(), "acc_b", documentID); err != nil || s.asked != 2 {
		t.Fatal("each account by itself", s.asked, err)
	}
	// The account changes its mind: at once, without asking anybody.
	s.settings.DocumentHosts = nil
	if _, err := s.Client(t.Context(), "acc_a", documentID); oauth.CodeOf(err) != oauth.InvalidClient || s.asked != 2 {
		t.Fatal(err)
	}
}

// Nothing is fetched that the account has not named, in the one spelling of its address.
func TestDocumentAddresses(t *testing.T) {
	s := newShelf()
	s.serve(`"redirect_uris":["https://app.example/cb"]`)
	for _, id := range []string{
		"", "https://", "https:///x", "https://app.example", "https://app.example/", "http://app.example/c", "https://APP.example/c", "https://app.example./c", "https://app.example:443@evil.example/c",
		"https://user@app.example/c", "https://app.example/c#f", "https://app.example/c?q=1", "https://app.example/../c", "https://app.example/./c", "https://app.example/a/../../c", "https://app.example/%2e%2e/c",
		"https://app.example\\@evil.example/c", "https://app.example/c d", "https://app.example/c\n", "https://app.exämple/c", "https://evil.example/c", "https://app.example.evil.example/c", "https://xapp.example/c",
		"https://sub.app.example/c", "https://b.example/c", "https://app.example:8443/c", "https://127.0.0.1/c", "https://[::1]/c", "https://localhost/c", "https://2130706433/c", "https://0x7f.1/c", "https://127.1/c",
		"HTTPS://app.example/c", "https://app.example/" + strings.Repeat("a", 600), "ftp://app.example/c", "https:/app.example/c", "https:app.example/c",
	} {
		if _, err := s.Client(t.Context(), "acc_a", id); oauth.CodeOf(err) != oauth.InvalidClient {
			t.Errorf("%q: %v", id, err)
		}
	}
	if s.asked != 0 {
		t.Fatalf("asked %d times", s.asked)
	}
	s.settings.DocumentHosts = []string{"*"}
	for _, id := range []string{"https://127.0.0.1/c", "https://[::1]/c", "https://localhost/c", "https://2130706433/c", "https://0x7f.1/c", "https://intranet/c", "https://169.254.169.254/c"} {
		if _, err := s.Client(t.Context(), "acc_a", id); oauth.CodeOf(err) != oauth.InvalidClient || s.asked != 0 {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := s.Client(t.Context(), "acc_a", documentID); err != nil {
		t.Error("any host:", err)
	}
}

func TestDocumentsThatAreNoGood(t *testing.T) {
	const redirect = `"redirect_uris":["https://app.example/cb"]`
	for what, body := range map[string]string{
		"another's id":        `{"client_id":"https://app.example/other.json",` + redirect + `}`,
		"an id with a slash":  `{"client_id":"` + documentID + `/",` + redirect + `}`,
		"no id":               `{` + redirect + `}`,
		"an id twice":         `{"client_id":"` + documentID + `","client_id":"` + documentID + `",` + redirect + `}`,
		"an id in other case": `{"Client_ID":"` + documentID + `",` + redirect + `}`,
		"a list":              `[]`,
		"nothing":             ``,
		"null":                `null`,
		"more after it":       `{"client_id":"` + documentID + `",` + redirect + `} {}`,
		"a secret":            `{"client_id":"` + documentID + `",` + redirect + `,"client_secret":"x"}`,
		"a secret's end":      `{"client_id":"` + documentID + `",` + redirect + `,"client_secret_expires_at":0}`,
		"a secret's method":   `{"client_id":"` + documentID + `",` + redirect + `,"token_endpoint_auth_method":"client_secret_basic"}`,
		"a certificate":       `{"client_id":"` + documentID + `",` + redirect + `,"token_endpoint_auth_method":"self_signed_tls_client_auth","jwks":` + someKey + `}`,
		"a key without keys":  `{"client_id":"` + documentID + `",` + redirect + `,"token_endpoint_auth_method":"private_key_jwt"}`,
		"a symmetric key":     `{"client_id":"` + documentID + `",` + redirect + `,"jwks":{"keys":[{"kty":"oct","k":"AA"}]}}`,
		"keys inside":         `{"client_id":"` + documentID + `",` + redirect + `,"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"http://10.0.0.1/"}`,
		"no redirect":         `{"client_id":"` + documentID + `"}`,
		"a bad redirect":      `{"client_id":"` + documentID + `","redirect_uris":["http://app.example/cb"]}`,
		"a script":            `{"client_id":"` + documentID + `","redirect_uris":["javascript:alert(1)"]}`,
		"a redirect as text":  `{"client_id":"` + documentID + `","redirect_uris":"https://app.example/cb"}`,
	} {
		s := newShelf()
		s.answer = remote.Answer{Body: []byte(body)}
		_, err := s.Client(t.Context(), "acc_a", documentID)
		if oauth.CodeOf(err) != oauth.InvalidClient {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if d := err.(*oauth.Error).Description; strings.ContainsAny(d, "\"\\") || strings.Contains(d, "app.example") {
			t.Errorf("%s: %s", what, d)
		}
		for range 20 {
			s.Client(t.Context(), "acc_a", documentID)
		}
		if s.asked != 1 {
			t.Errorf("%s: asked %d times", what, s.asked)
		}
	}
	s := newShelf()
	s.serve(redirect + `,"client_name":"Ad\u202emin","token_endpoint_auth_method":"private_key_jwt","jwks":` + someKey)
	if c, err := s.Client(t.Context(), "acc_a", documentID); err != nil || c.Name != "app.example" || c.Public() {
		t.Error("a name that is not to be shown:", c, err)
	}
}

// A document is kept as long as its host says, within bounds; a host that is away does not end its
// clients at once, and one that says the client is gone does.
func TestDocumentsAreKept(t *testing.T) {
	s := newShelf()
	s.serve(`"redirect_uris":["https://app.example/cb"]`)
	s.answer.MaxAge = time.Second
	want := func(asked int, good bool) {
		t.Helper()
		_, err := s.Client(t.Context(), "acc_a", documentID)
		if s.asked != asked || (err == nil) != good {
			t.Fatal(s.asked, err)
		}
	}
	want(1, true)
	s.clock.Advance(4 * time.Minute)
	want(1, true) // at least five minutes
	s.clock.Advance(2 * time.Minute)
	s.answer.MaxAge = 365 * 24 * time.Hour
	want(2, true)
	s.clock.Advance(23 * time.Hour)
	want(2, true)
	s.clock.Advance(2 * time.Hour) // at most a day
	s.err = errors.New("down")
	_, err := s.Client(t.Context(), "acc_a", documentID)
	if !fault.Is(err, fault.Unavailable) {
		t.Fatal("an hour beyond:", err)
	}
	s.err = nil
	s.answer.MaxAge = 0
	s.clock.Advance(time.Minute)
	want(4, true)
	s.clock.Advance(70 * time.Minute)
	s.err = errors.New("down")
	want(5, true) // the old one serves
	s.clock.Advance(time.Minute)
	s.err = remote.ErrAnswer
	want(6, false)
}
