package app

import (
	"context"
	"encoding/base32"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/app/person"
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/passkey/passkeydb"
	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login/link"
	"github.com/admit-id/admit/internal/user"
)

const goodPassword, betterPassword = "rain on a tin roof at night", "snow on a tin roof at noon"

func (h held) self() actor.Actor {
	return actor.Actor{Kind: actor.User, Account: ident.DefaultAccount, ID: string(h.user), Session: ident.SessionID(h.sid)}
}

func (d deployment) unit(fn func(ctx context.Context, t tx.Tx) error) {
	d.Helper()
	if err := d.app.db.Write(d.Context(), tx.In(ident.DefaultAccount), fn); err != nil {
		d.Fatal(err)
	}
}

func (d deployment) setPassword(by actor.Actor, who ident.UserID, text string) {
	d.Helper()
	f := d.app.f.person
	p, err := f.Passwords.Prepare(d.Context(), password.Choice{Password: secret.New(text)})
	if err != nil {
		d.Fatal(err)
	}
	d.unit(func(ctx context.Context, t tx.Tx) error { return f.Passwords.Put(ctx, t, by, who, p) })
}

// addApp registers an authenticator app of the person.
func (h held) addApp() {
	h.Helper()
	apps := h.app.f.person.TOTP
	h.unit(func(ctx context.Context, t tx.Tx) error {
		e, err := apps.Begin(ctx, t, totp.Starter{Account: ident.DefaultAccount, User: h.user, Binding: []byte("x")})
		if err != nil {
			return err
		}
		seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(e.Secret.Reveal())
		if err != nil {
			return err
		}
		_, r, err := apps.Confirm(ctx, t, h.self(), h.user, []byte("x"), "", totp.Code(seed, totp.StepAt(t.Now()), totp.Digits))
		if err == nil && r.Outcome != factor.Right {
			h.Error("not registered")
		}
		return err
	})
}

func (h held) holds() (out factor.Held) {
	h.Helper()
	h.unit(func(ctx context.Context, t tx.Tx) (err error) {
		out, err = h.app.f.person.Held(ctx, t, ident.DefaultAccount, h.user)
		return err
	})
	return out
}

// A new password ends the sessions of whoever may have known the old one; the first one replaces none.
func TestPasswordEndsOtherSessions(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		mine, other := d.hold(client, "ann@x.example"), d.hold(client, "ann@x.example")
		d.setPassword(mine.self(), mine.user, goodPassword)
		if got := other.lives(); got != allLive {
			t.Error("the first password ended a session:", got)
		}
		d.setPassword(mine.self(), mine.user, betterPassword)
		if got, ours := other.lives(), mine.lives(); got != allDead || ours != allLive {
			t.Errorf("other %s, mine %s", got, ours)
		}
		// Set in a login, nothing is kept: the login begins a session of its own.
		d.setPassword(actor.Actor{Account: ident.DefaultAccount}, mine.user, goodPassword)
		if got := mine.lives(); got != allDead {
			t.Error("a reset left a session:", got)
		}
	})
}

// REC-03: a recovery that is done removes what was lost and ends what there is; nothing else does.
func TestREC03_RecoveryRemovesWhatWasLost(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		ann, bob := d.hold(client, "ann@x.example"), d.hold(client, "bob@x.example")
		for _, h := range []held{ann, bob} {
			h.addApp()
			d.unit(func(ctx context.Context, t tx.Tx) error {
				_, err := d.app.f.person.Recovery.Create(ctx, t, h.self(), h.user)
				return err
			})
		}
		d.setPassword(ann.self(), ann.user, goodPassword)
		if got := ann.holds(); got != (factor.Held{TOTP: 1, Recovery: 10, Password: true}) {
			t.Fatalf("%+v", got)
		}
		d.unit(func(ctx context.Context, tt tx.Tx) error {
			_, _, err := d.app.f.person.Regain.Request(ctx, tt, ann.self(), ann.user, time.Hour)
			return err
		})
		err := d.app.db.Write(d.Context(), tx.In(ident.DefaultAccount), func(ctx context.Context, tt tx.Tx) error {
			return d.app.f.person.Regain.Finish(ctx, tt, ann.self(), ann.user, tt.Now().Add(48*time.Hour))
		})
		if !fault.Is(err, fault.NotFound) || ann.holds().TOTP != 1 || ann.lives() != allLive {
			t.Error("before its time:", err)
		}
		d.happens(actor.Actor{}, regain.EventDone, string(ann.user))
		if got := ann.holds(); got != (factor.Held{Password: true}) {
			t.Errorf("%+v", got)
		}
		if got := ann.lives(); got != allDead {
			t.Error("sessions:", got)
		}
		if got := bob.holds(); got.TOTP != 1 || got.Recovery != 10 || bob.lives() != allLive {
			t.Errorf("somebody else's: %+v", got)
		}
	})
}

func TestFactorsGoWithThePerson(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		ann := d.hold(client, "ann@x.example")
		ann.addApp()
		d.setPassword(ann.self(), ann.user, goodPassword)
		f := d.app.f.person
		d.unit(func(ctx context.Context, t tx.Tx) error {
			if _, _, err := f.Regain.Request(ctx, t, ann.self(), ann.user, time.Hour); err != nil {
				return err
			}
			_, err := f.Recovery.Create(ctx, t, ann.self(), ann.user)
			return err
		})
		d.happens(actor.Actor{Kind: actor.Operator}, user.EventDeleted, string(ann.user))
		if got := ann.holds(); got != (factor.Held{}) {
			t.Errorf("%+v", got)
		}
		d.unit(func(ctx context.Context, tt tx.Tx) error {
			if _, err := f.Regain.Pending(ctx, tt, ident.DefaultAccount, ann.user); !fault.Is(err, fault.NotFound) {
				t.Error(err)
			}
			return nil
		})
	})
}

