package holding_test

import (
	"context"
	"testing"

	"github.com/admit-id/admit/internal/factor/holding"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/passkey/passkeydb"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Where the models of authenticators are restricted, none comes in by an application's page, which proves no model.
func TestModelsAreNotGotRound(t *testing.T) {
	sqldbtest.Each(t, passkeydb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		var models []string
		s := holding.New(holding.Deps{
			DB: db, Policy: func(ident.AccountID) policy.Policy { return policy.Policy{} },
			Models: func(_ context.Context, _ tx.Tx, a ident.AccountID, u ident.UserID) ([]string, error) {
				if a != "acc" || u != "usr_alice" {
					t.Errorf("asked for %s at %s", u, a)
				}
				return models, nil
			},
			Passkeys: passkey.New(passkey.Deps{Store: passkeydb.Store{}, Challenges: passkeydb.Store{}, Party: func(ident.AccountID) (passkey.Party, bool) {
				return passkey.NewParty("https://login.example.test", "Shop", nil)
			}}),
		})
		alice := owner("usr_alice")
		for _, c := range []struct {
			models []string
			model  bool
		}{{nil, false}, {[]string{"2fc0579f-8113-47ea-b116-bb5a8db9202a"}, true}, {[]string{"none"}, true}} {
			models = c.models
			out, err := s.ImportPasskey(t.Context(), alice, passkey.Foreign{})
			if err != nil || out.Refused == "" || (out.Refused == passkey.RefusedModel) != c.model {
				t.Errorf("%v: import: %+v %v", c.models, out, err)
			}
			p, err := s.FinishProof(t.Context(), alice, "pky_x", []byte("{}"))
			if err != nil || p.Refused == "" || (p.Refused == passkey.RefusedModel) != c.model {
				t.Errorf("%v: proof: %+v %v", c.models, p, err)
			}
		}
	})
}
