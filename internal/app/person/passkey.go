package person

import (
	"context"

	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/passkey/passkeydb"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/surface/hosted/origin"
)

// passkeyBatch is how many challenges are forgotten in one unit of work.
const passkeyBatch = 500

func buildPasskeys(d Deps) *passkey.Service {
	roots, err := d.Settings.PasskeyRoots()
	if err != nil { // it was readable when the settings were checked
		d.Log.Error("no model of authenticators can be attested", "error", err)
	}
	return passkey.New(passkey.Deps{
		Store: passkeydb.Store{}, Challenges: passkeydb.Store{}, Roots: roots,
		Party: func(id ident.AccountID) (passkey.Party, bool) {
			a, ok := d.Accounts.Get(id)
			if !ok {
				return passkey.Party{}, false
			}
			return passkey.NewParty(d.Accounts.Issuer(id), a.Name, a.Hosts)
		},
	})
}

func (f *Features) passkeyOrigins() origin.Surface {
	return origin.Surface{Origins: f.Passkeys.Origins}
}

// forgetChallenges deletes the challenges of passkeys that nobody answered.
func (f *Features) forgetChallenges(ctx context.Context) error {
	for {
		var n int64
		err := f.d.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) (err error) {
			n, err = passkeydb.Store{}.Purge(ctx, t, passkeyBatch)
			return err
		})
		if err != nil || n < passkeyBatch {
			return err
		}
	}
}