// Imported hashes let in the people whose they are, and nobody twice.
func TestImportPasswords(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		ann := d.hold(client, "ann@x.example")
		const hash = `$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW`
		file, err := person.ReadPasswords([]byte(`{"email":"Ann@x.example","hash":"` + hash + `"}` + "\n" + `{"email":"eve@x.example","hash":"` + hash + `"}` + "\n" + `{"userId":"` + string(ann.user) + `","hash":"` + hash + `"}`))
		if err != nil || len(file.Entries) != 3 {
			t.Fatal(file, err)
		}
		quiet := func(int, int) {}
		for _, dry := range []bool{true, false} {
			report, err := d.app.ImportPasswords(d.Context(), file, dry, quiet)
			if err != nil || report.Made != 1 || report.Held != 1 || report.Unknown != 1 || len(report.Strangers) != 1 || report.Strangers[0] != 2 {
				t.Errorf("%+v, %v", report, err)
			}
			if ann.holds().Password == dry {
				t.Error("dry run:", dry)
			}
		}
		r, err := d.app.f.person.Passwords.Verify(d.Context(), actor.Actor{Account: ident.DefaultAccount}, password.Attempt{User: ann.user, Address: "ann@x.example", Password: secret.New("U*U")})
		if err != nil || r.Outcome != factor.Right {
			t.Error(r, err)
		}
	})
}

// The service of stolen passwords learns five digits, and what it does not answer is nobody's password.
func TestStolenPasswordsOfAService(t *testing.T) {
	var asked []string
	status, body := 200, "1E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\n"
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path+" "+r.Header.Get("Add-Padding"))
		w.WriteHeader(status)
		w.Write([]byte(body))
	}))
	defer service.Close()
	list := person.StolenPasswords(Config{StolenList: service.URL + "/range/"}, service.Client())
	if found, err := list.Found(t.Context(), "password"); !found || err != nil || len(asked) != 1 || asked[0] != "/range/5BAA6 true" {
		t.Error(found, err, asked)
	}
	body = strings.Replace(body, "1E4C", "1E4D", 1)
	if found, err := list.Found(t.Context(), "password"); found || err != nil {
		t.Error(found, err)
	}
	for _, status = range []int{204, 302, 404, 429, 500} {
		if _, err := list.Found(t.Context(), "password"); err == nil {
			t.Error("taken for an answer:", status)
		}
	}
	if person.StolenPasswords(Config{}, nil) != nil {
		t.Error("a list that nobody has configured")
	}
}

// REC-14: who takes a change of their address back gets rid of what was registered since, and of nothing else.
func TestREC14_TakingAnAddressBackRemovesWhatWasAdded(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		ann, bob := d.hold(client, "ann@x.example"), d.hold(client, "bob@x.example")
		f := d.app.f.person
		passkeyOf := func(h held, id string) {
			d.unit(func(ctx context.Context, t tx.Tx) error {
				_, err := passkeydb.Store{}.Insert(ctx, t, passkey.Passkey{
					ID: id, Account: ident.DefaultAccount, User: h.user, Credential: []byte(id), Key: []byte("k"), Handle: []byte(h.user), CreatedAt: t.Now(),
				})
				return err
			})
		}
		codesOf := func(h held) {
			d.unit(func(ctx context.Context, t tx.Tx) error {
				_, err := f.Recovery.Create(ctx, t, h.self(), h.user)
				return err
			})
		}
		passkeyOf(ann, "pky_1")
		ann.addApp()
		codesOf(ann)
		time.Sleep(2 * time.Millisecond)
		var since time.Time
		d.unit(func(_ context.Context, t tx.Tx) error { since = t.Now(); return nil })
		restored := func() {
			d.happens(actor.Actor{Kind: actor.User, ID: string(ann.user)}, link.EventAddressRestored, string(ann.user), "since", since.Format(time.RFC3339Nano))
		}
		for _, h := range []held{ann, bob} {
			passkeyOf(h, "pky_of_"+string(h.user))
			h.addApp()
			d.setPassword(h.self(), h.user, goodPassword)
		}
		codesOf(bob)
		d.unit(func(ctx context.Context, tt tx.Tx) error {
			_, _, err := f.Regain.Request(ctx, tt, ann.self(), ann.user, time.Hour)
			return err
		})
		restored()
		if got := ann.holds(); got != (factor.Held{Passkeys: 1, TOTP: 1, Recovery: 10}) {
			t.Errorf("%+v", got)
		}
		if got := bob.holds(); got != (factor.Held{Passkeys: 1, TOTP: 1, Recovery: 10, Password: true}) {
			t.Errorf("somebody else's: %+v", got)
		}
		d.unit(func(ctx context.Context, tt tx.Tx) error {
			if _, err := f.Regain.Pending(ctx, tt, ident.DefaultAccount, ann.user); !fault.Is(err, fault.NotFound) {
				t.Error("a recovery waits:", err)
			}
			return nil
		})
		codesOf(ann)
		restored()
		if got := ann.holds(); got != (factor.Held{Passkeys: 1, TOTP: 1}) {
			t.Errorf("%+v", got)
		}
	})
}
