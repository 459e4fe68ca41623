package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/admit-id/admit/client"
	"github.com/admit-id/admit/client/verify"
)

// people verifies tokens by a table: the token of a person is their name.
type people map[string]error

func (p people) Verify(_ context.Context, token string) (verify.Claims, error) {
	err, ok := p[token]
	if !ok {
		err = verify.ErrMalformed
	}
	return verify.Claims{Subject: token}, err
}

// admitStub knows that ada may read everything, bob harbour only, and that eve may not be asked about.
func admitStub(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/v1/users/")
	switch {
	case strings.HasPrefix(path, "eve/"):
		w.WriteHeader(http.StatusForbidden)
	case path == "ada/resources/accounts/*/permissions/accounts:read", path == "bob/resources/accounts/harbour/permissions/accounts:read",
		path == "ada/resources/accounts/lantern/permissions/accounts:read":
		w.WriteHeader(http.StatusOK)
	case path == "bob/resources" && r.URL.Query().Get("cursor") == "":
		_, _ = w.Write([]byte(`{"userId":"bob","resources":[],"pagination":{"next":{"cursor":"2"}}}`))
	case path == "bob/resources":
		_, _ = w.Write([]byte(`{"userId":"bob","resources":[{"resourceUri":"accounts/harbour"}]}`))
	case strings.HasSuffix(path, "/resources"):
		_, _ = w.Write([]byte(`{"userId":"x","resources":[]}`))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func TestAPI(t *testing.T) {
	admit := httptest.NewServer(http.HandlerFunc(admitStub))
	defer admit.Close()
	c, err := client.New(client.Config{BaseURL: admit.URL, Credentials: client.Token("key")})
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := readAccounts("../accounts.json")
	if err != nil {
		t.Fatal(err)
	}
	api := newAPI(people{"ada": nil, "bob": nil, "new": nil, "eve": nil, "old": verify.ErrExpired, "far": verify.ErrIssuer, "bad": verify.ErrSignature}, c, accounts)
	for _, q := range []struct {
		who, path string
		status    int
		body      string
	}{
		{"", "/api/accounts", 401, "access token"},
		{"old", "/api/accounts", 401, "access token"},
		{"far", "/api/accounts/harbour", 401, "access token"},
		{"bad", "/api/accounts/harbour", 401, "access token"},
		{"", "/nowhere", 401, "access token"},
		{"ada", "/nowhere", 404, "nothing"},
		{"ada", "/api/accounts", 200, "orchard"},
		{"ada", "/api/accounts/lantern", 200, `"id":"lantern"`},
		{"bob", "/api/accounts", 200, `{"accounts":[{"id":"harbour"`},
		{"bob", "/api/accounts/harbour", 200, `"id":"harbour"`},
		{"bob", "/api/accounts/lantern", 404, "no such account"},
		{"bob", "/api/accounts/unknown", 404, "no such account"},
		{"new", "/api/accounts", 200, `{"accounts":[]}`},
		{"eve", "/api/accounts", 503, "cannot be asked"},
		{"eve", "/api/accounts/harbour", 503, "cannot be asked"},
	} {
		r := httptest.NewRequest(http.MethodGet, q.path, nil)
		if q.who != "" {
			r.Header.Set("Authorization", "Bearer "+q.who)
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code != q.status || !strings.Contains(w.Body.String(), q.body) {
			t.Errorf("%s %s: got %d %s", q.who, q.path, w.Code, w.Body)
		}
		if (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%s %s: WWW-Authenticate is %q", q.who, q.path, w.Header().Get("WWW-Authenticate"))
		}
	}
}
