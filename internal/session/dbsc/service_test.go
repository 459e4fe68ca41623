package dbsc_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/dbsc"
	"github.com/admit-id/admit/internal/session/dbsc/dbscdb"
	"github.com/admit-id/admit/internal/session/dbsc/dbsctest"
)

// world has one session for each name: the cookie NAME, the chain ses_NAME, which ended sessions have not.
type world struct {
	*testing.T
	*dbsc.Service
	db     *sqldb.DB
	clk    *clock.Fake
	guard  *dbsc.Guard
	begun  time.Time
	ended  map[string]bool
	policy dbsc.Policy
	events []event.Event
}

func (w *world) session(account ident.AccountID, name string) (session.Session, error) {
	if w.ended[name] {
		return session.Session{}, session.ErrNone
	}
	root := ident.SessionID("ses_" + name)
	return session.Session{ID: root + "_2", Root: root, Account: account, User: "ann", CreatedAt: w.begun, AbsoluteExpiry: w.begun.Add(24 * time.Hour)}, nil
}

func (w *world) ByCookie(_ context.Context, _ tx.Tx, account ident.AccountID, cookie secret.Text) (session.Session, error) {
	own, _ := secret.Split(cookie)
	return w.session(account, own.Reveal())
}

func (w *world) Chain(_ context.Context, _ tx.Tx, account ident.AccountID, root ident.SessionID) (session.Session, error) {
	return w.session(account, strings.TrimPrefix(string(root), "ses_"))
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	for _, postgres := range []bool{false, true} {
		name := map[bool]string{false: "sqlite", true: "postgres"}[postgres]
		t.Run(name, func(t *testing.T) {
			w := &world{T: t, ended: map[string]bool{}}
			bus := &tx.Bus{}
			for _, kind := range []string{dbsc.EventBound, dbsc.EventRefused} {
				bus.Subscribe(kind, func(_ context.Context, _ tx.Tx, e event.Event) error {
					w.events = append(w.events, e)
					return nil
				})
			}
			if postgres {
				if os.Getenv(sqldbtest.PostgresEnv) == "" {
					t.Skip("no PostgreSQL")
				}
				w.db, w.clk = sqldbtest.Postgres(t, dbscdb.Migrations(), bus)
			} else {
				w.db, w.clk = sqldbtest.SQLite(t, dbscdb.Migrations(), bus)
			}
			w.begun = w.clk.Now()
			keys, err := crypt.NewKeys(bytes.Repeat([]byte{1}, crypt.KeySize))
			if err != nil {
				t.Fatal(err)
			}
			policy := func(ident.AccountID, ident.TenantID) dbsc.Policy { return w.policy }
			w.guard = dbsc.NewGuard(dbscdb.NewStore())
			w.guard.Follow(policy)
			w.Service = dbsc.New(dbsc.Deps{DB: w.db, Store: dbscdb.NewStore(), Keys: keys, Sessions: w, Policy: policy})
			fn(t, w)
		})
	}
}

func (w *world) offer(account ident.AccountID, cookie string) string {
	w.Helper()
	c, err := w.Offer(w.Context(), account, secret.New(cookie))
	if err != nil {
		w.Fatal(err)
	}
	return c
}

func by(account ident.AccountID) actor.Actor {
	return actor.Actor{Kind: actor.Anonymous, Account: account}
}

func (w *world) register(cookie string, proofs ...string) (dbsc.Bound, error) {
	return w.Register(w.Context(), dbsc.Registration{Actor: by("a"), Cookie: secret.New(cookie), Proofs: proofs})
}

func (w *world) bind(name string) (dbsctest.Device, dbsc.Bound) {
	w.Helper()
	d := dbsctest.NewDevice(w)
	b, err := w.register(name, d.First(w.offer("a", name)))
	if err != nil {
		w.Fatal(err)
	}
	return d, b
}

func (w *world) ask(id string, proofs ...string) dbsc.Refreshed {
	w.Helper()
	got, err := w.Refresh(w.Context(), dbsc.Refreshing{Actor: by("a"), ID: id, Proofs: proofs})
	if err != nil {
		w.Fatal(err)
	}
	return got
}

