package app

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/app/heap"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/outbox"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth/oauthdb"
	"github.com/admit-id/admit/internal/oauth/party/partydb"
	"github.com/admit-id/admit/internal/oauth/registration/registrationdb"
	"github.com/admit-id/admit/internal/session"
)

const (
	purgeEvery  = time.Minute
	purgeBatch  = 500
	rotateEvery = 10 * time.Minute
	clockEvery  = 30 * time.Second
	heapEvery   = 10 * time.Second
	feedKept    = 24 * time.Hour // a node that was away for longer loads everything anew
)

// job is something that is done again and again. Every job may run on many nodes at once.
type job struct {
	name  string
	every time.Duration
	run   func(ctx context.Context) error
}

// jobs are all of them; sender is nil when no mail is sent.
func (a *App) jobs(sender *mail.Sender) []job {
	all := []job{
		{"tell clients of logouts", outbox.Every, a.logoutSender().Worker().Drain},
		{"rotate keys", rotateEvery, a.f.signing.RotateDue},
		{"read the database's clock", clockEvery, func(ctx context.Context) error { return a.db.SyncClock(ctx, a.clock) }},
		{"forget finished logins", purgeEvery, inBatches(a.f.logins.Purge)},
		{"forget ended sessions", purgeEvery, inBatches(a.f.sessions.Purge)},
		{"forget old invites", purgeEvery, inBatches(a.f.invites.Purge)},
		{"forget used proofs", purgeEvery, inBatches(a.f.proofs.Purge)},
		{"forget codes and grants", purgeEvery, a.inWrite(func(ctx context.Context, t tx.Tx, limit int) (int64, error) {
			return oauthdb.Janitor{}.Purge(ctx, t, t.Now().Add(-2*session.MaxTokenLife), limit)
		})},
		{"forget authorization requests", purgeEvery, inBatches(a.f.oauth.requests.Purge)},
		{"forget devices", purgeEvery, inBatches(a.f.oauth.devices.Purge)},
		{"forget told logouts", purgeEvery, inBatches(a.f.oauth.logouts.Purge)},
		{"forget used assertions", purgeEvery, a.inWrite(partydb.Store{}.Purge)},
		{"forget old registration tokens", purgeEvery, a.inWrite(registrationdb.Store{}.Purge)},
		{"forget sent mail", purgeEvery, a.inWrite(a.f.outbox.Purge)},
		{"forget spent limits", purgeEvery, a.inWrite(ratelimit.Store{}.Purge)},
		{"shorten the change feed", purgeEvery, func(ctx context.Context) error {
			return a.db.TrimFeed(ctx, a.clock.Now().Add(-feedKept))
		}},
	}
	for _, j := range a.f.person.Jobs() {
		all = append(all, job{j.Name, j.Every, j.Run})
	}
	if sender != nil {
		all = append(all, job{"send mail", outbox.Every, sender.Worker().Drain})
	}
	if a.heapOurs {
		all = append(all, job{"fit the heap", heapEvery, heap.Fit})
	}
	return all
}

// startJobs runs the jobs until ctx ends.
func (a *App) startJobs(ctx context.Context, all []job) {
	for _, j := range all {
		a.running.Go(func() { a.repeat(ctx, j) })
	}
}

func (a *App) repeat(ctx context.Context, j job) {
	tick := time.NewTicker(j.every)
	defer tick.Stop()
	for {
		if err := j.run(ctx); err != nil && ctx.Err() == nil {
			a.log.ErrorContext(ctx, "a job failed and will be tried again", "job", j.name, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// inBatches repeats a purge until it finds little.
func inBatches(purge func(ctx context.Context, limit int) (int64, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		for ctx.Err() == nil {
			n, err := purge(ctx, purgeBatch)
			if err != nil || n < purgeBatch {
				return err
			}
		}
		return nil
	}
}

func (a *App) inWrite(purge func(ctx context.Context, t tx.Tx, limit int) (int64, error)) func(context.Context) error {
	return inBatches(func(ctx context.Context, limit int) (n int64, err error) {
		err = a.db.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
			n, err = purge(ctx, t, limit)
			return err
		})
		return n, err
	})
}
