package connection_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/connectiondb"
	"github.com/admit-id/admit/internal/connection/connectiontest"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

const account = connectiontest.Account

var admin = actor.ForOperator(account)

type house struct {
	*connection.Service
	directory *connection.Directory
	secrets   connection.Secrets
	clock     *clock.Fake
	events    []event.Event
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{}
	bus := &tx.Bus{}
	bus.Subscribe("*", func(_ context.Context, _ tx.Tx, e event.Event) error { h.events = append(h.events, e); return nil })
	db, clk := sqldbtest.SQLite(t, connectiondb.Migrations(), bus)
	keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	h.clock, h.secrets = clk, connection.NewSecrets(keys)
	h.Service = connection.New(connection.Deps{Runner: db, Store: connectiondb.New(), Secrets: h.secrets})
	h.directory = connection.NewDirectory(connectiondb.New())
	follower := feed.NewFollower(db, db, time.Minute)
	follower.Subscribe(h.directory, connection.FeedKind)
	if err := follower.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); follower.Run(ctx) }()
	db.Follow(follower.WaitFor)
	t.Cleanup(func() { stop(); <-done })
	return h
}

func input(id ident.ConnectionID) connection.Input {
	return connection.Input{ID: id, Secret: secret.New("first"),
		Spec: connection.Spec{Name: "Acme", IssuerURL: "https://idp.example.com", ClientID: "admit"}}
}

