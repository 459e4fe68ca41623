package app

import (
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/access/follow"
	"github.com/admit-id/admit/internal/access/follow/followdb"
	"github.com/admit-id/admit/internal/surface/v1/changes"
)

// newFollow makes who hands an account's permissions out as they change.
func (a *App) newFollow() *follow.Service {
	s := follow.New(follow.Deps{
		Runner: a.db, Store: followdb.Store{}, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{},
		Resources: accessdb.Resources{}, Guard: a.f.engine, Feed: a.follower,
	})
	a.metrics.Gauge("admit_change_streams", "Streams of changes that are open on this node.", func() float64 { return float64(s.Streams()) })
	return s
}

func (a *App) changesDeps() changes.Deps {
	return changes.Deps{
		Feed: a.f.follow, Tokens: a.f.verifier, Clock: a.clock,
		Draining: func() bool { return a.router.Draining() },
	}
}