// allows tells what the guard says of a session's cookie with others beside it.
func (w *world) allows(name string, beside ...secret.Text) (ok bool) {
	w.Helper()
	err := w.db.Read(w.Context(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
		s, err := w.session("a", name)
		if err == nil {
			ok, err = w.guard.Allows(ctx, t, s, beside)
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return ok
}

// A session that is bound is worth nothing without the bound cookie.
func TestGuard(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if !w.allows("one") {
			t.Error("a session that is not bound is refused")
		}
		d, b := w.bind("one")
		_, other := w.bind("two")
		if !w.allows("one") {
			t.Error("a request that was on its way is refused")
		}
		w.clk.Advance(dbsc.Overlap)
		if w.allows("one") || w.allows("one", secret.New("x"), secret.Text{}) || w.allows("one", other.Value) || !w.allows("one", other.Value, b.Value) {
			t.Error("what stands beside the cookie is not judged")
		}
		w.clk.Advance(dbsc.BoundLife - dbsc.Overlap - time.Second)
		if !w.allows("one", b.Value) {
			t.Error("refused too early")
		}
		challenge := w.ask(b.ID).Challenge
		next := w.ask(b.ID, d.Next(challenge))
		if next.Refused != nil || next.Bound.Value.Empty() || next.Bound.Uses != 1 {
			t.Fatalf("%+v", next)
		}
		if !w.allows("one", next.Bound.Value) || !w.allows("one", b.Value) {
			t.Error("the new value, or the one before while requests are on their way, is refused")
		}
		w.clk.Advance(time.Second)
		if w.allows("one", b.Value) {
			t.Error("the former value outlives its own end")
		}
		third := w.ask(b.ID, d.Next(w.ask(b.ID).Challenge))
		w.clk.Advance(dbsc.Overlap)
		if w.allows("one", next.Bound.Value) || !w.allows("one", third.Bound.Value) {
			t.Error("the former value is taken for too long")
		}
		w.clk.Advance(dbsc.BoundLife)
		if w.allows("one", third.Bound.Value) {
			t.Error("the cookie is taken for too long")
		}
	})
}

func TestPolicy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, b := w.bind("one")
		w.policy = dbsc.Required
		w.clk.Advance(dbsc.BindWithin - time.Second)
		if !w.allows("two") {
			t.Error("a session that has just begun is refused")
		}
		challenge := w.offer("a", "two")
		w.clk.Advance(time.Second)
		if w.allows("two") || !w.allows("one", b.Value) {
			t.Error("require is not kept")
		}
		w.policy = dbsc.Off
		if w.offer("a", "three") != "" {
			t.Error("offered though it is off")
		}
		if _, err := w.register("two", dbsctest.NewDevice(t).First(challenge)); !fault.Is(err, fault.Forbidden) {
			t.Errorf("bound though it is off: %v", err)
		}
		if !w.allows("two") || w.allows("one") {
			t.Error("off frees what is bound, or holds what is not")
		}
	})
}