func TestLifeOfAConnection(t *testing.T) {
	h := open(t)
	c, err := h.Create(t.Context(), admin, input(""))
	if err != nil || !strings.HasPrefix(string(c.ID), "con_") || len(c.ID) != 30 || !c.Active || c.Scope != "openid profile email" {
		t.Fatalf("%+v, %v", c, err)
	}
	got, ok := h.directory.Get(account, c.ID)
	if !ok || got.Protocol() != connection.ProtocolOIDC || got.UserIDExpression != "{sub}" {
		t.Errorf("the directory did not follow: %+v", got)
	}
	if text, err := h.secrets.Open(got); err != nil || text.Reveal() != "first" {
		t.Errorf("%q, %v", text.Reveal(), err)
	}

	// No secret given: the old one stays. No activity given: it stays.
	h.clock.Advance(time.Second)
	off := false
	in := input(c.ID)
	in.Secret, in.Active, in.Name = secret.Text{}, &off, "Renamed"
	put, made, err := h.Put(t.Context(), admin, in)
	if err != nil || made || put.Active || !put.CreatedAt.Equal(c.CreatedAt) || !put.UpdatedAt.After(c.UpdatedAt) {
		t.Errorf("%+v, %v, %v", put, made, err)
	}
	if _, ok := h.directory.Get(account, c.ID); ok {
		t.Error("a connection that is switched off can be used")
	}
	in.Active = nil
	if put, _, err = h.Put(t.Context(), admin, in); err != nil || put.Active {
		t.Errorf("switched on again by an update that says nothing of it: %v", err)
	}
	if text, _ := h.secrets.Open(put); text.Reveal() != "first" {
		t.Error("the secret was lost")
	}

	if err := h.Delete(t.Context(), admin, c.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Get(t.Context(), account, c.ID); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	if err := h.Delete(t.Context(), admin, c.ID); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	var types []string
	for _, e := range h.events {
		types = append(types, e.Type)
		if e.Target != string(c.ID) || strings.Contains(fmt.Sprint(e.Detail), "first") {
			t.Errorf("%+v", e)
		}
	}
	if got := strings.Join(types, " "); got != "connection.created connection.updated connection.updated connection.deleted" {
		t.Error(got)
	}
}

// LNK-05: an id that was deleted is never given again, whichever verb asks for it.
func TestLNK05_IdsAreNeverUsedTwice(t *testing.T) {
	h := open(t)
	if _, made, err := h.Put(t.Context(), admin, input("con_sso-acme")); err != nil || !made {
		t.Fatal(made, err)
	}
	if _, err := h.Create(t.Context(), admin, input("con_sso-acme")); !fault.Is(err, fault.Conflict) {
		t.Error(err)
	}
	if err := h.Delete(t.Context(), admin, "con_sso-acme"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Create(t.Context(), admin, input("con_sso-acme")); !fault.Is(err, fault.Conflict) {
		t.Error("created again:", err)
	}
	if _, _, err := h.Put(t.Context(), admin, input("con_sso-acme")); !fault.Is(err, fault.Conflict) {
		t.Error("put again:", err)
	}
	other := actor.ForOperator("acc_two")
	if _, err := h.Create(t.Context(), other, input("con_sso-acme")); err != nil {
		t.Error("another account is kept from the id:", err)
	}
	if _, ok := h.directory.Get(account, "con_sso-acme"); ok {
		t.Error("another account's connection answers")
	}
}

// What decides who a person is cannot change under them.
func TestIdentityIsFixed(t *testing.T) {
	h := open(t)
	if _, err := h.Create(t.Context(), admin, input("con_a")); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*connection.Input){
		"expression": func(in *connection.Input) { in.UserIDExpression = "{email}" },
		"provider":   func(in *connection.Input) { in.Provider = "gitlab" },
		"protocol": func(in *connection.Input) {
			in.IssuerURL, in.AuthenticationURL, in.TokenURL, in.UserEndpointURL = "", "https://x.example.com/a", "https://x.example.com/t", "https://x.example.com/u"
		},
	} {
		in := input("con_a")
		change(&in)
		if _, _, err := h.Put(t.Context(), admin, in); !fault.Is(err, fault.Unprocessable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A secret is never sent to somebody else than it was given for.
func TestSecretDoesNotMove(t *testing.T) {
	h := open(t)
	c, err := h.Create(t.Context(), admin, input("con_a"))
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []func(*connection.Input){
		func(in *connection.Input) { in.IssuerURL = "https://evil.example.com" },
		func(in *connection.Input) { in.TokenURL = "https://evil.example.com/token" },
		func(in *connection.Input) { in.ClientID = "other" },
	} {
		in := input("con_a")
		in.Secret = secret.Text{}
		change(&in)
		if _, _, err := h.Put(t.Context(), admin, in); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
		in.Secret = secret.New("second")
		if _, _, err := h.Put(t.Context(), admin, in); err != nil {
			t.Error(err)
		}
		if _, _, err := h.Put(t.Context(), admin, input("con_a")); err != nil {
			t.Error(err)
		}
	}
	for _, moved := range []connection.Connection{
		{Account: account, ID: "con_b", SealedSecret: c.SealedSecret},
		{Account: "acc_two", ID: "con_a", SealedSecret: c.SealedSecret},
	} {
		if _, err := h.secrets.Open(moved); err == nil {
			t.Errorf("the secret opens at %s %s", moved.Account, moved.ID)
		}
	}
}

func TestBuiltInEmailConnection(t *testing.T) {
	h := open(t)
	if c, ok := h.directory.Get(account, connection.Email); !ok || c.Protocol() != connection.ProtocolEmail {
		t.Fatal("there is no e-mail connection")
	}
	if err := h.Delete(t.Context(), admin, connection.Email); !fault.Is(err, fault.Unprocessable) {
		t.Error(err)
	}
	if _, err := h.Create(t.Context(), admin, input(connection.Email)); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
	if _, _, err := h.Put(t.Context(), admin, input(connection.Email)); !fault.Is(err, fault.Unprocessable) {
		t.Error(err)
	}
	off, on := false, true
	for _, active := range []*bool{&off, &off, nil, &on} {
		c, _, err := h.Put(t.Context(), admin, connection.Input{ID: connection.Email, Active: active})
		want := active == &on
		if err != nil || c.Active != want || len(h.directory.Active(account)) != map[bool]int{true: 1}[want] {
			t.Errorf("%+v, %v", c, err)
		}
		if _, ok := h.directory.Get(account, connection.Email); ok != want {
			t.Error("the directory says", ok)
		}
	}
	if len(h.directory.Active("acc_two")) != 1 {
		t.Error("another account's e-mail connection was switched")
	}
}

func TestSwitch(t *testing.T) {
	h := open(t)
	if _, err := h.Create(t.Context(), admin, input("con_a")); err != nil {
		t.Fatal(err)
	}
	for _, id := range []ident.ConnectionID{"con_a", connection.Email} {
		for _, active := range []bool{false, true} {
			if err := h.Switch(t.Context(), admin, id, active); err != nil {
				t.Error(err)
			}
			if _, ok := h.directory.Get(account, id); ok != active {
				t.Errorf("%s: %v", id, ok)
			}
		}
	}
	if err := h.Switch(t.Context(), admin, "con_none", true); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestListGoesOnWhereItStopped(t *testing.T) {
	h := open(t)
	want := []string{"con_a", "con_b", string(connection.Email), "con_f", "con_g"}
	for _, id := range []ident.ConnectionID{"con_g", "con_a", "con_f", "con_b"} {
		in := input(id)
		in.Name = "Firm " + string(id)
		if _, err := h.Create(t.Context(), admin, in); err != nil {
			t.Fatal(err)
		}
	}
	for limit := 1; limit <= 6; limit++ {
		var got []string
		for after, more := ident.ConnectionID(""), true; more; {
			var page []connection.Connection
			var err error
			if page, more, err = h.List(t.Context(), account, connection.Query{After: after, Limit: limit}); err != nil || len(page) == 0 {
				t.Fatal(len(page), err)
			}
			for _, c := range page {
				got = append(got, string(c.ID))
			}
			after = page[len(page)-1].ID
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
	page, more, err := h.List(t.Context(), account, connection.Query{Filter: "FIRM CON_F"})
	if err != nil || more || len(page) != 1 || page[0].ID != "con_f" {
		t.Errorf("%+v, %v, %v", page, more, err)
	}
}

func TestListBeyondOnePage(t *testing.T) {
	h := open(t)
	for i := range connection.MaxPage + 5 {
		if _, err := h.Create(t.Context(), admin, input(ident.ConnectionID(fmt.Sprintf("con_a%03d", i)))); err != nil {
			t.Fatal(err)
		}
	}
	page, more, err := h.List(t.Context(), account, connection.Query{})
	if err != nil || !more || len(page) != connection.MaxPage {
		t.Fatal(len(page), more, err)
	}
	page, more, err = h.List(t.Context(), account, connection.Query{After: page[len(page)-1].ID})
	if err != nil || more || len(page) != 6 || page[5].ID != connection.Email {
		t.Error(len(page), more, err)
	}
}

func TestInputIsChecked(t *testing.T) {
	h := open(t)
	for name, change := range map[string]func(*connection.Input){
		"id of a client":         func(in *connection.Input) { in.ID = "sc_x" },
		"id with a slash":        func(in *connection.Input) { in.ID = "a/b" },
		"id too long":            func(in *connection.Input) { in.ID = ident.ConnectionID(strings.Repeat("a", 65)) },
		"SAML":                   func(in *connection.Input) { in.Type = "SAML2" },
		"unknown type":           func(in *connection.Input) { in.Type = "X" },
		"built-in type":          func(in *connection.Input) { in.Type = connection.TypeEmail },
		"unknown provider":       func(in *connection.Input) { in.Provider = "x" },
		"no name":                func(in *connection.Input) { in.Name = "" },
		"long name":              func(in *connection.Input) { in.Name = strings.Repeat("a", 65) },
		"hidden in name":         func(in *connection.Input) { in.Name = "a\u202eb" },
		"no client":              func(in *connection.Input) { in.ClientID = "" },
		"http issuer":            func(in *connection.Input) { in.IssuerURL = "http://idp.example.com" },
		"http loopback issuer":   func(in *connection.Input) { in.IssuerURL = "http://localhost:4000" },
		"issuer with a query":    func(in *connection.Input) { in.IssuerURL += "?x=1" },
		"issuer with a fragment": func(in *connection.Input) { in.IssuerURL += "#x" },
		"issuer with a user":     func(in *connection.Input) { in.IssuerURL = "https://a@idp.example.com" },
		"issuer too long":        func(in *connection.Input) { in.IssuerURL += "/" + strings.Repeat("a", 128) },
		"neither protocol":       func(in *connection.Input) { in.IssuerURL = "" },
		"half a protocol":        func(in *connection.Input) { in.IssuerURL, in.TokenURL = "", "https://x.example.com" },
		"no openid":              func(in *connection.Input) { in.Scope = "profile" },
		"scope with a quote":     func(in *connection.Input) { in.Scope = `openid "` },
		"bad expression":         func(in *connection.Input) { in.UserIDExpression = "sub" },
		"bad content type":       func(in *connection.Input) { in.ContentType = "text/plain" },
		"reserved property":      func(in *connection.Input) { in.Properties = map[string]string{"redirect_uri": "x"} },
		"reserved, other case":   func(in *connection.Input) { in.Properties = map[string]string{"State": "x"} },
		"property with a break":  func(in *connection.Input) { in.Properties = map[string]string{"prompt": "a\r\nb"} },
		"property with a name":   func(in *connection.Input) { in.Properties = map[string]string{"a&b": "x"} },
		"domain wildcard":        func(in *connection.Input) { in.EmailDomains = []string{"*.example.com"} },
		"domain in capitals":     func(in *connection.Input) { in.EmailDomains = []string{"Example.com"} },
		"any domain":             func(in *connection.Input) { in.EmailDomains = []string{"*"} },
		"directory, no template": func(in *connection.Input) { in.Directories = []string{"*"} },
		"template, no directory": func(in *connection.Input) { in.IssuerURL += "/{tenantid}" },
		"template in the host": func(in *connection.Input) {
			in.IssuerURL, in.Directories = "https://{tenantid}.example.com", []string{"*"}
		},
		"half a segment": func(in *connection.Input) { in.IssuerURL, in.Directories = in.IssuerURL+"/x{tenantid}", []string{"*"} },
		"directory no GUID": func(in *connection.Input) {
			in.IssuerURL, in.Directories = in.IssuerURL+"/{tenantid}", []string{"common"}
		},
		"all and some": func(in *connection.Input) {
			in.IssuerURL, in.Directories = in.IssuerURL+"/{tenantid}", []string{"*", "11111111-1111-4111-8111-111111111111"}
		},
		"short leeway":           func(in *connection.Input) { in.Leeway = time.Second },
		"long leeway":            func(in *connection.Input) { in.Leeway = 2 * time.Hour },
		"automatic linking":      func(in *connection.Input) { in.Linking = "AUTOMATIC" },
		"country":                func(in *connection.Input) { in.UserDataLocation = "Switzerland" },
		"secret with a space":    func(in *connection.Input) { in.Secret = secret.New("a b") },
		"secret too long":        func(in *connection.Input) { in.Secret = secret.New(strings.Repeat("a", 2049)) },
		"other issuer of Google": func(in *connection.Input) { in.Provider = "google" },
		"Apple without a key id": func(in *connection.Input) { in.Provider, in.IssuerURL = "apple", "" },
		"Apple with a plain text": func(in *connection.Input) {
			in.Provider, in.IssuerURL, in.SecretID, in.DeveloperAccountID = "apple", "", "k", "t"
		},
		"Microsoft, no directory": func(in *connection.Input) { in.Provider, in.IssuerURL = "microsoft", "" },
		"tag without a name":      func(in *connection.Input) { in.Tags = map[string]string{"": "x"} },
	} {
		in := input("con_a")
		change(&in)
		if c, err := h.Create(t.Context(), admin, in); !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.Unprocessable) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func TestPresets(t *testing.T) {
	h := open(t)
	for provider, spec := range map[string]connection.Spec{
		"google": {}, "gitlab": {}, "github": {}, "microsoft": {Directories: []string{"*"}},
	} {
		spec.Provider, spec.ClientID = provider, "client"
		c, err := h.Create(t.Context(), admin, connection.Input{Spec: spec, Secret: secret.New("s")})
		if err != nil {
			t.Errorf("%s: %v", provider, err)
			continue
		}
		// What is read can be written back.
		if _, _, err := h.Put(t.Context(), admin, connection.Input{ID: c.ID, Spec: c.Spec}); err != nil {
			t.Errorf("%s: %v", provider, err)
		}
	}
}

// A connection of passwords has a name and nothing of a provider.
func TestPasswordConnection(t *testing.T) {
	h := open(t)
	ctx := context.Background()
	plain := connection.Input{ID: "con_pw", Spec: connection.Spec{Type: connection.TypePassword}}
	c, err := h.Create(ctx, admin, plain)
	if err != nil || c.Name != "Password" || c.Protocol() != connection.ProtocolPassword || !c.Active || !c.Public() {
		t.Fatalf("%+v, %v", c, err)
	}
	if _, err := (connection.Upstreams{}).AuthorizeURL(ctx, c, connection.Leg{}); err == nil {
		t.Error("somebody is sent to a provider that is not there")
	}
	for name, change := range map[string]func(*connection.Input){
		"provider": func(in *connection.Input) { in.Provider = "google" }, "issuer": func(in *connection.Input) { in.IssuerURL = "https://id.example" },
		"client": func(in *connection.Input) { in.ClientID = "x" }, "secret": func(in *connection.Input) { in.Secret = secret.New("x") },
		"domains": func(in *connection.Input) { in.EmailDomains = []string{"x.example"} }, "linking": func(in *connection.Input) { in.Linking = connection.LinkingExplicit },
		"scope": func(in *connection.Input) { in.Scope = "openid" }, "user": func(in *connection.Input) { in.UserIDExpression = "{sub}" },
		"properties": func(in *connection.Input) { in.Properties = map[string]string{"a": "b"} }, "directories": func(in *connection.Input) { in.Directories = []string{"*"} },
		"another type": func(in *connection.Input) { in.Type = connection.TypeEmail }, "a third": func(in *connection.Input) { in.Type = "WebAuthN" },
	} {
		in := plain
		in.ID = "con_other"
		change(&in)
		if _, err := h.Create(ctx, admin, in); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	other := input("con_pw")
	if _, _, err := h.Put(ctx, admin, other); err == nil {
		t.Error("the type changed")
	}
}
