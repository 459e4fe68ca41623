package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"sync"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/app/heap"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/egress"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/obs"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/ops"
)

// App is an opened deployment: the database is there, the schema up to date, the memory loaded
// and following.
type App struct {
	cfg      Config
	log      *slog.Logger
	clock    *clock.System
	keys     *crypt.Keys
	db       *sqldb.DB
	follower *feed.Follower
	outbound *http.Client // the one way out (I-20)
	metrics  *obs.Metrics
	tracer   *obs.Tracer
	f        features
	router   *web.Router
	served   map[string]bool // paths of routes
	ops      *ops.Surface
	chosen   ident.AccountID // that commands work on
	heapOurs bool            // GOGC is not set

	stop    context.CancelFunc
	running sync.WaitGroup
}

// Open opens the database, brings the schema up to date, makes what a deployment needs from the
// start (the default account, its application and keys) and loads the memory.
func Open(ctx context.Context, cfg Config) (*App, error) {
	a := &App{cfg: cfg, chosen: ident.DefaultAccount, clock: clock.NewSystem(), heapOurs: heap.Widen()}
	a.log = obs.NewLogger(os.Stderr, logLevel(cfg.LogLevel))
	slog.SetDefault(a.log)
	master, err := cfg.Master()
	if err != nil {
		return nil, err
	}
	if a.keys, err = crypt.NewKeys(master); err != nil {
		return nil, err
	}
	bus := &tx.Bus{}
	if path, ok := cfg.SQLite(); ok && isMissing(path) {
		a.log.Info("making a new database", "file", path)
	}
	if a.db, err = openDatabase(ctx, cfg, a.clock, bus); err != nil {
		return nil, err
	}
	if err := a.build(ctx, bus); err != nil {
		if errors.Is(err, crypt.ErrOpen) {
			err = fmt.Errorf("the master key is not the one that this database was made with: give that one, as ADMIT_MASTER_KEY or in %s", cfg.KeyFile())
		}
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (a *App) build(ctx context.Context, bus *tx.Bus) error {
	if err := a.db.Migrate(ctx, migrations()); err != nil {
		return fmt.Errorf("bring the schema up to date: %w", err)
	}
	public, err := account.ParsePublicURL(a.cfg.PublicURL)
	if err != nil {
		return err
	}
	a.follower = feed.NewFollower(a.db, a.db, a.cfg.StaleAfter)
	a.metrics = obs.NewMetrics(Version())
	a.metrics.Gauge("admit_feed_revision", "Number of the last change in the feed that this node has applied.",
		func() float64 { return float64(a.follower.Rev()) })
	a.metrics.Gauge("admit_feed_fresh", "1 while this node has heard from the database within stale-after; it refuses to decide otherwise.", func() float64 {
		if a.follower.Fresh() {
			return 1
		}
		return 0
	})
	a.outbound = egress.New(egress.Options{Allow: a.cfg.EgressAllow, Clock: a.clock})
	a.buildFeatures(public)
	a.measureMemory()
	subscribe(bus, a)
	remember(a.follower, &a.f)
	if err := a.furnish(ctx); err != nil {
		return err
	}
	if err := a.follower.Start(ctx); err != nil {
		return err
	}
	a.running.Go(debug.FreeOSMemory) // what the start needed
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	a.stop = stop
	a.running.Go(func() { a.follower.Run(running) })
	a.db.Follow(a.follower.WaitFor)
	return a.buildSurfaces(ctx)
}

// furnish makes what every deployment has. It may run on several nodes at once.
func (a *App) furnish(ctx context.Context) error {
	if err := a.f.accounts.CreateDefault(ctx); err != nil {
		return fmt.Errorf("make the default account: %w", err)
	}
	if !a.cfg.Dev {
		return nil
	}
	pages := append([]string{a.cfg.PublicURL + "/try"}, developmentPages...)
	if err := a.f.applications.AllowDevelopment(ctx, ident.DefaultAccount, pages...); err != nil {
		return fmt.Errorf("prepare the default application for development: %w", err)
	}
	return nil
}

// developmentPages are where the quickstart, and most things that a newcomer starts, are served.
var developmentPages = []string{"http://localhost:3000/", "http://127.0.0.1:3000/"}

// Close stops following and closes the database.
func (a *App) Close() error {
	if a.stop != nil {
		a.stop()
	}
	a.running.Wait()
	var err error
	if a.tracer != nil {
		err = a.tracer.Close(context.Background())
	}
	return errors.Join(err, a.db.Close())
}

// Routes lists every route with its declaration.
func (a *App) Routes() []web.RouteInfo { return a.router.Routes() }

// Migrate brings the schema up to date and does nothing else.
func Migrate(ctx context.Context, cfg Config) error {
	db, err := openDatabase(ctx, cfg, clock.NewSystem(), &tx.Bus{})
	if err != nil {
		return err
	}
	return errors.Join(db.Migrate(ctx, migrations()), db.Close())
}

func openDatabase(ctx context.Context, cfg Config, c *clock.System, bus *tx.Bus) (*sqldb.DB, error) {
	db, err := sqldb.Open(ctx, sqldb.Options{URL: cfg.Database.Reveal(), Clock: c, Bus: bus})
	if err != nil {
		return nil, fmt.Errorf("the database: %w", err)
	}
	if err := db.SyncClock(ctx, c); err != nil {
		return nil, errors.Join(fmt.Errorf("read the database's clock: %w", err), db.Close())
	}
	return db, nil
}

func isMissing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}

func logLevel(text string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(text)); err != nil {
		return slog.LevelInfo // config.Validate has refused anything else
	}
	return l
}
