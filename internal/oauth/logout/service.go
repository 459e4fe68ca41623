package logout

import (
	"context"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/token"
)

// Sessions finds and ends sessions. *session.Service does.
type Sessions interface {
	ByCookie(ctx context.Context, t tx.Tx, account ident.AccountID, cookie secret.Text) (session.Session, error)
	ByID(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID) (session.Session, error)
	EndIn(ctx context.Context, t tx.Tx, a actor.Actor, id ident.SessionID) error
	EndUser(ctx context.Context, t tx.Tx, a actor.Actor, user ident.UserID) error
}

// Cuts end everybody's sessions and tokens. *session.Service does.
type Cuts interface {
	EndSome(ctx context.Context, t tx.Tx, account ident.AccountID, limit int) (int, error)
}

// Hints reads ID tokens of ours. *token.Service does.
type Hints interface {
	ReadID(account ident.AccountID, compact string) (token.Own, error)
}

// Grants ends families of tokens. *pipeline.Families does.
type Grants interface {
	EndForSession(ctx context.Context, t tx.Tx, by actor.Actor, root ident.SessionID) error
	EndForClient(ctx context.Context, t tx.Tx, by actor.Actor, client string) error
	EndForAccount(ctx context.Context, t tx.Tx, by actor.Actor) error
}

// Devices forgets what waits for or with a person's yes. *device.Service does.
type Devices interface {
	EndUser(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) error
	EndClient(ctx context.Context, t tx.Tx, account ident.AccountID, client string) error
}

// Deps is what the service needs.
type Deps struct {
	DB       tx.Runner
	Store    Store
	Clients  oauth.Clients
	Sessions Sessions
	Cuts     Cuts
	Hints    Hints
	Grants   Grants
	Devices  Devices
	Issuer   func(ident.AccountID) string
}

// Service holds the verbs of logout.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }
