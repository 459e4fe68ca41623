// Package signals owns the wiring of Shared Signals: the streams of receivers, what pushes to them, and the
// table of which event of Admit is which signal (table.go).
//
// Entry points: Build, Migrations, Subscribe, Routes, Push, Purge.
package signals

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/keyring/keyringdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/serviceclient"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/signal"
	"github.com/admit-id/admit/internal/signal/deliver"
	"github.com/admit-id/admit/internal/signal/signaldb"
	"github.com/admit-id/admit/internal/surface/ssf"
	"github.com/admit-id/admit/internal/token"
)

// Deps is what the rest of the deployment gives.
type Deps struct {
	DB            *sqldb.DB
	Keys          *crypt.Keys
	Log           *slog.Logger
	Issuer        func(ident.AccountID) string
	Sessions      *session.Service
	PlainLoopback bool
	Outbound      *http.Client // the one way out (I-20)
}

// Late is what is built after the features.
type Late struct {
	Engine   *access.Engine
	Tokens   *token.Service
	Verifier *token.Verifier
	Clients  *serviceclient.Directory
	Draining func() bool
}

// Signals are the verbs.
type Signals struct {
	d       Deps
	told    sessiondb.Told
	signing *keyring.Service
	*signal.Service
	sender *deliver.Sender // of Routes
	heard  func() (int64, time.Duration)
}

// Build makes the feature.
func Build(d Deps) *Signals {
	s := &Signals{d: d, signing: keyring.New(keyring.Deps{DB: d.DB, Store: keyringdb.Store{}, Janitor: keyringdb.Store{}, Keys: d.Keys})}
	s.Service = signal.New(signal.Deps{
		DB: d.DB, Streams: signaldb.Store{}, Queue: signaldb.Store{}, Keys: d.Keys, Provide: s.provide, Issuer: d.Issuer, PlainLoopback: d.PlainLoopback,
	})
	return s
}

// Migrations are the tables'.
func Migrations() []sqldb.Migration { return signaldb.Migrations() }

// provide makes the key that a stream's tokens are signed by.
func (s *Signals) provide(ctx context.Context, t tx.Tx, account ident.AccountID, alg string) error {
	return s.signing.Provide(ctx, t, actor.ForSystem(account), token.Signing{Alg: alg}.Uses()[1])
}

// Routes are those of the surface. With them begins the pushing.
func (s *Signals) Routes(l Late) []web.Route {
	sign := func(ctx context.Context, to signal.Stream, typ string, claims any) (secret.Text, error) {
		return l.Tokens.Response(ctx, token.ResponseParams{Account: to.Account, Type: typ, Claims: claims, Signing: token.Signing{Alg: to.Alg}})
	}
	s.sender = &deliver.Sender{
		DB: s.d.DB, Queue: signaldb.Store{}, Service: s.Service, Sign: sign, HTTP: s.d.Outbound, Log: s.d.Log,
		Allowed: func(ctx context.Context, one signal.Stream) error {
			return s.surely(ctx, func() error {
				if !l.Clients.Active(one.Account, one.Client) { // whose records may have outlived it
					return fault.New(fault.Forbidden, fault.CodeForbidden, "The stream's client is gone.")
				}
				by := actor.Actor{Kind: actor.ServiceClient, Account: one.Account, ID: string(one.Client)}
				return l.Engine.Allow(by, "READ", access.System("Streams", one.ID))
			})
		},
	}
	return ssf.New(ssf.Deps{
		Streams: s.Service, Events: s.Service, Guard: l.Engine, Tokens: l.Verifier, Sign: sign, Issuer: s.d.Issuer, Draining: l.Draining,
	}).Routes()
}

// Push pushes what is due.
func (s *Signals) Push(ctx context.Context) error {
	if s.sender == nil {
		return nil
	}
	return s.sender.Worker().Drain(ctx)
}

// purgeBatch is how many events one unit of work deletes.
const purgeBatch = 500

// Forget deletes what nobody waits for.
func (s *Signals) Forget(ctx context.Context) error {
	for ctx.Err() == nil {
		if n, err := s.Purge(ctx, purgeBatch); err != nil || n < purgeBatch {
			return fault.Wrap("signals.Forget", err)
		}
	}
	return nil
}