// SES-11, registration: whatever is wrong, nothing changes.
func TestSES11Registration(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := dbsctest.NewDevice(t)
		jwk, err := json.Marshal(d.Public())
		if err != nil {
			t.Fatal(err)
		}
		other, err := json.Marshal(dbsctest.NewDevice(t).Public())
		if err != nil {
			t.Fatal(err)
		}
		c, elsewhere := w.offer("a", "one"), w.offer("b", "one")
		good, claims := d.First(c), `{"jti":"`+c+`"}`
		header := func(more string) string { return `{"alg":"ES256","typ":"dbsc+jwt"` + more + `}` }
		own := `,"jwk":` + string(jwk)
		_, bound := w.bind("bound")
		asked := w.ask(bound.ID).Challenge
		for name, proofs := range map[string][]string{
			"no proof":                    {},
			"two proofs":                  {good, good},
			"an empty proof":              {""},
			"100 KB":                      {good + strings.Repeat("A", 100<<10)},
			"no jwk":                      {d.Sign(header(""), claims)},
			"somebody else's key":         {d.Sign(header(`,"jwk":`+string(other)), claims)},
			"a private key":               {d.Sign(header(`,"jwk":`+strings.Replace(string(jwk), "{", `{"d":"AAAA",`, 1)), claims)},
			"two keys":                    {d.Sign(header(own+own), claims)},
			"a kid":                       {d.Sign(header(own+`,"kid":"1"`), claims)},
			"none":                        {b64(strings.Replace(header(own), "ES256", "none", 1)) + "." + b64(claims) + "."},
			"none, signed":                {d.Sign(strings.Replace(header(own), "ES256", "none", 1), claims)},
			"HS256":                       {d.Sign(strings.Replace(header(own), "ES256", "HS256", 1), claims)},
			"RS256":                       {d.Sign(strings.Replace(header(own), "ES256", "RS256", 1), claims)},
			"another type":                {d.Sign(strings.Replace(header(own), "dbsc+jwt", "JWT", 1), claims)},
			"no type":                     {d.Sign(strings.Replace(header(own), `,"typ":"dbsc+jwt"`, "", 1), claims)},
			"a critical extension":        {d.Sign(header(own+`,"crit":["x"],"x":1`), claims)},
			"no challenge":                {d.Sign(header(own), `{}`)},
			"a challenge of another type": {d.Sign(header(own), `{"jti":["`+c+`"]}`)},
			"another challenge":           {d.First("AAAA")},
			"another account's challenge": {d.First(elsewhere)},
			"another session's challenge": {d.First(w.offer("a", "two"))},
			"a refresh's challenge":       {d.First(asked)},
			"a changed challenge":         {d.First(c[:len(c)-1] + "A")},
			"a longer challenge":          {d.First(c + "AA")},
			"an authorization":            {d.Sign(header(own), `{"jti":"`+c+`","authorization":"x"}`)},
			"a changed signature":         {good[:len(good)-3] + "AAA"},
			"a fourth part":               {good + ".AAAA"},
			"white space":                 {good + " "},
		} {
			if _, err := w.register("one", proofs...); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.Register(t.Context(), dbsc.Registration{Actor: by("b"), Proofs: []string{good}}); !fault.Is(err, fault.Forbidden) {
			t.Errorf("in another account: %v", err)
		}
		w.clk.Advance(dbsc.Overlap)
		if !w.allows("one") {
			t.Fatal("a refusal bound the session")
		}
		first, err := w.register("", good) // browsers may leave the cookies out
		if err != nil {
			t.Fatal(err)
		}
		// The key is never replaced, neither by its own nor by another.
		w.events = nil
		for _, proof := range []string{good, dbsctest.NewDevice(t).First(c)} {
			if _, err := w.register("one", proof); !fault.Is(err, fault.Forbidden) {
				t.Errorf("bound twice: %v", err)
			}
		}
		if w.offer("a", "one") != "" {
			t.Error("offered again")
		}
		if next := w.ask(first.ID, d.Next(w.ask(first.ID).Challenge)); next.Refused != nil {
			t.Error("the first key is not the key any more")
		}
		if len(w.events) != 1 || w.events[0].Type != dbsc.EventRefused || w.events[0].Target != "ses_one_2" || w.events[0].Detail["user"] != "ann" {
			t.Errorf("told %+v; want one refusal", w.events)
		}
		late := w.offer("a", "late")
		w.clk.Advance(dbsc.ChallengeLife)
		if _, err := w.register("late", d.First(late)); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a challenge that is too old: %v", err)
		}
		gone := w.offer("a", "gone")
		w.ended["gone"] = true
		if _, err := w.register("", d.First(gone)); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a session that has ended: %v", err)
		}
	})
}

