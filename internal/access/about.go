package access

import (
	"context"
	"slices"

	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// About is what this feature holds about a person.
type About struct {
	Records []Named         `json:"accessRecords"`
	Groups  []ident.GroupID `json:"groups"`
}

// Named is a record that names a person. Of the record only what concerns them is there.
type Named struct {
	ID         ident.RecordID `json:"recordId"`
	Name       string         `json:"name"`
	Admin      bool           `json:"admin,omitempty"` // the person may change it
	Statements []Given        `json:"statements,omitempty"`
}

// Given is a statement that gives a person something.
type Given struct {
	Roles     []ident.RoleID `json:"roles"`
	Resources []string       `json:"resources"`
}

// About returns the records and groups that name a person, for themselves to take along.
func (s *Service) About(ctx context.Context, account ident.AccountID, user ident.UserID) (out About, err error) {
	out.Records = []Named{}
	err = s.d.Runner.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		if err := s.d.Facts.Naming(ctx, t, account, index.Principal{User: user}, func(r *Record) error {
			out.Records = append(out.Records, namedIn(r, user))
			return nil
		}); err != nil {
			return err
		}
		of, err := s.adminOf(ctx, t, account, user)
		if err != nil {
			return err
		}
		for _, id := range of.records {
			if slices.ContainsFunc(out.Records, func(n Named) bool { return n.ID == id }) {
				continue
			}
			r, err := s.d.Records.Get(ctx, t, account, id)
			if err != nil {
				return err
			}
			out.Records = append(out.Records, namedIn(&r, user))
		}
		out.Groups, err = s.d.Facts.GroupsOf(ctx, t, account, user)
		return err
	})
	if out.Groups == nil {
		out.Groups = []ident.GroupID{}
	}
	return out, fault.Wrap("access.About", err)
}

func namedIn(r *Record, user ident.UserID) Named {
	n := Named{ID: r.ID, Name: r.Name, Admin: slices.Contains(r.Admins, user)}
	for _, st := range r.Statements {
		of := st.Users
		if len(st.Users)+len(st.Groups) == 0 {
			of = r.Users
		}
		if slices.Contains(of, user) {
			n.Statements = append(n.Statements, Given{st.Roles, st.Resources})
		}
	}
	return n
}
