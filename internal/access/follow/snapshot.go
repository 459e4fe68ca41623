package follow

import (
	"context"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// paged reads a list page by page, each in its own unit of work, and hands it out in between.
func paged[T any](ctx context.Context, st *Stream, list func(context.Context, tx.Tx, access.Page) ([]T, error), id func(*T) string, yield func(T) error) error {
	after := ""
	for {
		var page []T
		err := st.read(ctx, func(ctx context.Context, t tx.Tx) (err error) {
			page, err = list(ctx, t, access.Page{After: after, Limit: batch})
			return err
		})
		if err != nil {
			return err
		}
		for i := range page {
			if err := yield(page[i]); err != nil {
				return err
			}
		}
		if st.OnPage != nil {
			if err := st.OnPage(); err != nil {
				return err
			}
		}
		if len(page) < batch {
			return nil
		}
		after = id(&page[len(page)-1])
	}
}

// records hands out the records in force and in the filter, and notes the names in them.
func (st *Stream) records(ctx context.Context, yield func(access.Record) error) error {
	list := func(ctx context.Context, t tx.Tx, p access.Page) ([]access.Record, error) {
		return st.s.d.Records.List(ctx, t, st.account, access.Active, p)
	}
	return paged(ctx, st, list, func(r *access.Record) string { return string(r.ID) }, func(r access.Record) error {
		if !st.filter.bearsRecord(&r) {
			return nil
		}
		if st.filter.on {
			st.filter.names(&r, func(n name) { st.filter.named[n] = true })
		}
		return yield(r)
	})
}

func (st *Stream) rolesAndGroups(ctx context.Context, yield func(Item) error) error {
	for _, r := range access.Builtins() {
		if err := yield(Item{Kind: access.ChangeRole, Key: string(r.ID), Role: &r}); err != nil {
			return err
		}
	}
	roles := func(ctx context.Context, t tx.Tx, p access.Page) ([]access.Role, error) {
		return st.s.d.Roles.List(ctx, t, st.account, p)
	}
	err := paged(ctx, st, roles, func(r *access.Role) string { return string(r.ID) }, func(r access.Role) error {
		return yield(Item{Kind: access.ChangeRole, Key: string(r.ID), Role: &r})
	})
	if err != nil {
		return err
	}
	groups := func(ctx context.Context, t tx.Tx, p access.Page) ([]access.Group, error) {
		return st.s.d.Groups.List(ctx, t, st.account, p)
	}
	return paged(ctx, st, groups, func(g *access.Group) string { return string(g.ID) }, func(g access.Group) error {
		return yield(Item{Kind: access.ChangeGroup, Key: string(g.ID), Group: &g})
	})
}

// namedOnes hands out the roles and groups that the records in the filter name.
func (st *Stream) namedOnes(ctx context.Context, yield func(Item) error) error {
	all := make([]name, 0, len(st.filter.named))
	for n := range st.filter.named {
		all = append(all, n)
	}
	for len(all) > 0 {
		part := all[:min(batch, len(all))]
		all = all[len(part):]
		var items []Item
		err := st.read(ctx, func(ctx context.Context, t tx.Tx) error {
			items = items[:0]
			for _, n := range part {
				item, err := st.item(ctx, t, n)
				if err != nil {
					return err
				}
				items = append(items, item)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i := range items {
			st.filter.sent[name{items[i].Kind, items[i].Key}] = true
			if items[i].Gone() {
				continue
			}
			if err := yield(items[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// resources hands out what is said about resources. There are few of them.
func (st *Stream) resources(ctx context.Context, yield func(Item) error) error {
	if st.s.d.Resources == nil {
		return nil
	}
	var all []access.ResourceConfig
	err := st.read(ctx, func(ctx context.Context, t tx.Tx) error {
		all = all[:0]
		return st.s.d.Resources.Each(ctx, t, func(account ident.AccountID, c access.ResourceConfig) error {
			if account == st.account && (c.Public || c.Claim) && st.filter.bears(c.Resource) {
				all = append(all, c)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	for i := range all {
		if err := yield(Item{Kind: access.ChangeResource, Key: all[i].Resource, Resource: &all[i]}); err != nil {
			return err
		}
	}
	return nil
}
