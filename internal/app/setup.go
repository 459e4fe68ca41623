package app

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/app/owner"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

func (a *App) owners() owner.Service {
	return owner.Service{DB: a.db, Clients: newClients, Records: func(db tx.Runner) *access.Service { return newAccess(db, a.f.engine) }}
}

// SetupLink makes the link of the chosen account that makes whoever signs in with it an administrator, once.
func (a *App) SetupLink(ctx context.Context) (string, error) {
	return a.f.setups.Issue(ctx, a.operator())
}

// CreateAccessKey makes an access key for the chosen account's service client of that name, and the client if
// there is none. With admin the client is an owner of the account.
func (a *App) CreateAccessKey(ctx context.Context, name string, admin bool) (secret.Text, error) {
	key, err := a.owners().Key(ctx, a.operator(), name, admin)
	if err == nil {
		awaitOthers(ctx)
	}
	return key, err
}

// awaitOthers gives servers that run on the same database the time to hear of what this command
// has written, so that whoever reads its output can use it at once.
func awaitOthers(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(feed.PollEvery + 100*time.Millisecond):
	}
}
