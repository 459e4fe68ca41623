package sessiondb

import (
	"context"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// Told reads what others were told of sessions. The zero value is ready.
type Told struct{}

// IDs returns the newest ids of a chain of sessions, whether it lives or not: under any of them a client may know it.
func (Told) IDs(ctx context.Context, t tx.Tx, account ident.AccountID, root ident.SessionID, limit int) ([]ident.SessionID, error) {
	return sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[ident.SessionID],
		`SELECT id FROM sessions WHERE account_id = $1 AND root_id = $2 ORDER BY created_at DESC, id LIMIT $3`, string(account), string(root), limit)
}

// Before returns what a session was before the last proof: the newest other one of its chain. A fault of kind
// NotFound when it is the first.
func (Told) Before(ctx context.Context, t tx.Tx, s session.Session) (session.Session, error) {
	return sqldb.One(ctx, sqldb.From(t), scan, `SELECT `+columns+` FROM sessions
WHERE account_id = $1 AND root_id = $2 AND id <> $3 ORDER BY created_at DESC, id LIMIT 1`, string(s.Account), string(s.Root), string(s.ID))
}
