package access

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/access/fact"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// CreateRecord puts a record in force. Without an id it gets a random one; without admins the
// caller becomes its admin. A deleted record with the id is replaced; nothing of it comes back.
// Errors: Conflict AccessRecordAlreadyExists; Forbidden when it gives more than the caller
// may give; TooLarge; the errors of Validate.
func (s *Service) CreateRecord(ctx context.Context, a actor.Actor, r Record) (Record, error) {
	if r.ID == "" {
		r.ID = ident.RecordID(ident.New("rec_"))
	}
	if len(r.Admins) == 0 && (a.Kind == actor.User || a.Kind == actor.ServiceClient) {
		r.Admins = []ident.UserID{ident.UserID(a.ID)}
	}
	if err := fact.Prepare(&r); err != nil {
		return Record{}, err
	}
	err := s.d.Runner.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		if err := s.judgeRecord(ctx, t, a, nil, &r); err != nil {
			return err
		}
		return s.putNew(ctx, t, a, &r)
	})
	return r, fault.Wrap("access.CreateRecord", err)
}

// putNew writes the record where none is in force.
func (s *Service) putNew(ctx context.Context, t tx.Tx, a actor.Actor, r *Record) error {
	r.CreatedAt, r.LastUpdated = t.Now(), fact.Next(t.Now(), time.Time{})
	free, err := s.d.Records.Create(ctx, t, a.Account, *r)
	if err != nil {
		return err
	}
	if !free {
		old, err := s.d.Records.Get(ctx, t, a.Account, r.ID)
		if err != nil {
			return err
		}
		taken := fault.New(fault.Conflict, "AccessRecordAlreadyExists", "An access record with this id exists.")
		if old.Status != Deleted {
			return taken
		}
		r.LastUpdated = fact.Next(t.Now(), old.LastUpdated)
		if won, err := s.d.Records.Replace(ctx, t, a.Account, *r, old.LastUpdated); err != nil {
			return err
		} else if !won {
			return taken
		}
	}
	t.Changed(ChangeRecord, a.Account, string(r.ID))
	return t.Emit(ctx, event.New(a, "access.record.created", string(r.ID)))
}

// judgeRecord refuses a record that gives more than the caller may give, or that names
// roles and groups that do not exist and that it did not name before. The roles are judged as they
// stand in the database, and stay so until the record is written.
func (s *Service) judgeRecord(ctx context.Context, t tx.Tx, a actor.Actor, before, after *Record) error {
	m := s.d.Engine.mayGive(a)
	if err := s.referencesExist(ctx, t, m, before, after); err != nil {
		return err
	}
	if err := m.record(before, after); err != nil {
		return err
	}
	if !m.unbounded() && !m.Asked() && before == nil {
		// It gives nothing that could be judged; only administrators may fill the store with such.
		return s.d.Engine.Allow(a, "CREATE", System("AccessRecords"))
	}
	return nil
}

func (s *Service) referencesExist(ctx context.Context, t tx.Tx, m *mayGive, before, after *Record) error {
	oldRoles, oldGroups := before.References()
	roles, groups := after.References()
	for _, id := range roles {
		if Builtin(id) {
			continue
		}
		role, err := s.d.Roles.Lock(ctx, t, m.actor.Account, id, false)
		switch {
		case err == nil:
			m.roles[id] = role.Compiled()
		case !fault.Is(err, fault.NotFound):
			return err
		case slices.Contains(oldRoles, id):
			m.roles[id] = nil
		default:
			return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "There is no role %s. Create it first.", id)
		}
	}
	for _, id := range groups {
		if slices.Contains(oldGroups, id) {
			continue
		}
		if _, err := s.d.Groups.Get(ctx, t, m.actor.Account, id); fault.Is(err, fault.NotFound) {
			return fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "There is no group %s. Create it first.", id)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// GetRecord returns a record, deleted ones too. Errors: NotFound, Forbidden.
func (s *Service) GetRecord(ctx context.Context, a actor.Actor, id ident.RecordID) (Record, error) {
	var out Record
	err := s.d.Runner.Read(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		var err error
		out, err = s.recordFor(ctx, t, a, id, "READ")
		return err
	})
	return out, fault.Wrap("access.GetRecord", err)
}

