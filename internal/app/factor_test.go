package app

import (
	"context"
	"encoding/base32"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/app/person"
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/factor/holding"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/passkey/passkeydb"
	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
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
			h.renew(h.cookie()) // the session is used there before there is a second factor to ask for
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
			report, err := d.app.ImportPasswords(d.Context(), file, person.PasswordIntake{Dry: dry}, quiet)
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

// People who are not there are made where that is wished and the other system says that they read their address; then they sign in
// with it, under the id that they had.
func TestImportMakesPeople(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		ann := d.hold(client, "ann@x.example")
		const hash = `$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW`
		line := func(text string) string { return "{" + text + `,"hash":"` + hash + `"}` + "\n" }
		file, err := person.ReadPasswords([]byte(
			line(`"email":"bea@x.example","emailVerified":true`) +
				line(`"email":"Cid@x.example","emailVerified":true,"userId":"firebase-7"`) +
				line(`"email":"mallory@x.example","emailVerified":false`) + // 3: who never proved it
				line(`"email":"dan@x.example"`) +
				line(`"userId":"nobody","emailVerified":true`) + // 5: no address
				line(`"email":"eve@x.example","emailVerified":true,"userId":"firebase-7"`) + // 6: the id is somebody's
				line(`"email":"fay@x.example","emailVerified":true,"userId":"sc_fay"`) + // 7: nobody may have it
				line(`"email":"ann@x.example","emailVerified":true,"userId":"firebase-8"`) + // 8: Ann has another id
				line(`"email":"ann@x.example","emailVerified":true`)))
		if err != nil || len(file.Problems) > 0 {
			t.Fatal(file, err)
		}
		for _, c := range []struct {
			how  person.PasswordIntake
			want person.PasswordReport
		}{
			{person.PasswordIntake{Dry: true}, person.PasswordReport{Made: 1, Unknown: 8, Strangers: []int{1, 2, 3, 4, 5, 6, 7, 8}}},
			{person.PasswordIntake{Dry: true, Create: true}, person.PasswordReport{Made: 3, People: 2, Unknown: 6, Strangers: []int{3, 4, 5, 6, 7, 8}}},
			{person.PasswordIntake{Create: true}, person.PasswordReport{Made: 3, People: 2, Unknown: 6, Strangers: []int{3, 4, 5, 6, 7, 8}}},
			{person.PasswordIntake{Create: true}, person.PasswordReport{Held: 3, Unknown: 6, Strangers: []int{3, 4, 5, 6, 7, 8}}},
		} {
			report, err := d.app.ImportPasswords(d.Context(), file, c.how, func(int, int) {})
			if !reflect.DeepEqual(c.want, report) || err != nil {
				t.Errorf("%+v: %+v, want %+v, %v", c.how, report, c.want, err)
			}
		}
		if bea := d.hold(client, "bea@x.example"); !bea.holds().Password || bea.user == ann.user {
			t.Errorf("%+v", bea)
		}
		if cid := d.hold(client, "cid@x.example"); cid.user != "firebase-7" || !cid.holds().Password {
			t.Errorf("%+v", cid)
		}
		if mallory := d.hold(client, "mallory@x.example"); mallory.holds().Password {
			t.Error("LNK-01: the password of somebody who never proved the address")
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

// keys gives somebody passkeys that were registered, without their authenticators.
func (h held) keys(ids ...string) {
	h.Helper()
	for _, id := range ids {
		h.unit(func(ctx context.Context, t tx.Tx) error {
			_, err := passkeydb.Store{}.Insert(ctx, t, passkey.Passkey{
				ID: id, Account: ident.DefaultAccount, User: h.user, Credential: []byte(id), Key: []byte("k"), Handle: []byte(h.user), CreatedAt: t.Now(),
			})
			return err
		})
	}
}

// appID is the person's authenticator app.
func (h held) appID() string {
	h.Helper()
	kept, err := h.app.f.person.Holding().Of(h.Context(), ident.DefaultAccount, h.user)
	if err != nil || len(kept.Devices) == 0 {
		h.Fatal(kept, err)
	}
	return kept.Devices[0].ID
}

// passwordsOn gives the account passwords.
func (d deployment) passwordsOn() {
	d.Helper()
	_, err := d.app.f.connections.Create(d.Context(), actor.ForOperator(ident.DefaultAccount), connection.Input{Spec: connection.Spec{Type: "PASSWORD", Name: "Password"}})
	if err != nil {
		d.Fatal(err)
	}
}

const shortPassword = "rain on tin"

// MFA-04: a password that is long enough only together with a second factor does not become the only one, by
// whatever way the last second factor goes, also when two go at once.
func TestAShortPasswordNeverStandsAlone(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		h := d.app.f.person.Holding()
		d.passwordsOn()
		var refused *password.Refused
		ann := d.hold(client, "ann@x.example")
		me := holding.Owner{By: ann.self(), Session: ident.SessionID(ann.sid)}
		set := func(who holding.Owner, text string) error { return h.SetPassword(d.Context(), who, secret.New(text)) }
		if err := set(me, shortPassword); !errors.As(err, &refused) || refused.Reason != password.Short {
			t.Fatal("without a second factor:", err)
		}
		ann.addApp()
		ann.keys("pky_1", "pky_2")
		if err := set(me, shortPassword); err != nil {
			t.Fatal(err)
		}
		if err := h.RemovePasskey(d.Context(), me, "pky_1"); err != nil {
			t.Fatal(err)
		}
		one, two, app := make(chan error, 1), make(chan error, 1), ann.appID()
		go func() { one <- h.RemovePasskey(d.Context(), me, "pky_2") }()
		go func() { two <- h.RemoveTOTP(d.Context(), me, app) }()
		a, b := <-one, <-two
		if got := ann.holds(); errors.Is(a, holding.ErrShort) == errors.Is(b, holding.ErrShort) || a != nil && b != nil || !got.Second() || !got.Password {
			t.Fatalf("%v, %v, %+v", a, b, got)
		}
		// Longer, it may stand alone.
		if err := set(me, goodPassword); err != nil {
			t.Fatal(err)
		}
		if got := ann.holds(); got.TOTP > 0 {
			a = h.RemoveTOTP(d.Context(), me, app)
		} else {
			a = h.RemovePasskey(d.Context(), me, "pky_2")
		}
		if got := ann.holds(); a != nil || got != (factor.Held{Password: true}) {
			t.Errorf("%v, %+v", a, got)
		}

		// Where nobody is asked, it goes with what it needs; one that is long enough stays.
		bob, eve := d.hold(client, "bob@x.example"), d.hold(client, "eve@x.example")
		for i, who := range []held{bob, eve} {
			text := []string{shortPassword, goodPassword}[i]
			who.addApp()
			if err := set(holding.Owner{By: who.self(), Session: ident.SessionID(who.sid)}, text); err != nil {
				t.Fatal(err)
			}
			d.happens(actor.Actor{}, regain.EventDone, string(who.user))
		}
		if a, b := bob.holds(), eve.holds(); a != (factor.Held{}) || b != (factor.Held{Password: true}) {
			t.Errorf("%+v, %+v", a, b)
		}
		if got := d.mails("bob@x.example"); len(got) == 0 || !slices.ContainsFunc(got, func(m mail.Kept) bool { return strings.HasPrefix(m.Subject, "Your password was removed") }) {
			t.Errorf("%+v", got)
		}
	})
}

// Nobody removes the passkey that is their only way to sign in, nor their last identity in the same moment.
func TestTheLastWayInStays(t *testing.T) {
	eachDeployment(t, func(d deployment) {
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		h := d.app.f.person.Holding()
		ann := d.hold(client, "ann@x.example")
		me := holding.Owner{By: ann.self(), Session: ident.SessionID(ann.sid)}
		ann.keys("pky_1", "pky_2")
		mailbox := user.Identity{Connection: "con_email", Issuer: emailcode.Issuer, Subject: "ann@x.example"}
		drop := func() error {
			return d.app.db.Write(d.Context(), tx.In(ident.DefaultAccount), func(ctx context.Context, x tx.Tx) error {
				return d.app.f.users.Drop(ctx, x, ann.self(), ann.user, mailbox)
			})
		}
		if err := drop(); err != nil {
			t.Fatal(err)
		}
		if err := h.RemovePasskey(d.Context(), me, "pky_1"); err != nil {
			t.Fatal("one of two:", err)
		}
		if err := h.RemovePasskey(d.Context(), me, "pky_2"); !errors.Is(err, holding.ErrLast) || ann.holds().Passkeys != 1 {
			t.Error("the last one:", err)
		}
		// With an identity of a connection that is on it is not the last way.
		link := func(i user.Identity) {
			d.unit(func(ctx context.Context, x tx.Tx) error {
				_, err := d.app.f.users.Link(ctx, x, ann.self(), ann.user, i)
				return err
			})
		}
		link(user.Identity{Connection: "con_gone", Issuer: "https://idp.example", Subject: "x"})
		if err := h.RemovePasskey(d.Context(), me, "pky_2"); !errors.Is(err, holding.ErrLast) {
			t.Error("through a connection that is not there:", err)
		}
		link(mailbox)
		if err := h.RemovePasskey(d.Context(), me, "pky_2"); err != nil {
			t.Error(err)
		}
		// Whom a service client names can come by its word.
		d.unit(func(ctx context.Context, x tx.Tx) error {
			_, _, err := d.app.f.users.SignInAs(ctx, x, actor.ForSystem(ident.DefaultAccount), "crm|7", "sc_1", user.Profile{})
			return err
		})
		seven := held{visitor: d.visitor(), user: "crm|7", sid: "ses_x"}
		seven.keys("pky_7")
		if err := h.RemovePasskey(d.Context(), holding.Owner{By: seven.self(), Session: "ses_x"}, "pky_7"); err != nil {
			t.Error(err)
		}
		if err := h.RemovePasskey(d.Context(), me, "pky_7"); !fault.Is(err, fault.NotFound) {
			t.Error("another person's:", err)
		}
	})
}
