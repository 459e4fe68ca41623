package passkey_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/passkey/passkeydb"
	"github.com/admit-id/admit/internal/factor/passkey/passkeytest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	origin = "https://login.example.com"
	second = "https://login.example.org" // another host of the same account
)

func parties(account ident.AccountID) (passkey.Party, bool) {
	if account == "b" {
		return passkey.NewParty("https://other.example.net", "Other", nil)
	}
	return passkey.NewParty(origin, "Example", []string{"login.example.com", "login.example.org"})
}

type bench struct {
	*testing.T
	db      *sqldb.DB
	clk     *clock.Fake
	service *passkey.Service
	key     *passkeytest.Authenticator
	events  *[]event.Event
}

// each runs fn on both databases.
func each(t *testing.T, fn func(*bench)) {
	t.Helper()
	run := func(open func(testing.TB, []sqldb.Migration, *tx.Bus) (*sqldb.DB, *clock.Fake)) func(*testing.T) {
		return func(t *testing.T) {
			bus, events := &tx.Bus{}, &[]event.Event{}
			var mu sync.Mutex
			bus.Subscribe("*", func(_ context.Context, _ tx.Tx, e event.Event) error {
				mu.Lock()
				defer mu.Unlock()
				*events = append(*events, e)
				return nil
			})
			db, clk := open(t, passkeydb.Migrations(), bus)
			fn(newBench(t, db, clk, events))
		}
	}
	t.Run("sqlite", run(sqldbtest.SQLite))
	if postgres() {
		t.Run("postgres", run(sqldbtest.Postgres))
	}
}

func newBench(t *testing.T, db *sqldb.DB, clk *clock.Fake, events *[]event.Event) *bench {
	service := passkey.New(passkey.Deps{Store: passkeydb.Store{}, Challenges: passkeydb.Store{}, Party: parties})
	return &bench{T: t, db: db, clk: clk, service: service, key: passkeytest.NewAuthenticator(origin), events: events}
}

func (b *bench) write(fn func(ctx context.Context, t tx.Tx) error) {
	b.Helper()
	if err := b.db.Write(context.Background(), tx.In("a"), fn); err != nil {
		b.Fatal(err)
	}
}

// ofSession is a ceremony on a person's page, ofLogin one of a login.
func ofSession(user ident.UserID) passkey.Ceremony {
	return passkey.Ceremony{Account: "a", Session: ident.SessionID("ses_" + user), User: user, UserVerification: true, Label: string(user) + "@x.example", Name: string(user)}
}

func ofLogin(user ident.UserID) passkey.Ceremony {
	return passkey.Ceremony{Account: "a", Login: "log_1", Browser: []byte("browser"), User: user, UserVerification: user == ""}
}

func (b *bench) beginRegistration(c passkey.Ceremony) (options []byte) {
	b.Helper()
	b.write(func(ctx context.Context, t tx.Tx) (err error) {
		options, err = b.service.BeginRegistration(ctx, t, c)
		return err
	})
	return options
}

func (b *bench) finishRegistration(c passkey.Ceremony, name string, response []byte) (got passkey.Registered) {
	b.Helper()
	b.write(func(ctx context.Context, t tx.Tx) (err error) {
		got, err = b.service.FinishRegistration(ctx, t, c, name, response)
		return err
	})
	return got
}

func (b *bench) beginLogin(c passkey.Ceremony) (options []byte) {
	b.Helper()
	b.write(func(ctx context.Context, t tx.Tx) (err error) {
		options, err = b.service.BeginLogin(ctx, t, c)
		return err
	})
	return options
}

func (b *bench) finishLogin(c passkey.Ceremony, response []byte) (got passkey.Proof) {
	b.Helper()
	b.write(func(ctx context.Context, t tx.Tx) (err error) {
		got, err = b.service.FinishLogin(ctx, t, c, response)
		return err
	})
	if got.Refused != "" && (got.User != "" || got.ID != "" || got.Verified) {
		b.Fatalf("a refused proof names somebody: %+v", got)
	}
	return got
}

// register registers a key of b.key for a person.
func (b *bench) register(user ident.UserID) passkey.Passkey {
	b.Helper()
	got := b.tryRegister(ofSession(user))
	if got.Refused != "" {
		b.Fatalf("refused: %s", got.Refused)
	}
	return got.Passkey
}

func (b *bench) tryRegister(c passkey.Ceremony) passkey.Registered {
	b.Helper()
	b.clk.Advance(time.Second)
	held := b.key.Credentials // on other devices, so that they are not excluded
	b.key.Credentials = nil
	response, err := b.key.Create(b.beginRegistration(c))
	b.key.Credentials = append(held, b.key.Credentials...)
	if err != nil {
		b.Fatal(err)
	}
	return b.finishRegistration(c, "", response)
}

