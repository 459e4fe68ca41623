package person

import (
	"context"
	"net/http"

	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/session/dbsc"
	"github.com/admit-id/admit/internal/session/dbsc/dbscdb"
	"github.com/admit-id/admit/internal/surface/hosted/bind"
)

// NewGuard makes what tells the sessions which of them are bound. It is made before them, and knows of
// no policy until Build.
func NewGuard() *dbsc.Guard { return dbsc.NewGuard(dbscdb.NewStore()) }

func (f *Features) buildBindings() {
	f.d.Guard.Follow(f.bindingPolicy)
	f.Bindings = dbsc.New(dbsc.Deps{DB: f.d.DB, Store: dbscdb.Store{}, Keys: f.d.Keys, Sessions: f.d.Sessions, Policy: f.bindingPolicy})
}

// bindingPolicy is what the account and the tenant want. A session belongs to no application, so what applications want does not count.
func (f *Features) bindingPolicy(account ident.AccountID, tenant ident.TenantID) dbsc.Policy {
	switch f.Directory.Of(account, tenant, "").Binding {
	case policy.BindingRequired:
		return dbsc.Required
	case policy.BindingOff:
		return dbsc.Off
	}
	return dbsc.Offered
}

func (f *Features) bindSurface() *bind.Surface {
	return bind.New(bind.Deps{Bindings: f.Bindings, Issuer: f.d.Accounts.Issuer, Log: f.d.Log})
}

// OfferBinding adds to an answer that gives the browser a new session cookie what lets it bind the session.
func (f *Features) OfferBinding(w http.ResponseWriter, r *http.Request, cookie secret.Text) {
	f.bindSurface().Offer(w, r, cookie)
}

// forgetBindings deletes what sessions that are over were bound to.
func (f *Features) forgetBindings(ctx context.Context) error {
	const batch = 500
	for {
		n, err := f.Bindings.Purge(ctx, batch)
		if err != nil || n < batch {
			return err
		}
	}
}
