package client

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/client/verify"
)

// server answers with the statuses and bodies of a script, one a request, and the last for ever.
type server struct {
	*httptest.Server
	script []answer
	mu     sync.Mutex
	list   []heard
}

// heard returns the requests so far.
func (s *server) heard() []heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

type answer struct {
	status int
	body   string
}

type heard struct{ method, uri, authorization, body string }

func newServer(t *testing.T, script ...answer) (*server, *Client) {
	t.Helper()
	s := &server{script: script}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.list = append(s.list, heard{r.Method, r.RequestURI, r.Header.Get("Authorization"), string(body)})
		a := s.script[min(len(s.list), len(s.script))-1]
		s.mu.Unlock()
		if a.status == 0 { // no answer
			panic(http.ErrAbortHandler)
		}
		if a.status/100 == 3 {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	}))
	t.Cleanup(s.Close)
	c, err := New(Config{BaseURL: s.URL, Credentials: Token("t")})
	if err != nil {
		t.Fatal(err)
	}
	c.sleep = func(context.Context, time.Duration) error { return nil }
	return s, c
}

func TestAuthorizeUser(t *testing.T) {
	for _, c := range []struct {
		script   []answer
		yes      bool
		want     error
		requests int
	}{
		{[]answer{{200, ""}}, true, nil, 1},
		{[]answer{{204, ""}}, true, nil, 1},
		{[]answer{{404, `{"title":"No."}`}}, false, nil, 1},
		{[]answer{{403, ""}}, false, ErrForbidden, 1},
		{[]answer{{401, ""}}, false, ErrUnauthenticated, 1},
		{[]answer{{400, ""}}, false, ErrInvalid, 1},
		{[]answer{{429, ""}}, false, ErrLimited, 1},
		{[]answer{{302, ""}}, false, ErrUnavailable, 1},
		{[]answer{{503, ""}}, false, ErrUnavailable, attempts},
		{[]answer{{503, ""}, {200, ""}}, true, nil, 2},
		{[]answer{{0, ""}, {500, ""}, {404, ""}}, false, nil, 3},
		{[]answer{{0, ""}}, false, ErrUnavailable, attempts},
	} {
		s, client := newServer(t, c.script...)
		yes, err := client.AuthorizeUser(context.Background(), "u_1", "accounts/a1", "accounts:read")
		// A connection that breaks may be repeated once more by net/http itself.
		if yes != c.yes || !errors.Is(err, c.want) || len(s.heard()) < c.requests || len(s.heard()) > c.requests+attempts {
			t.Errorf("%v: got %v, %v after %d requests", c.script, yes, err, len(s.heard()))
		}
	}
	_, client := newServer(t, answer{200, ""})
	for _, args := range [][3]string{{"", "a", "b"}, {"a", "", "b"}, {"a", "b", ""}} {
		if yes, err := client.AuthorizeUser(context.Background(), args[0], args[1], args[2]); yes || err == nil {
			t.Errorf("%q is asked", args)
		}
	}
}

func TestPathsAreEscaped(t *testing.T) {
	for resource, want := range map[string]string{
		"accounts/a1":  "accounts%2Fa1",
		"accounts/*":   "accounts%2F%2A",
		"a b?c#d%2F":   "a%20b%3Fc%23d%252F",
		"..":           "%2E%2E",
		".":            "%2E",
		"a/../b":       "a%2F..%2Fb",
		"a.b:c|d~e-_f": "a.b%3Ac%7Cd~e-_f",
		"é\n":          "%C3%A9%0A",
	} {
		s, client := newServer(t, answer{200, ""})
		if _, err := client.AuthorizeUser(context.Background(), "auth0|u?1", resource, "docs:read"); err != nil {
			t.Fatal(err)
		}
		if got := s.heard()[0].uri; got != "/v1/users/auth0%7Cu%3F1/resources/"+want+"/permissions/docs%3Aread" {
			t.Errorf("%q: got %s", resource, got)
		}
	}
}

// The server takes no slash in a user's segment of the path.
func TestUsersWithSlashesAreAskedAboutInABatch(t *testing.T) {
	for body, want := range map[string]error{
		`{"results":[{"allowed":true}]}`:                             nil,
		`{"results":[{"error":{"errorCode":"Forbidden"}}]}`:          ErrForbidden,
		`{"results":[{"error":{"errorCode":"InvalidRequest"}}]}`:     ErrInvalid,
		`{"results":[{"allowed":true},{"allowed":true}]}`:            ErrUnavailable,
		`{"results":[{"allowed":true,"error":{"errorCode":"New"}}]}`: ErrInvalid,
	} {
		s, client := newServer(t, answer{200, body})
		yes, err := client.AuthorizeUser(context.Background(), "google|1/2", "r", "p")
		if yes != (want == nil) || !errors.Is(err, want) || s.heard()[0].uri != "/v1/checks" {
			t.Errorf("%s: %v, %v at %s", body, yes, err, s.heard()[0].uri)
		}
	}
}

