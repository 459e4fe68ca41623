package holding_test

import (
	"context"
	"encoding/base32"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/holding"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/passkey/passkeydb"
	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/factor/password/hashes"
	"github.com/admit-id/admit/internal/factor/password/passworddb"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/factor/recovery"
	"github.com/admit-id/admit/internal/factor/recovery/recoverydb"
	"github.com/admit-id/admit/internal/factor/regain"
	"github.com/admit-id/admit/internal/factor/regain/regaindb"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/factor/totp/totpdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

func owner(id string) holding.Owner {
	return holding.Owner{By: actor.Actor{Kind: actor.User, Account: "acc", ID: id}, Session: ident.SessionID("ses_" + id), Issuer: "Shop", Name: id, Label: id + "@example.com"}
}

func TestOnesOwn(t *testing.T) {
	migrations := slices.Concat(ratelimit.Migrations(), totpdb.Migrations(), recoverydb.Migrations(), passworddb.Migrations(), regaindb.Migrations(), passkeydb.Migrations())
	sqldbtest.Each(t, migrations, func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		keys, err := crypt.NewKeys(secret.Bytes(32))
		if err != nil {
			t.Fatal(err)
		}
		demanded, passwords := policy.Policy{}, true
		s := holding.New(holding.Deps{
			DB: db, TOTP: &totp.Service{Store: totpdb.Store{}, Pending: totpdb.Pending{}, Keys: keys}, Recovery: &recovery.Service{Store: recoverydb.Store{}, Keys: keys},
			Regain:    &regain.Service{Store: regaindb.Store{}, Keys: keys},
			Passwords: password.New(password.Deps{DB: db, Store: passworddb.Store{}, Keys: keys, Pool: password.NewPool(hashes.Params{Memory: 64, Passes: 1, Lanes: 1})}),
			Passkeys: passkey.New(passkey.Deps{Store: passkeydb.Store{}, Challenges: passkeydb.Store{}, Party: func(ident.AccountID) (passkey.Party, bool) {
				return passkey.NewParty("https://login.example.test", "Shop", nil)
			}}),
			Policy: func(ident.AccountID) policy.Policy { return demanded },
			Models: func(context.Context, tx.Tx, ident.AccountID, ident.UserID) ([]string, error) {
				return demanded.Authenticators, nil
			},
			TakesPasswords: func(ident.AccountID) bool { return passwords },
			Identified:     func(context.Context, tx.Tx, ident.AccountID, ident.UserID) (bool, error) { return true, nil },
		})
		ctx, alice, mallory := t.Context(), owner("usr_alice"), owner("usr_mallory")

		e, err := s.BeginTOTP(ctx, alice)
		if err != nil {
			t.Fatal(err)
		}
		seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(e.Secret.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		code := totp.Code(seed, totp.StepAt(clk.Now()), totp.Digits)
		elsewhere := alice
		elsewhere.Session = "ses_other"
		for name, o := range map[string]holding.Owner{"another person": mallory, "another session": elsewhere} {
			if _, err := s.ShownTOTP(ctx, o); !errors.Is(err, totp.ErrGone) {
				t.Errorf("%s sees the seed: %v", name, err)
			}
			if _, err := s.ConfirmTOTP(ctx, o, "", code); !errors.Is(err, totp.ErrGone) {
				t.Errorf("%s confirms it: %v", name, err)
			}
		}
		if r, err := s.ConfirmTOTP(ctx, alice, "Phone", code); err != nil || r.Outcome != factor.Right {
			t.Fatal(r, err)
		}
		if codes, err := s.CreateCodes(ctx, alice); err != nil || len(codes) != recovery.Count {
			t.Fatal(codes, err)
		}
		if err := s.SetPassword(ctx, alice, secret.New("seven lakes in a row")); err != nil {
			t.Fatal(err)
		}
		var refused *password.Refused
		if err := s.SetPassword(ctx, alice, secret.New("short")); !errors.As(err, &refused) {
			t.Error(err)
		}
		if options, err := s.BeginPasskey(ctx, alice); err != nil || !strings.Contains(string(options), `"login.example.test"`) {
			t.Error(string(options), err)
		}
		kept, err := s.Of(ctx, "acc", "usr_alice")
		if err != nil || len(kept.Devices) != 1 || !kept.Held().Second() || kept.Codes != recovery.Count || !kept.Password {
			t.Fatalf("%+v %v", kept, err)
		}
		if other, err := s.Of(ctx, "acc", "usr_mallory"); err != nil || other.Held() != (factor.Held{}) {
			t.Errorf("%+v %v", other, err)
		}
		if other, err := s.Of(ctx, "acc_other", "usr_alice"); err != nil || other.Held() != (factor.Held{}) {
			t.Errorf("another account: %+v %v", other, err)
		}
		for name, err := range map[string]error{
			"app": s.RemoveTOTP(ctx, mallory, kept.Devices[0].ID), "passkey": s.RemovePasskey(ctx, mallory, "pky_1"), "name": s.RenamePasskey(ctx, mallory, "pky_1", "x"),
			"password": s.RemovePassword(ctx, mallory), "recovery": s.CancelRecovery(ctx, mallory),
		} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("%s of another: %v", name, err)
			}
		}
		machine := alice
		machine.By.Kind = actor.ServiceClient
		for _, o := range []holding.Owner{machine, {}, {By: actor.ForSystem("acc")}} {
			if _, err := s.CreateCodes(ctx, o); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%v: %v", o.By, err)
			}
		}

		demanded.Second, demanded.First, passwords = []factor.Kind{factor.Recovery}, []factor.Kind{factor.EmailCode}, false
		if _, err := s.BeginTOTP(ctx, alice); !errors.Is(err, holding.ErrOff) {
			t.Error(err)
		}
		if _, err := s.BeginPasskey(ctx, alice); !errors.Is(err, holding.ErrOff) {
			t.Error(err)
		}
		if err := s.SetPassword(ctx, alice, secret.New("seven lakes in a row")); !errors.Is(err, holding.ErrOff) {
			t.Error(err)
		}
		// What is switched off can still be removed.
		if err := errors.Join(s.RemoveTOTP(ctx, alice, kept.Devices[0].ID), s.RemovePassword(ctx, alice)); err != nil {
			t.Error(err)
		}
	})
}
