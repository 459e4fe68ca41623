package access

import (
	"slices"

	"github.com/admit-id/admit/internal/access/form"
	"github.com/admit-id/admit/internal/kit/fault"
)

// keepBounds gives statements of an update that say nothing of their bounds in time those that the
// same statement has. SDKs drop members that they do not know; a grant until Friday must
// not become lasting because somebody corrected the record's name with one. It refuses such
// a statement if it was changed, because then nobody can tell which bounds it should have.
func (r *Record) keepBounds(said []Statement, old *Record) error {
	r.Statements = slices.Clone(said)
	if !slices.Contains(r.Unsaid, true) {
		return nil
	}
	from := form.Pair(old.Statements, said, sameGift)
	for i := range said {
		if i >= len(r.Unsaid) || !r.Unsaid[i] {
			continue
		}
		if k := from[i]; k >= 0 {
			r.Statements[i].StartsAt, r.Statements[i].ExpiresAt = old.Statements[k].StartsAt, old.Statements[k].ExpiresAt
			continue
		}
		for k := range old.Statements {
			if was := &old.Statements[k]; was.bound() && !slices.Contains(from, k) &&
				form.Overlap(was.Roles, said[i].Roles) && form.Overlap(was.Resources, said[i].Resources) {
				return fault.Newf(fault.Unprocessable, fault.CodeInvalidRequest,
					"Statement %d changes one that is bound in time. Send its startsAt and expiresAt; null takes a bound away.", i)
			}
		}
	}
	return nil
}

func (s *Statement) bound() bool { return !s.StartsAt.IsZero() || !s.ExpiresAt.IsZero() }

// sameGift tells whether two statements give the same to the same, whenever that is.
func sameGift(a, b *Statement) bool {
	return form.SameSet(a.Roles, b.Roles) && form.SameSet(a.Resources, b.Resources) &&
		form.SameSet(a.Users, b.Users) && form.SameSet(a.Groups, b.Groups)
}