// recordFor reads a record and judges the caller: its admins may, and whoever holds the action on
// it. Whether an id exists is told only to those who may do the action to all records.
func (s *Service) recordFor(ctx context.Context, t tx.Tx, a actor.Actor, id ident.RecordID, action string) (Record, error) {
	allowed := s.d.Engine.Allow(a, action, System("AccessRecords", string(id)))
	if allowed != nil && !fault.Is(allowed, fault.Forbidden) {
		return Record{}, allowed
	}
	r, err := s.d.Records.Get(ctx, t, a.Account, id)
	r.Capacity = fact.Share(&r)
	switch {
	case allowed == nil && fault.Is(err, fault.NotFound):
		return Record{}, errNotFound
	case allowed == nil:
		return r, err
	case err == nil && r.HasAdmin(a):
		return r, nil
	case err != nil && !fault.Is(err, fault.NotFound):
		return Record{}, err
	}
	return Record{}, allowed
}

// ReplaceRecord changes a record that is in force into what is given; without admins it keeps those
// it has, and Unsaid statements keep their bounds in time. A since that is not zero is the LastUpdated that the caller read. Errors: NotFound, Forbidden, Precondition, TooLarge, and those of Validate.
func (s *Service) ReplaceRecord(ctx context.Context, a actor.Actor, r Record, since time.Time) (Record, error) {
	if err := fact.Prepare(&r); err != nil {
		return Record{}, err
	}
	keepAdmins, said := len(r.Admins) == 0, fact.Said(&r)
	err := s.unraced(ctx, a, func(ctx context.Context, t tx.Tx) error {
		old, err := s.recordFor(ctx, t, a, r.ID, "UPDATE")
		if err != nil {
			return err
		}
		if old.Status == Deleted {
			return errNotFound
		}
		if err := fact.UnchangedSince(old.LastUpdated, since); err != nil {
			return err
		}
		if keepAdmins {
			r.Admins = old.Admins
		}
		if err := r.KeepBounds(said, &old); err != nil {
			return err
		}
		if err := s.judgeRecord(ctx, t, a, &old, &r); err != nil {
			return err
		}
		r.CreatedAt, r.LastUpdated = old.CreatedAt, fact.Next(t.Now(), old.LastUpdated)
		return s.replace(ctx, t, a, r, old, "access.record.updated")
	})
	return r, fault.Wrap("access.ReplaceRecord", err)
}

// unraced is Write for what replaces a record that it has read. Whoever loses a race reads again, and
// is judged by what is there now.
func (s *Service) unraced(ctx context.Context, a actor.Actor, fn func(context.Context, tx.Tx) error) error {
	for tries := 1; ; tries++ {
		err := s.d.Runner.Write(ctx, tx.In(a.Account), fn)
		if tries == 5 || !errors.Is(err, errRaced) {
			return err
		}
	}
}

func (s *Service) replace(ctx context.Context, t tx.Tx, a actor.Actor, r, old Record, kind string) error {
	won, err := s.d.Records.Replace(ctx, t, a.Account, r, old.LastUpdated)
	if err != nil {
		return err
	}
	if !won {
		return errRaced
	}
	t.Changed(ChangeRecord, a.Account, string(r.ID))
	return t.Emit(ctx, event.New(a, kind, string(r.ID)))
}

// DeleteRecord takes a record out of force. Deleting a deleted one changes nothing, but it is
// answered as late as any deletion: when this node has forgotten what the record gave.
func (s *Service) DeleteRecord(ctx context.Context, a actor.Actor, id ident.RecordID) error {
	err := s.unraced(ctx, a, func(ctx context.Context, t tx.Tx) error {
		old, err := s.recordFor(ctx, t, a, id, "UPDATE")
		if err != nil {
			return err
		}
		if old.Status == Deleted {
			t.Changed(ChangeRecord, a.Account, string(id))
			return nil
		}
		r := old
		r.Status, r.LastUpdated = Deleted, fact.Next(t.Now(), old.LastUpdated)
		return s.replace(ctx, t, a, r, old, "access.record.deleted")
	})
	return fault.Wrap("access.DeleteRecord", err)
}