func (b *bench) tryLogin(c passkey.Ceremony) passkey.Proof {
	b.Helper()
	response, err := b.key.Get(b.beginLogin(c))
	if err != nil {
		b.Fatal(err)
	}
	return b.finishLogin(c, response)
}

func (b *bench) list(user ident.UserID) (all []passkey.Passkey) {
	b.Helper()
	b.write(func(ctx context.Context, t tx.Tx) (err error) {
		all, err = b.service.List(ctx, t, "a", user)
		return err
	})
	return all
}

func (b *bench) types() string {
	var out []string
	for _, e := range *b.events {
		out = append(out, e.Type)
	}
	*b.events = nil
	return strings.Join(out, " ")
}

func TestRegisterAndSignIn(t *testing.T) {
	for _, algorithm := range []int64{-7, -8, -35, -257} {
		each(t, func(b *bench) {
			b.key.Algorithm = algorithm
			p := b.register("ann")
			if p.Algorithm != algorithm || !p.Eligible || !p.BackedUp || !p.Verified || p.Pending || p.Name != "Passkey" || p.Party != "login.example.com" {
				b.Errorf("got %+v", p)
			}
			got := b.tryLogin(ofLogin(""))
			if want := (passkey.Proof{User: "ann", ID: p.ID, Verified: true, Synced: true}); got != want {
				b.Errorf("first factor: %+v, want %+v", got, want)
			}
			if got = b.tryLogin(ofLogin("ann")); got.User != "ann" {
				b.Errorf("second factor: %+v", got)
			}
			if got := b.list("ann")[0]; !got.UsedAt.Equal(b.clk.Now()) {
				b.Errorf("used at %v", got.UsedAt)
			}
			if got := b.types(); got != passkey.EventRegistered {
				b.Errorf("events %q", got)
			}
		})
	}
}

// TestOptionsTellNothing holds that who has not proved who they are learns of nobody's keys (I-23).
func TestOptionsTellNothing(t *testing.T) {
	each(t, func(b *bench) {
		b.register("ann")
		var got map[string]any
		if err := json.Unmarshal(b.beginLogin(ofLogin("")), &got); err != nil {
			b.Fatal(err)
		}
		if allow := got["allowCredentials"].([]any); len(allow) != 0 || got["userVerification"] != "required" || got["rpId"] != "login.example.com" {
			b.Errorf("options %v", got)
		}
		got = nil
		if err := json.Unmarshal(b.beginRegistration(ofSession("ann")), &got); err != nil {
			b.Fatal(err)
		}
		id := got["user"].(map[string]any)["id"].(string)
		if strings.Contains(id, "ann") || len(id) != 43 || got["attestation"] != "none" || len(got["excludeCredentials"].([]any)) != 1 {
			b.Errorf("options %v", got)
		}
	})
}

