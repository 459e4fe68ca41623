package follow

import (
	"context"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Guard judges callers; access.Engine implements it.
type Guard interface {
	Allow(a actor.Actor, action, resource string) error
}

// Feed says up to where, and since when, this node knows the change feed; feed.Follower implements it.
type Feed interface {
	Heard() (rev int64, at time.Duration)
}

// Deps is what a Service works with.
type Deps struct {
	Runner    tx.Runner
	Store     Store
	Records   access.RecordStore
	Roles     access.RoleStore
	Groups    access.GroupStore
	Resources access.ResourceStore // optional
	Guard     Guard
	Feed      Feed

	PerAccount, PerNode int // streams at once; 0 for the usual
}

const (
	usualPerAccount = 100
	usualPerNode    = 1000
)

// Service opens streams and wakes them. It is a feed.Subscriber for Kinds.
type Service struct {
	d Deps

	mu       sync.Mutex
	open     int
	accounts map[ident.AccountID]*followed
}

// followed is an account that somebody follows.
type followed struct {
	last  int64 // revision of the last change that this node has heard of
	bells map[*Stream]chan struct{}
}

// New returns a Service.
func New(d Deps) *Service {
	if d.PerAccount == 0 {
		d.PerAccount = usualPerAccount
	}
	if d.PerNode == 0 {
		d.PerNode = usualPerNode
	}
	return &Service{d: d, accounts: map[ident.AccountID]*followed{}}
}

// Kinds are the kinds of changes that streams hand out.
func Kinds() []string {
	return []string{access.ChangeRecord, access.ChangeRole, access.ChangeGroup, access.ChangeResource}
}

// Load implements feed.Subscriber: this node does not know what it has missed, so every stream
// reads for itself.
func (s *Service) Load(ctx context.Context, t tx.Tx) error {
	rev, err := s.d.Records.Revision(ctx, t)
	if err != nil {
		return fault.Wrap("follow.Load", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.accounts {
		f.ring(rev)
	}
	return nil
}

// Apply implements feed.Subscriber.
func (s *Service) Apply(_ context.Context, _ tx.Tx, changes []feed.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		if f := s.accounts[c.Account]; f != nil {
			f.ring(c.Rev)
		}
	}
	return nil
}

func (f *followed) ring(rev int64) {
	f.last = max(f.last, rev)
	for _, bell := range f.bells {
		select {
		case bell <- struct{}{}:
		default:
		}
	}
}

// Allow judges who may follow: whoever may READ all records, roles, groups and configurations of resources
// of the account, with a filter too. Errors: Forbidden, Unauthenticated, Unavailable.
func (s *Service) Allow(a actor.Actor) error {
	for _, kind := range []string{"AccessRecords", "Roles", "Groups", "ResourcePermissions"} {
		if err := s.d.Guard.Allow(a, "READ", access.System(kind, "*")); err != nil {
			return err
		}
	}
	return nil
}

var errTooMany = fault.New(fault.Limited, fault.CodeTooManyRequests,
	"Too many streams of changes are open. Close one, or follow from one place for many.")

// Open begins a stream for a caller, of the whole account or of what bears on one resource and
// what is below it. It must be closed. Errors: those of Allow, Invalid for a resource that cannot be
// read, Limited.
func (s *Service) Open(a actor.Actor, prefix string) (*Stream, error) {
	if err := s.Allow(a); err != nil {
		return nil, err
	}
	f, err := newFilter(prefix)
	if err != nil {
		return nil, err
	}
	st := &Stream{s: s, account: a.Account, filter: f, bell: make(chan struct{}, 1)}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.accounts[a.Account]
	if s.open >= s.d.PerNode || at != nil && len(at.bells) >= s.d.PerAccount {
		return nil, errTooMany
	}
	if at == nil {
		at = &followed{bells: map[*Stream]chan struct{}{}}
		s.accounts[a.Account] = at
	}
	at.bells[st] = st.bell
	s.open++
	return st, nil
}

// Streams counts the open streams, for metrics.
func (s *Service) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open
}

func (s *Service) close(st *Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.accounts[st.account]
	if at == nil || at.bells[st] == nil {
		return
	}
	delete(at.bells, st)
	s.open--
	if len(at.bells) == 0 {
		delete(s.accounts, st.account)
	}
}

// heard returns what this node knows without asking the database: the account has no change
// after last that is not after rev, and rev was everything at the moment.
func (s *Service) heard(account ident.AccountID) (last, rev int64, at time.Duration) {
	rev, at = s.d.Feed.Heard()
	s.mu.Lock() // after Heard: streams are told of a change before it counts as heard
	defer s.mu.Unlock()
	if f := s.accounts[account]; f != nil {
		last = f.last
	}
	return last, rev, at
}

func now() time.Duration { return clock.Monotonic() }