// SES-11, refresh: whatever is wrong, the answer is another challenge, and nothing changes.
func TestSES11Refresh(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d, b := w.bind("one")
		e, other := w.bind("two")
		jwk, _ := json.Marshal(d.Public())
		c := w.ask(b.ID).Challenge
		theirs := w.ask(other.ID).Challenge
		used := w.ask(other.ID).Challenge
		if got := w.ask(other.ID, e.Next(used)); got.Refused != nil {
			t.Fatal(got.Refused)
		}
		w.events = nil
		good, claims := d.Next(c), `{"jti":"`+c+`"}`
		header := func(more string) string { return `{"alg":"ES256","typ":"dbsc+jwt"` + more + `}` }
		for name, proofs := range map[string][]string{
			"two proofs":                  {good, good},
			"an empty proof":              {""},
			"100 KB":                      {good + strings.Repeat("A", 100<<10)},
			"another key":                 {e.Next(c)},
			"a jwk":                       {d.Sign(header(`,"jwk":`+string(jwk)), claims)},
			"none":                        {b64(strings.Replace(header(""), "ES256", "none", 1)) + "." + b64(claims) + "."},
			"HS256":                       {d.Sign(strings.Replace(header(""), "ES256", "HS256", 1), claims)},
			"another type":                {d.Sign(strings.Replace(header(""), "dbsc+jwt", "dpop+jwt", 1), claims)},
			"no challenge":                {d.Sign(header(""), `{}`)},
			"another session's challenge": {d.Next(theirs)},
			"another challenge":           {d.Next("AAAA")},
			"a registration's challenge":  {d.Next(w.offer("a", "three"))},
			"an authorization":            {d.Sign(header(""), `{"jti":"`+c+`","authorization":""}`)},
		} {
			got := w.ask(b.ID, proofs...)
			if !fault.Is(got.Refused, fault.Forbidden) || got.Challenge == "" || !got.Bound.Value.Empty() {
				t.Errorf("%s: %+v", name, got)
			}
		}
		if len(w.events) != 1 || w.events[0].Type != dbsc.EventRefused {
			t.Errorf("told %+v; want one refusal for all of them", w.events)
		}
		w.clk.Advance(dbsc.Overlap)
		if !w.allows("one", b.Value) {
			t.Error("a refusal took the cookie away")
		}
		if got := w.ask(other.ID, e.Next(used)); got.Refused == nil {
			t.Error("a challenge was answered twice")
		}
		if got := w.ask(other.ID, e.Next(theirs)); got.Refused == nil {
			t.Error("a challenge from before the last refresh was answered")
		}
		if got := w.ask(b.ID, good); got.Refused != nil {
			t.Errorf("after all that: %v", got.Refused)
		}
		stale := w.ask(b.ID).Challenge
		w.clk.Advance(dbsc.ChallengeLife)
		if got := w.ask(b.ID, d.Next(stale)); got.Refused == nil || got.Challenge == stale {
			t.Error("a challenge that is too old was answered")
		}
		for name, r := range map[string]dbsc.Refreshing{
			"no such binding":    {Actor: by("a"), ID: "bnd_x"},
			"no id":              {Actor: by("a")},
			"in another account": {Actor: by("b"), ID: b.ID},
		} {
			if _, err := w.Refresh(t.Context(), r); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		fresh := w.ask(b.ID).Challenge
		w.ended["one"] = true
		if _, err := w.Refresh(t.Context(), dbsc.Refreshing{Actor: by("a"), ID: b.ID, Proofs: []string{d.Next(fresh)}}); !fault.Is(err, fault.NotFound) {
			t.Errorf("a session that has ended was refreshed: %v", err)
		}
	})
}

func TestEvents(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d, _ := w.bind("one")
		if len(w.events) != 1 {
			t.Fatal(w.events)
		}
		e := w.events[0]
		if e.Type != dbsc.EventBound || e.Target != "ses_one_2" || e.Detail["user"] != "ann" || e.Detail["key"] != d.Public().Thumbprint() ||
			e.Actor.Kind != actor.User || e.Actor.ID != "ann" {
			t.Errorf("%+v", e)
		}
	})
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
