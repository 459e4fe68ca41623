package access

import (
	"context"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// ChangeKinds are the kinds of changes that the Service follows.
func ChangeKinds() []string { return []string{ChangeRecord, ChangeRole, ChangeGroup, ChangeResource} }

// Load implements feed.Subscriber: it builds the index anew and puts it in place at once.
func (s *Service) Load(ctx context.Context, t tx.Tx) error {
	rev, err := s.d.Records.Revision(ctx, t)
	if err != nil {
		return fault.Wrap("access.Load", err)
	}
	fresh := NewIndex()
	l := loader{s: s, b: fresh.Build(), budget: s.d.Engine.memory.budget, sizes: map[ident.AccountID]int{}, large: map[ident.AccountID]bool{}}
	if err := l.run(ctx, t); err != nil {
		return fault.Wrap("access.Load", err)
	}
	l.b.Done()
	fresh.Budget(s.d.Engine.room(l.total))
	s.d.Engine.index.Take(fresh)
	s.d.Engine.applied.Store(rev)
	return nil
}

// loader fills an index, whole accounts as long as they fit.
type loader struct {
	s      *Service
	b      *index.Builder
	budget int
	total  int
	sizes  map[ident.AccountID]int
	large  map[ident.AccountID]bool // those that are held by need
}

func (l *loader) run(ctx context.Context, t tx.Tx) error {
	d := &l.s.d
	counts, err := d.Facts.Accounts(ctx, t, l.budget+1)
	if err != nil {
		return err
	}
	for account, n := range counts {
		if n > l.budget {
			l.hold(account)
		}
	}
	err = d.Roles.Each(ctx, t, func(account ident.AccountID, r Role) error {
		l.b.Edit(account).SetRole(r.ID, r.Compiled())
		return nil
	})
	if err != nil {
		return err
	}
	err = d.Groups.Each(ctx, t, func(account ident.AccountID, g Group) error {
		if l.fits(account, len(g.Users)) {
			l.b.Edit(account).SetGroup(g.ID, g.Members())
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := l.records(ctx, t, counts); err != nil || d.Resources == nil {
		return err
	}
	return d.Resources.Each(ctx, t, func(account ident.AccountID, c ResourceConfig) error {
		c.edit(l.b.Edit(account))
		return nil
	})
}

// records reads all accounts in the order of the file, or, if some of them are large, the others one by one.
func (l *loader) records(ctx context.Context, t tx.Tx, counts map[ident.AccountID]int) error {
	add := func(account ident.AccountID, r *Record) error {
		blocks, grants := r.Blocks(), 0
		for _, b := range blocks {
			grants += len(b.Principals) * len(b.Grants)
		}
		if l.fits(account, grants) {
			l.b.Edit(account).AddRecord(r.ID, blocks)
		}
		return nil
	}
	if len(l.large) == 0 {
		return l.s.d.Facts.Each(ctx, t, "", add)
	}
	for account := range counts {
		if l.large[account] {
			continue
		}
		if err := l.s.d.Facts.Each(ctx, t, account, add); err != nil {
			return err
		}
	}
	return nil
}

// fits counts more of an account, and tells whether it is to be put into memory.
func (l *loader) fits(account ident.AccountID, more int) bool {
	if l.large[account] {
		return false
	}
	l.sizes[account] += more
	l.total += more
	for l.total > l.budget && len(l.sizes) > 0 {
		largest := account
		for a, n := range l.sizes {
			if n > l.sizes[largest] {
				largest = a
			}
		}
		l.hold(largest)
	}
	return !l.large[account]
}

func (l *loader) hold(account ident.AccountID) {
	l.large[account] = true
	l.total -= l.sizes[account]
	delete(l.sizes, account)
	l.b.Edit(account).HoldByNeed()
}

// Apply implements feed.Subscriber. It reads what changed and makes one new snapshot per account,
// so that a unit of work is seen whole.
func (s *Service) Apply(ctx context.Context, t tx.Tx, changes []feed.Change) error {
	var order []ident.AccountID
	edits := map[ident.AccountID][]func(*index.Editor){}
	for _, c := range changes {
		edit, err := s.edit(ctx, t, c)
		if err != nil {
			return fault.Wrap("access.Apply", err)
		}
		if edit == nil {
			continue
		}
		if edits[c.Account] == nil {
			order = append(order, c.Account)
		}
		edits[c.Account] = append(edits[c.Account], edit)
	}
	for _, account := range order {
		s.d.Engine.index.Update(account, func(e *index.Editor) {
			for _, edit := range edits[account] {
				edit(e)
			}
		})
	}
	s.shrink()
	if n := len(changes); n > 0 {
		s.d.Engine.applied.Store(max(s.d.Engine.applied.Load(), changes[n-1].Rev))
	}
	return nil
}

// edit reads the thing that a change names. What is gone gives nothing any more.
func (s *Service) edit(ctx context.Context, t tx.Tx, c feed.Change) (func(*index.Editor), error) {
	switch c.Kind {
	case ChangeRecord:
		id := ident.RecordID(c.Key)
		r, err := s.d.Records.Get(ctx, t, c.Account, id)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		blocks := r.Blocks()
		if s.d.Engine.index.At(c.Account).ByNeed() {
			return s.touch(ctx, t, c.Account, index.Touched{Record: id, Names: index.Principals(blocks)})
		}
		return func(e *index.Editor) { e.SetRecord(id, blocks) }, nil
	case ChangeRole:
		id := ident.RoleID(c.Key)
		r, err := s.d.Roles.Get(ctx, t, c.Account, id)
		if fault.Is(err, fault.NotFound) {
			return func(e *index.Editor) { e.SetRole(id, nil) }, nil
		}
		return func(e *index.Editor) { e.SetRole(id, r.Compiled()) }, err
	case ChangeGroup:
		id := ident.GroupID(c.Key)
		g, err := s.d.Groups.Get(ctx, t, c.Account, id)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		if s.d.Engine.index.At(c.Account).ByNeed() {
			return s.touch(ctx, t, c.Account, index.Touched{Group: id, Names: g.Members()})
		}
		return func(e *index.Editor) { e.SetGroup(id, g.Members()) }, nil
	case ChangeResource:
		if s.d.Resources == nil {
			return nil, nil
		}
		config, err := s.d.Resources.Get(ctx, t, c.Account, c.Key)
		config.Resource = c.Key
		return config.edit, err
	}
	return nil, nil
}

// edit puts the configuration into the index. One that cannot be read makes nothing public.
func (c ResourceConfig) edit(e *index.Editor) {
	if r, err := check.ParseResource(c.Resource); err == nil {
		e.SetPublic(r, c.Public)
	}
}
