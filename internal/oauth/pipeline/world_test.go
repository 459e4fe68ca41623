package pipeline_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/keyring/keyringdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/dpop"
	"github.com/admit-id/admit/internal/oauth/introspection"
	"github.com/admit-id/admit/internal/oauth/oauthdb"
	"github.com/admit-id/admit/internal/oauth/party"
	"github.com/admit-id/admit/internal/oauth/party/partydb"
	"github.com/admit-id/admit/internal/oauth/pipeline"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/session/sessiontest"
	"github.com/admit-id/admit/internal/token"
	"github.com/admit-id/admit/internal/user"
	"github.com/admit-id/admit/internal/user/userdb"
)

const (
	account  = ident.AccountID("acc_test")
	issuer   = "https://login.example.test"
	callback = "https://app.example.test/back"
	verifier = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	api      = "https://api.example.test/"
	key1     = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	key2     = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA"
)

// world is the token endpoint over a real database, with clients and proofs that the test makes up.
type world struct {
	*testing.T
	db       *sqldb.DB
	clock    *clock.Fake
	clients  map[string]oauth.Client
	sessions *session.Service
	users    *user.Service
	families *pipeline.Families
	service  *pipeline.Service
	reader   *introspection.Reader
	facts    *introspection.Service
	tokens   *token.Service
	codes    oauthdb.Codes
	person   user.User
	session  session.Session

	mu     sync.Mutex
	events map[string]int
	finds  int             // reads of people by the pipeline
	gone   map[string]bool // clients that are not there any more
	linked map[string]token.LinkedProof
	before func() // runs before a grant is inserted, once
}

// everywhere runs fn on both databases.
func everywhere(t *testing.T, fn func(w *world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		bus := &tx.Bus{}
		db, clk := sqldbtest.SQLite(t, migrations(), bus)
		fn(newWorld(t, db, clk, bus))
	})
	sqldbtest.Each(t, nil, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		if db.Dialect() != sqldb.Postgres {
			return
		}
		bus := &tx.Bus{}
		own, clk := sqldbtest.Postgres(t, migrations(), bus)
		fn(newWorld(t, own, clk, bus))
	})
}

func migrations() []sqldb.Migration {
	var all []sqldb.Migration
	for _, m := range [][]sqldb.Migration{sessiondb.Migrations(), userdb.Migrations(), keyringdb.Migrations(), oauthdb.Migrations(), partydb.Migrations()} {
		all = append(all, m...)
	}
	return all
}

