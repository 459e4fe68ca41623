package sessiondb

import (
	"context"
	"encoding/json"

	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// Evidence rewrites what a session is based on. The zero value is ready.
type Evidence struct{}

// SetEvidence replaces the evidence of a session that has not ended, and the connection that it stands
// for. It is for proofs that have lost their worth: evidence is appended otherwise, never changed.
func (Evidence) SetEvidence(ctx context.Context, t tx.Tx, s session.Session) error {
	text, err := json.Marshal(s.Evidence)
	if err != nil {
		return err
	}
	n, err := sqldb.From(t).Exec(ctx, `UPDATE sessions SET evidence = $3, connection_id = $4 WHERE account_id = $1 AND id = $2 AND ended_at = 0`,
		string(s.Account), string(s.ID), string(text), string(s.Connection))
	return found(n, err)
}