// TestChallengeBindings holds that an answer counts only where its challenge was made, once, in time.
func TestChallengeBindings(t *testing.T) {
	each(t, func(b *bench) {
		p := b.register("ann")
		b.register("bob")
		b.key.Credentials = b.key.Credentials[:1] // ann's
		for name, change := range map[string]func(c *passkey.Ceremony){
			"login":   func(c *passkey.Ceremony) { c.Login = "log_2" },
			"browser": func(c *passkey.Ceremony) { c.Browser = []byte("other") },
			"user":    func(c *passkey.Ceremony) { c.User = "bob" },
			"nobody":  func(c *passkey.Ceremony) { c.User = "" },
			"session": func(c *passkey.Ceremony) { c.Login, c.Session, c.Browser = "", "ses_ann", []byte("browser") },
			"account": func(c *passkey.Ceremony) { c.Account = "b" },
		} {
			c := ofLogin("ann")
			response, err := b.key.Get(b.beginLogin(c))
			if err != nil {
				b.Fatal(err)
			}
			bent := c
			change(&bent)
			err = b.db.Write(context.Background(), tx.System(), func(ctx context.Context, t tx.Tx) error {
				got, err := b.service.FinishLogin(ctx, t, bent, response)
				if got.Refused != passkey.RefusedGone {
					b.Errorf("another %s: %+v", name, got)
				}
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
			if got := b.finishLogin(c, response); got.User != "ann" || got.ID != p.ID {
				b.Errorf("after another %s: %+v", name, got)
			}
			if got := b.finishLogin(c, response); got.Refused != passkey.RefusedGone {
				b.Errorf("the second time: %+v", got)
			}
		}
		c := ofLogin("")
		response, err := b.key.Get(b.beginLogin(c))
		if err != nil {
			b.Fatal(err)
		}
		b.clk.Advance(passkey.ChallengeLife)
		if got := b.finishLogin(c, response); got.Refused != passkey.RefusedGone {
			b.Errorf("after its time: %+v", got)
		}
		// A challenge of a registration answers no login, and the other way round.
		options := b.beginRegistration(ofSession("ann"))
		var o struct {
			Challenge string `json:"challenge"`
		}
		if err := json.Unmarshal(options, &o); err != nil {
			b.Fatal(err)
		}
		response, err = b.key.Get([]byte(`{"rpId":"login.example.com","challenge":"` + o.Challenge + `"}`))
		if err != nil {
			b.Fatal(err)
		}
		c = ofSession("ann")
		if got := b.finishLogin(c, response); got.Refused != passkey.RefusedGone {
			b.Errorf("the challenge of a registration: %+v", got)
		}
	})
}

func TestChallengesPerLoginAreFew(t *testing.T) {
	each(t, func(b *bench) {
		b.register("ann")
		var all [][]byte
		for range 12 {
			all = append(all, b.beginLogin(ofLogin("")))
			b.clk.Advance(time.Second)
		}
		for i, options := range all {
			response, err := b.key.Get(options)
			if err != nil {
				b.Fatal(err)
			}
			if got := b.finishLogin(ofLogin(""), response); (got.User == "ann") != (i >= 4) {
				b.Errorf("challenge %d of 12: %+v", i+1, got)
			}
		}
	})
}

// TestManage lists, renames and removes, each person their own.
func TestManage(t *testing.T) {
	each(t, func(b *bench) {
		p := b.register("ann")
		q := b.register("ann")
		if q.Name != "Passkey 2" {
			b.Errorf("the second is called %q", q.Name)
		}
		b.types()
		by := ofSession("ann").By
		by.Account = "a"
		for _, user := range []ident.UserID{"bob", "ann"} {
			err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
				return b.service.Rename(ctx, t, by, user, p.ID, " my\n\u202ephone\x00 \t x "+strings.Repeat("é", 100))
			})
			if (err == nil) != (user == "ann") {
				b.Errorf("%s renames: %v", user, err)
			}
		}
		if got := b.list("ann")[0].Name; got != "my phone x "+strings.Repeat("é", 53) {
			b.Errorf("named %q", got)
		}
		for _, user := range []ident.UserID{"bob", "ann"} {
			err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
				return b.service.Remove(ctx, t, by, user, p.ID)
			})
			if left := len(b.list("ann")); (err == nil) != (user == "ann") || (left == 1) != (user == "ann") {
				b.Errorf("%s removes: %v, %d left", user, err, left)
			}
		}
		b.key.Credentials = b.key.Credentials[:1]
		if got := b.tryLogin(ofLogin("")); got.Refused != passkey.RefusedUnknown {
			b.Errorf("with a removed key: %+v", got)
		}
		if got := b.types(); got != passkey.EventRenamed+" "+passkey.EventRemoved {
			b.Errorf("events %q", got)
		}
		b.write(func(ctx context.Context, t tx.Tx) error {
			return b.service.ForgetUser(ctx, t, event.New(by, "user.deleted", "ann"))
		})
		if all := b.list("ann"); len(all) != 0 {
			b.Errorf("a deleted person has %v", all)
		}
	})
}

func TestAtMostTwenty(t *testing.T) {
	each(t, func(b *bench) {
		for range passkey.MaxPerPerson {
			b.register("ann")
		}
		if got := b.tryRegister(ofSession("ann")); got.Refused != passkey.RefusedFull {
			b.Errorf("one more: %+v", got)
		}
		if n := len(b.list("ann")); n != passkey.MaxPerPerson {
			b.Errorf("%d are kept", n)
		}
		b.register("bob")
	})
}

func TestNewParty(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://login.example.com":      "login.example.com https://login.example.com https://b.example https://c.example:8443",
		"https://login.example.com:8443": "login.example.com https://login.example.com:8443 https://b.example https://c.example:8443",
		"http://localhost:8080":          "localhost http://localhost:8080",
		"http://127.0.0.1:8080":          "",
		"https://[::1]":                  "",
		"http://login.example.com":       "",
		"https://login.example.com/":     "",
		"":                               "",
	} {
		p, ok := passkey.NewParty(issuer, "x", []string{"b.example", "c.example:8443"})
		got := strings.TrimSpace(p.ID + " " + strings.Join(p.Origins, " "))
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, want %q", issuer, got, want)
		}
	}
	if !slices.Contains(must(parties("a")).Origins, second) {
		t.Error("the second host is no origin")
	}
}

func must(p passkey.Party, _ bool) passkey.Party { return p }