func newWorld(t testing.TB, db *sqldb.DB, clk *clock.Fake, bus *tx.Bus) *world {
	w := &world{db: db, clock: clk, events: map[string]int{}, gone: map[string]bool{}, linked: map[string]token.LinkedProof{}}
	w.T, _ = t.(*testing.T)
	bus.Subscribe("*", func(_ context.Context, _ tx.Tx, e event.Event) error {
		w.mu.Lock()
		w.events[e.Type]++
		w.mu.Unlock()
		return nil
	})
	keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	store := sessiondb.Store{}
	w.sessions = session.New(session.Deps{DB: db, Store: store, Tokens: store, Chains: store, Keys: sessiontest.Keys()})
	w.users = user.New(db, userdb.Store{}, userdb.Store{})
	revocations := session.NewRevocations(store)
	signing := keyring.New(keyring.Deps{DB: db, Store: keyringdb.Store{}, Janitor: keyringdb.Store{}, Keys: keys})
	if err := signing.Ensure(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	clk.Advance(time.Minute)
	ring := keyring.NewRing(keyringdb.Store{}, keys, clk)
	w.tokens = token.NewService(token.ServiceDeps{Signers: ring, Keys: ring, Issuer: func(ident.AccountID) string { return issuer }})
	people := introspection.NewPeople(db, w.users)

	follower := feed.NewFollower(db, db, time.Minute)
	follower.Subscribe(revocations, session.FeedKinds()...)
	follower.Subscribe(ring, keyring.ChangeKind)
	follower.Subscribe(people, user.ChangeKind)
	if err := follower.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { follower.Run(ctx); close(ended) }()
	t.Cleanup(func() { stop(); <-ended })
	db.Follow(follower.WaitFor)

	grants := oauthdb.NewGrants()
	w.codes = oauthdb.NewCodes()
	w.families = pipeline.NewFamilies(inserting{grants, w}, w.sessions, keys)
	w.reader = introspection.NewReader(introspection.ReaderDeps{
		DB: db, Opaques: oauthdb.Opaques{}, Tokens: w.tokens, Ended: revocations, Issuer: func(ident.AccountID) string { return issuer },
		Published: w.tokens.Published, Client: func(_ ident.AccountID, id string) bool { return !w.gone[id] }, Fresh: func() bool { return true }, Clock: clk,
	})
	w.facts = introspection.New(introspection.Deps{
		DB: db, Reader: w.reader, People: people, Parties: w, Signer: w.tokens, Grants: oauthdb.Grants{}, Families: w.families, Ender: w.sessions,
	})
	w.service = pipeline.New(pipeline.Deps{
		DB: db, Parties: w, Proofs: proofs{}, Users: counted{w}, People: people, Sessions: w.sessions, Opaques: oauthdb.Opaques{}, Families: w.families,
		Signer: w.tokens, Issuer: func(ident.AccountID) string { return issuer },
		Grants: []pipeline.Grant{
			pipeline.CodeGrant{Codes: w.codes, Families: w.families},
			pipeline.RefreshGrant{Store: grants, Families: w.families},
			pipeline.ClientGrant{},
			pipeline.ExchangeGrant{Subjects: introspection.Subjects{Reader: w.reader}},
			pipeline.AssertionGrant{Keys: w, Used: partydb.Store{}, Linked: w, Issuer: func(ident.AccountID) string { return issuer }, Clock: clk},
		},
	})
	w.makeClients()
	w.signIn(t)
	return w
}

func (w *world) makeClients() {
	all := []string{application.GrantCode, application.GrantRefresh, application.GrantClientCredentials, application.GrantExchange, application.GrantJWTBearer}
	scopes := []string{"openid", "profile", "email", "offline_access", "read", "write"}
	client := func(id string, o application.OAuth) oauth.Client {
		o.GrantTypes, o.Scopes = all, scopes
		return oauth.Client{Account: account, ID: id, Application: ident.ApplicationID(id), RedirectURIs: []string{callback}, Settings: o.Filled()}
	}
	w.clients = map[string]oauth.Client{
		"app_public": client("app_public", application.OAuth{Resources: []string{api}}),
		"app_other":  client("app_other", application.OAuth{}),
		"app_secret": client("app_secret", application.OAuth{AuthMethod: application.AuthSecretBasic, Resources: []string{api}}),
		"app_opaque": client("app_opaque", application.OAuth{AccessTokenFormat: application.FormatOpaque}),
		"app_api":    client("app_api", application.OAuth{AuthMethod: application.AuthSecretBasic, IntrospectionAudiences: []string{api}}),
		"app_third":  client("app_third", application.OAuth{ThirdParty: true}),
		"app_less":   client("app_less", application.OAuth{}),
	}
	less := w.clients["app_less"]
	less.Settings.GrantTypes = []string{application.GrantCode}
	w.clients["app_less"] = less
}

func (w *world) signIn(t testing.TB) {
	by := actor.ForSystem(account)
	err := w.db.Write(t.Context(), tx.In(account), func(ctx context.Context, tt tx.Tx) (err error) {
		w.person, _, err = w.users.SignIn(ctx, tt, by, user.Identity{Connection: "con_email", Issuer: "urn:admit:email", Subject: "ada@example.test"},
			user.Profile{Name: "Ada", Email: "ada@example.test", EmailVerified: true})
		if err != nil {
			return err
		}
		w.session, _, err = w.sessions.Start(ctx, tt, session.NewSession{Actor: by, User: w.person.ID, Evidence: session.Evidence{
			Method: "email", Connection: "con_email", Issuer: "urn:admit:email", Subject: "ada@example.test", At: tt.Now(),
		}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Authenticate implements pipeline.Parties: every client is believed, but "wrong" as a secret.
func (w *world) Authenticate(ctx context.Context, a ident.AccountID, r party.Presented) (oauth.Client, error) {
	if r.Form.Get("client_secret") == "wrong" {
		return oauth.Client{}, oauth.Fail(oauth.InvalidClient, "no")
	}
	return w.Client(ctx, a, r.Form.Get("client_id"))
}

// Client implements oauth.Clients.
func (w *world) Client(_ context.Context, a ident.AccountID, id string) (oauth.Client, error) {
	c, ok := w.clients[id]
	if !ok || a != account || w.gone[id] {
		return oauth.Client{}, oauth.Fail(oauth.InvalidClient, "no")
	}
	return c, nil
}

// counted is the users that the pipeline reads.
type counted struct{ *world }

func (c counted) Find(ctx context.Context, t tx.Tx, a ident.AccountID, id ident.UserID) (user.User, error) {
	c.mu.Lock()
	c.finds++
	c.mu.Unlock()
	return c.users.Find(ctx, t, a, id)
}

// inserting is the grants, with time for others before one is inserted.
type inserting struct {
	oauthdb.Grants
	w *world
}

func (i inserting) InsertGrant(ctx context.Context, t tx.Tx, g oauth.Grant) error {
	i.w.mu.Lock()
	before := i.w.before
	i.w.before = nil
	i.w.mu.Unlock()
	if before != nil {
		before()
	}
	return i.Grants.InsertGrant(ctx, t, g)
}

// Verify implements pipeline.Linked.
func (w *world) Verify(_ context.Context, _ ident.AccountID, bearer string) (token.LinkedProof, error) {
	if p, ok := w.linked[bearer]; ok {
		return p, nil
	}
	return token.LinkedProof{}, token.ErrNotLinked
}

// VerifySigned implements pipeline.OwnKeys: the assertion is what it says, as form parameters.
func (w *world) VerifySigned(_ context.Context, _ oauth.Client, text string, _, _ []string) (party.Claims, error) {
	form, err := url.ParseQuery(strings.TrimPrefix(text, "own:"))
	if err != nil || !strings.HasPrefix(text, "own:") {
		return nil, fault.New(fault.Invalid, fault.CodeInvalidRequest, "no")
	}
	out := party.Claims{}
	for name := range form {
		out[name] = form.Get(name)
	}
	if form.Has("exp") {
		at, _ := time.Parse(time.RFC3339, form.Get("exp"))
		out["exp"] = json.Number(strconv.FormatInt(at.Unix(), 10))
	}
	return out, nil
}

// proofs takes the header's value for the thumbprint of a key.
type proofs struct{}

func (proofs) Read(_ ident.AccountID, r dpop.Request, want dpop.Want) (dpop.Proof, error) {
	if len(r.Headers) == 0 {
		if want.Required {
			return dpop.Proof{}, oauth.Fail(oauth.InvalidDPoPProof, "no")
		}
		return dpop.Proof{}, nil
	}
	return dpop.Proof{JKT: r.Headers[0]}, nil
}

func (proofs) Spend(context.Context, tx.Tx, ident.AccountID, dpop.Proof) error { return nil }

// ask sends parameters to the token endpoint; "DPoP" is the header.
func (w *world) ask(pairs ...string) (pipeline.Result, error) {
	form := url.Values{}
	r := pipeline.Request{Actor: actor.Actor{Account: account}}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == "DPoP" {
			r.Proof.Headers = []string{pairs[i+1]}
			continue
		}
		form.Add(pairs[i], pairs[i+1])
	}
	r.Presented = party.Presented{Form: form, Endpoint: issuer + "/oauth/token"}
	return w.service.Run(context.Background(), r)
}

// code makes an authorization code, as the authorization endpoint does.
func (w *world) code(client string, change func(*oauth.AuthorizationCode)) string {
	w.Helper()
	return w.benchCode(w.T, client, change)
}

func (w *world) benchCode(tb testing.TB, client string, changes ...func(*oauth.AuthorizationCode)) string {
	code := secret.Random("")
	sum := sha256.Sum256([]byte(verifier))
	err := w.db.Write(context.Background(), tx.In(account), func(ctx context.Context, t tx.Tx) error {
		c := oauth.AuthorizationCode{
			Hash: oauth.CodeHash(code), RedirectURI: callback, Challenge: base64.RawURLEncoding.EncodeToString(sum[:]), ExpiresAt: t.Now().Add(oauth.CodeLife),
			Authorization: oauth.Authorization{
				Grant: pipeline.NewGrantID(), Account: account, Client: client, User: w.person.ID, Session: w.session.ID, Root: w.session.Root,
				Scopes: []string{"openid", "profile", "email", "offline_access", "read", "write"}, Nonce: "n-1",
				AuthTime: w.session.AuthTime(), AMR: w.session.AMR(), ACR: w.session.ACR(),
			},
		}
		for _, change := range changes {
			if change != nil {
				change(&c)
			}
		}
		return w.codes.InsertCode(ctx, t, c)
	})
	if err != nil {
		tb.Fatal(err)
	}
	return code.Reveal()
}

func (w *world) redeem(client, code string, more ...string) (pipeline.Result, error) {
	return w.ask(append([]string{"grant_type", "authorization_code", "client_id", client, "code", code, "redirect_uri", callback, "code_verifier", verifier}, more...)...)
}

func (w *world) refresh(client, text string, more ...string) (pipeline.Result, error) {
	return w.ask(append([]string{"grant_type", "refresh_token", "client_id", client, "refresh_token", text}, more...)...)
}

// first redeems a fresh code.
func (w *world) first(client string, more ...string) pipeline.Result {
	w.Helper()
	out, err := w.redeem(client, w.code(client, nil), more...)
	if err != nil {
		w.Fatal(err)
	}
	return out
}

func (w *world) alive(text string) bool {
	_, err := w.reader.Look(context.Background(), account, text)
	if err != nil && !fault.Is(err, fault.Unauthenticated) {
		w.Error(err)
	}
	return err == nil
}

func (w *world) want(err error, code oauth.Code) {
	w.Helper()
	if oauth.CodeOf(err) != code {
		w.Errorf("got %v, want %s", err, code)
	}
}

func (w *world) in(fn func(ctx context.Context, t tx.Tx) error) {
	w.Helper()
	if err := w.db.Write(w.Context(), tx.In(account), fn); err != nil {
		w.Fatal(err)
	}
}

func (w *world) seen(kind string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events[kind]
}

func linkedProof(who string, issued, expires time.Time) token.LinkedProof {
	return token.LinkedProof{User: ident.UserID(who), Link: "lnk_1", Issued: issued, Expires: expires}
}
