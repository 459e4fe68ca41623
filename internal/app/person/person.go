// Package person owns the wiring of what concerns one person: how they prove who they are, their sessions
// and devices, what they see and change of themselves, and who is told when that changes.
//
// Entry points: Build, and what internal/app asks of it: Migrations, Subscribe, Remember, Routes, Jobs.
package person

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/app/signals"
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/passkey/passkeydb"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/factor/policy/policydb"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/config"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/outbox"
	"github.com/admit-id/admit/internal/kit/place"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login/link"
	"github.com/admit-id/admit/internal/login/link/linkdb"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/dbsc"
	"github.com/admit-id/admit/internal/session/dbsc/dbscdb"
	"github.com/admit-id/admit/internal/session/endings"
	"github.com/admit-id/admit/internal/session/seat"
	"github.com/admit-id/admit/internal/session/sessiondb"
	"github.com/admit-id/admit/internal/surface/hosted/page"
	"github.com/admit-id/admit/internal/surface/hosted/undo"
	"github.com/admit-id/admit/internal/user"
)

// Deps is what the rest of the deployment gives.
type Deps struct {
	DB           *sqldb.DB
	Keys         *crypt.Keys
	Clock        clock.Clock
	Log          *slog.Logger
	Outbox       *mail.Outbox
	Accounts     *account.Directory
	Applications *application.Directory
	Users        *user.Service
	Sessions     *session.Service
	Guard        *dbsc.Guard // that Sessions asks
	Settings     config.Config
	Outbound     *http.Client // the one way out (I-20)
}

// Features are the verbs.
type Features struct {
	d        Deps
	Passkeys *passkey.Service
	Seats    *seat.Service
	Links    *link.Service // of BuildLogins
	Bindings *dbsc.Service
	Signals  *signals.Signals
	Places   *place.Book // nil without a file
	endings  *endings.Log
	Factors
	Demands
	later LoginDeps // what is built after the features
}

// Build makes the features. It comes before the logins, which use them.
func Build(d Deps) *Features {
	f := &Features{
		d: d, Passkeys: buildPasskeys(d), Seats: buildSeats(d), Factors: buildFactors(d), Places: place.New(d.Settings.PlacesFile, d.Log),
	}
	f.buildDemands()
	f.buildBindings()
	f.Signals = signals.Build(signals.Deps{
		DB: d.DB, Keys: d.Keys, Log: d.Log, Issuer: d.Accounts.Issuer, Sessions: d.Sessions, Outbound: d.Outbound,
		PlainLoopback: len(d.Settings.EgressAllow) > 0,
	})
	return f
}

// Migrations are the tables', in the order in which a new database gets them.
func Migrations() []sqldb.Migration {
	return slices.Concat(
		passkeydb.Migrations(),
		dbscdb.Migrations(),
		factorMigrations(),
		policydb.Migrations(),
		sessiondb.SeatMigrations(),
		linkdb.Migrations(),
		signals.Migrations(),
	)
}

// Subscribe is the table of who reacts to which event, inside the unit of work that emitted it.
func (f *Features) Subscribe(bus *tx.Bus) {
	bus.Subscribe(user.EventDeleted, f.Passkeys.ForgetUser)
	f.subscribeFactors(bus)
	f.subscribeDemands(bus)
	f.subscribeSeats(bus)
	newUses(f.d.Sessions).subscribe(bus)
	f.subscribeNotices(bus)
	f.Signals.Subscribe(bus)
}

// Remember is the table of who keeps what in memory.
func (f *Features) Remember(follower *feed.Follower) {
	follower.Subscribe(f.Directory, policy.ChangeKind)
	f.rememberEndings(follower)
	f.Signals.Follow(follower.Heard)
}

// Routes are the routes of the surfaces that this package makes. kit makes pages; door tells who is signed in.
func (f *Features) Routes(kit *page.Kit, door page.Door, o Others) ([]web.Route, error) {
	own, err := f.settingsRoutes(kit, door, o)
	if err != nil {
		return nil, err
	}
	back, err := undo.New(kit, f.Links)
	if err != nil {
		return nil, err
	}
	return slices.Concat(
		own,
		back.Routes(),
		f.passkeyOrigins().Routes(),
		f.bindSurface().Routes(),
		f.revokedSurface(o.Feed).Routes(),
		f.Signals.Routes(signals.Late{Engine: o.Engine, Tokens: f.later.Tokens, Verifier: o.Verifier, Clients: f.later.Clients, Draining: o.Feed.Draining}),
	), err
}

// Job is something that is done again and again, perhaps on many nodes at once.
type Job struct {
	Name  string
	Every time.Duration
	Run   func(ctx context.Context) error
}

// Jobs are those of the features.
func (f *Features) Jobs() []Job {
	return []Job{
		{"forget challenges of passkeys", time.Minute, f.forgetChallenges},
		{"forget bindings of sessions", 10 * time.Minute, f.forgetBindings},
		{"forget unfinished factors", time.Minute, f.forgetPending},
		{"forget changes of addresses", 10 * time.Minute, f.forgetMoves},
		{"push signals", outbox.Every, f.Signals.Push},
		{"forget signals", time.Minute, f.Signals.Forget},
		{"read the places of addresses", time.Minute, func(context.Context) error { return f.Places.Refresh() }},
	}
}
