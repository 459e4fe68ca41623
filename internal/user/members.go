package user

import (
	"context"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// maxRounds is how often one page of ListAmong asks for members, so that a filter that nobody
// fits does not walk through a whole tenant at once.
const maxRounds = 20

// Members returns the next ids of a set of people, in their order: at most limit that come
// after one. Fewer mean that these are the last.
type Members func(ctx context.Context, after ident.UserID, limit int) ([]ident.UserID, error)

// ListAmong is List of the people of a set. A page can hold fewer than its limit although
// others follow; next tells.
func (s *Service) ListAmong(ctx context.Context, account ident.AccountID, q Query, members Members) (page []User, next ident.UserID, err error) {
	limit, filter, err := bounds.Fit(q.Limit, q.Filter)
	if err != nil {
		return nil, "", err
	}
	after := q.After
	for range maxRounds {
		ids, err := members(ctx, after, MaxLimit)
		if err != nil {
			return nil, "", fault.Wrap("user.ListAmong", err)
		}
		if len(ids) == 0 {
			return page, "", nil
		}
		var found []User
		err = s.db.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
			found, err = s.store.Among(ctx, t, account, ids, filter)
			return err
		})
		if err != nil {
			return nil, "", fault.Wrap("user.ListAmong", err)
		}
		if room := limit - len(page); len(found) > room {
			page = append(page, found[:room]...)
			return page, page[len(page)-1].ID, nil
		}
		page, after = append(page, found...), ids[len(ids)-1]
		if len(ids) < MaxLimit {
			return page, "", nil
		}
	}
	return page, after, nil
}
