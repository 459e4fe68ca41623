package audit

import (
	"context"
	"encoding/base32"
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Page sizes of List.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// Service records events and reads them back.
type Service struct {
	db    tx.Runner
	store Store
	count atomic.Uint32
}

// New makes the service.
func New(db tx.Runner, store Store) *Service { return &Service{db: db, store: store} }

// Record writes the entry of an event, in the unit of work that emitted it. Subscribe it
// to "*", first of all.
func (s *Service) Record(ctx context.Context, t tx.Tx, e event.Event) error {
	return fault.Wrap("audit.Record", s.store.Append(ctx, t, newEntry(e, s.newID(t.Now()), t.Now())))
}

// alphabet sorts as its values do, so that ids sort as their bytes.
var alphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// newID returns an id that is greater than those this node made before: the time in
// microseconds, a count, and 64 random bits, which keep nodes apart.
func (s *Service) newID(now time.Time) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 20), uint64(now.UnixMicro()))
	b = binary.BigEndian.AppendUint32(b, s.count.Add(1))
	return "evt_" + alphabet.EncodeToString(append(b, secret.Bytes(8)...))
}

// List returns a page of an account's entries, the newest first. next is the Before of the
// following page, empty on the last.
func (s *Service) List(ctx context.Context, account ident.AccountID, q Query) (page []Entry, next string, err error) {
	if q.Limit <= 0 {
		q.Limit = DefaultLimit
	}
	limit := min(q.Limit, MaxLimit)
	q.Limit = limit + 1 // one more tells whether there is a next page
	q.Before, q.Type, q.Target, q.Actor, q.Person = clean(q.Before), clean(q.Type), clean(q.Target), clean(q.Actor), clean(q.Person)
	err = s.db.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
		page, err = s.store.List(ctx, t, account, q)
		return err
	})
	if err != nil {
		return nil, "", fault.Wrap("audit.List", err)
	}
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].ID
	}
	return page, next, nil
}