func TestErrorsCarryWhatTheServerSaid(t *testing.T) {
	_, client := newServer(t, answer{403, `{"title":"Not yours.","errorCode":"Forbidden","errorId":"e1"}`})
	_, err := client.AuthorizeUser(context.Background(), "u", "r", "p")
	var e *Error
	if !errors.As(err, &e) || e.Status != 403 || e.Title != "Not yours." || e.Code != "Forbidden" || e.ID != "e1" {
		t.Errorf("got %v", err)
	}
}

func TestUserResources(t *testing.T) {
	s, client := newServer(t,
		answer{200, `{"userId":"u_1","resources":[{"resourceUri":"accounts/a1"},{"resourceUri":"accounts/a2"}],"pagination":{"next":{"cursor":"c2"}},"links":{}}`},
		answer{200, `{"userId":"u_1","resources":[],"pagination":{},"links":{}}`})
	page, err := client.UserResources(context.Background(), "u_1", ResourceQuery{Resource: "accounts/*", Permission: "accounts:read", Nested: true, Limit: 20})
	if err != nil || fmt.Sprint(page.Resources) != "[accounts/a1 accounts/a2]" || page.Next != "c2" || page.UserID != "u_1" {
		t.Fatalf("got %+v, %v", page, err)
	}
	if got := s.heard()[0].uri; got != "/v1/users/u_1/resources?collectionConfiguration=INCLUDE_NESTED&limit=20&permissions=accounts%3Aread&resourceUri=accounts%2F%2A" {
		t.Errorf("got %s", got)
	}
	page, err = client.UserResources(context.Background(), "u_1", ResourceQuery{Cursor: page.Next})
	if err != nil || len(page.Resources) != 0 || page.Next != "" || !strings.HasSuffix(s.heard()[1].uri, "?cursor=c2") {
		t.Errorf("got %+v, %v, %s", page, err, s.heard()[1].uri)
	}
}

func TestRecords(t *testing.T) {
	s, client := newServer(t, answer{201, `{"recordId":"rec_1","name":"n","status":"ACTIVE","lastUpdated":"2026-11-21T12:00:00.123Z","statements":[],"links":{}}`})
	r := Record{Name: "n", Users: []UserRef{{"u_1"}}, Statements: []Statement{{Roles: []string{"Authress:Owner"}, Resources: []ResourceRef{{"accounts/a1"}}}}}
	made, err := client.CreateRecord(context.Background(), r)
	if err != nil || made.ID != "rec_1" || made.LastUpdated == nil {
		t.Fatalf("got %+v, %v", made, err)
	}
	if got, want := s.heard()[0].body, `{"name":"n","users":[{"userId":"u_1"}],"statements":[{"roles":["Authress:Owner"],"resources":[{"resourceUri":"accounts/a1"}]}]}`; got != want {
		t.Errorf("sent %s", got)
	}

	// One without an id is never sent twice: the server might make two.
	s, client = newServer(t, answer{503, ""}, answer{201, "{}"})
	if _, err := client.CreateRecord(context.Background(), r); !errors.Is(err, ErrUnavailable) || len(s.heard()) != 1 {
		t.Errorf("got %v after %d requests", err, len(s.heard()))
	}
	r.ID = "rec_2"
	s, client = newServer(t, answer{503, ""}, answer{409, `{"errorCode":"AccessRecordAlreadyExists"}`})
	if _, err := client.CreateRecord(context.Background(), r); !errors.Is(err, ErrConflict) || len(s.heard()) != 2 {
		t.Errorf("got %v after %d requests", err, len(s.heard()))
	}

	_, client = newServer(t, answer{404, ""})
	if err := client.DeleteRecord(context.Background(), "rec_1"); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	s, client = newServer(t, answer{500, ""}, answer{404, ""})
	if err := client.DeleteRecord(context.Background(), "a/b"); err != nil || s.heard()[1].uri != "/v1/records/a%2Fb" {
		t.Errorf("got %v, %+v", err, s.heard())
	}
	_, client = newServer(t, answer{200, `{"recordId":"rec_1","name":"n","statements":[]}`})
	if got, err := client.Record(context.Background(), "rec_1"); err != nil || got.Name != "n" {
		t.Errorf("got %+v, %v", got, err)
	}
	_, client = newServer(t, answer{200, `{"recordId":`})
	if _, err := client.Record(context.Background(), "rec_1"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("half an answer: got %v", err)
	}
}

