package index

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

const (
	loadsAtOnce  = 3 // tx.Scope.Aside has connections for as many
	loadPatience = 2 * time.Second
	maxPrincipal = 128 // bytes of the id of a user or service client
)

var errSlow = fault.New(fault.Unavailable, fault.CodeUnavailable,
	"The database took too long to say what this user was given. Try again in a moment.")

// Summoner reads people of accounts that are held by need when somebody asks about them.
type Summoner struct {
	// Find reads one person. It is set before the first question.
	Find  func(account ident.AccountID, user string) (Found, error)
	index *Index
	turns chan struct{}
	loads atomic.Int64
	nanos atomic.Int64
}

// NewSummoner returns a Summoner for the index.
func NewSummoner(x *Index) *Summoner {
	return &Summoner{index: x, turns: make(chan struct{}, loadsAtOnce)}
}

// At returns a snapshot that can answer about the user. It reads the database only if the account
// is held by need and the user is not in memory. Errors: those of Find; Unavailable when it takes too long.
func (s *Summoner) At(account ident.AccountID, user string) (*Snapshot, error) {
	snap := s.index.At(account)
	if snap.Knows(user) || user == "" || len(user) > maxPrincipal {
		return snap, nil // nobody has an id that long
	}
	return s.summon(account, strings.Clone(user))
}

func (s *Summoner) summon(account ident.AccountID, user string) (*Snapshot, error) {
	patience := time.NewTimer(loadPatience)
	defer patience.Stop()
	for {
		l, mine := s.index.Begin(account, user)
		if mine {
			go s.load(l, account, user)
		}
		select {
		case <-l.Done:
		case <-patience.C:
			return nil, errSlow
		}
		snap, sure, err := l.Answer()
		switch {
		case err != nil:
			return nil, err
		case mine || sure:
			// What this caller began to read is never older than the question. Who joined a load
			// may have asked after it had read.
			return snap, nil
		}
	}
}

func (s *Summoner) load(l *Load, account ident.AccountID, user string) {
	s.turns <- struct{}{}
	defer func() { <-s.turns }()
	for {
		began := clock.Monotonic()
		found, err := s.Find(account, user)
		s.loads.Add(1)
		s.nanos.Add(int64(clock.Monotonic() - began))
		if s.index.Finish(l, found, err) {
			return
		}
	}
}

// Loads counts the people who were read, and the time for all of them together.
func (s *Summoner) Loads() (int64, time.Duration) {
	return s.loads.Load(), time.Duration(s.nanos.Load())
}