func TestContextEndsTheCall(t *testing.T) {
	s, client := newServer(t, answer{503, ""})
	client.sleep = sleep
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if _, err := client.AuthorizeUser(ctx, "u", "r", "p"); !errors.Is(err, ErrUnavailable) || len(s.heard()) > 2 {
		t.Errorf("got %v after %d requests", err, len(s.heard()))
	}
}

func TestAsSendsThePersonsToken(t *testing.T) {
	s, client := newServer(t, answer{200, ""})
	_, _ = client.As("person").AuthorizeUser(context.Background(), "u", "r", "p")
	_, _ = client.AuthorizeUser(context.Background(), "u", "r", "p")
	if s.heard()[0].authorization != "Bearer person" || s.heard()[1].authorization != "Bearer t" {
		t.Errorf("sent %+v", s.heard())
	}
}

func testKey() (text string, public ed25519.PublicKey) {
	seed := sha256.Sum256([]byte("access key"))
	private := ed25519.NewKeyFromSeed(seed[:])
	der := append(append([]byte(nil), pkcs8...), seed[:]...)
	return "sc_1.key_1.acc_default." + base64.StdEncoding.EncodeToString(der), private.Public().(ed25519.PublicKey)
}

func TestAccessKey(t *testing.T) {
	text, public := testKey()
	k, err := ParseAccessKey(text + "\n")
	if err != nil || k.ClientID() != "sc_1" || k.AccountID() != "acc_default" {
		t.Fatal(k, err)
	}
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	k.now = func() time.Time { return at }
	const base = "https://login.example.test"
	first, err := k.Token(context.Background(), base)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := verify.Parse(first)
	if err != nil || parsed.KeyID() != "key_1" || parsed.Type() != verify.TypeAccessToken {
		t.Fatal(parsed, err)
	}
	c, err := parsed.Claims(public)
	if err != nil || c.Issuer != base+"/v1/clients/sc_1" || c.Subject != "sc_1" || c.ClientID != "sc_1" || !c.HasAudience("acc_default.accounts.authress.io") || !c.ExpiresAt.Equal(at.Add(keyTokenLife)) {
		t.Fatalf("%+v, %v", c, err)
	}
	at = at.Add(keyTokenLife - keyTokenSpare - time.Second)
	if again, _ := k.Token(context.Background(), base); again != first {
		t.Error("a token is made too early")
	}
	if other, _ := k.Token(context.Background(), base+":8443"); other == first {
		t.Error("a token of one server is used for another")
	}
	at = at.Add(time.Second)
	if again, _ := k.Token(context.Background(), base); again == first {
		t.Error("a token is used too long")
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	text, _ := testKey()
	k, err := ParseAccessKey(text)
	if err != nil {
		t.Fatal(err)
	}
	secret := text[strings.LastIndex(text, ".")+1:]
	for _, s := range []string{fmt.Sprint(k), fmt.Sprintf("%+v %#v", k, k), fmt.Sprintf("%v %#v", Token(secret), Token(secret))} {
		if strings.Contains(s, secret) {
			t.Errorf("printed %s", s)
		}
	}
	//lint:ignore SA9005 that nothing of it is encoded is what this tests
	if b, _ := json.Marshal(k); strings.Contains(string(b), secret) {
		t.Errorf("encoded %s", b)
	}
	for _, bad := range []string{"", "a.b.c", text + ".x", strings.Replace(text, "MC4", "MC5", 1), "sc_1..acc." + secret, "sc_1.k.acc." + secret[:60], strings.TrimRight(text, "=") + "!"} {
		_, err := ParseAccessKey(bad)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestNewChecksTheConfiguration(t *testing.T) {
	for _, base := range []string{"", "https://x.test/", "https://x.test/v1", "http://x.test", "https://u@x.test", "x.test", "https://x.test?a"} {
		if _, err := New(Config{BaseURL: base, Credentials: Token("t")}); err == nil {
			t.Errorf("%q is accepted", base)
		}
	}
	if _, err := New(Config{BaseURL: "http://localhost:8080"}); err == nil {
		t.Error("no credentials are accepted")
	}
}
