package sessiondb

import (
	"context"

	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// Revoked implements session.Store.
func (Store) Revoked(ctx context.Context, t tx.Tx, r session.RevokedQuery) (out session.Revoked, err error) {
	const (
		ended = `SELECT account_id, id, ended_at FROM sessions WHERE ended_at > 0 AND ended_at >= $1`
		cuts  = `SELECT account_id, user_id, at FROM session_user_cuts WHERE at >= $1`
		dead  = `SELECT account_id, user_id, token_id, at FROM session_disabled_tokens WHERE at >= $1`
		gone  = `SELECT account_id, id, at, until FROM session_ended_grants WHERE until >= $1`
	)
	q, since := sqldb.From(t), sqldb.Micros(r.Since)
	switch {
	case r.Session != "":
		out.Sessions, err = sqldb.List(ctx, q, scanEnded, ended+` AND account_id = $2 AND id = $3`, since, string(r.Account), string(r.Session))
		return out, err
	case r.Grant != "":
		out.Grants, err = sqldb.List(ctx, q, scanGrant, gone+` AND account_id = $2 AND id = $3`, sqldb.Micros(t.Now()), string(r.Account), r.Grant)
		return out, err
	case r.Token != "":
		out.Tokens, err = sqldb.List(ctx, q, scanDisabled, dead+` AND account_id = $2 AND user_id = $3 AND token_id = $4`,
			since, string(r.Account), string(r.User), r.Token)
		return out, err
	case r.User != "":
		out.Users, err = sqldb.List(ctx, q, scanCut, cuts+` AND account_id = $2 AND user_id = $3`, since, string(r.Account), string(r.User))
		return out, err
	}
	if out.Sessions, err = sqldb.List(ctx, q, scanEnded, ended, since); err != nil {
		return out, err
	}
	if out.Users, err = sqldb.List(ctx, q, scanCut, cuts, since); err != nil {
		return out, err
	}
	if out.Tokens, err = sqldb.List(ctx, q, scanDisabled, dead, since); err != nil {
		return out, err
	}
	out.Grants, err = sqldb.List(ctx, q, scanGrant, gone, sqldb.Micros(t.Now()))
	return out, err
}

func scanEnded(r sqldb.Row) (session.EndedSession, error) {
	var e session.EndedSession
	var at int64
	err := r.Scan(&e.Account, &e.ID, &at)
	e.At = sqldb.Time(at)
	return e, err
}

func scanCut(r sqldb.Row) (session.UserCut, error) {
	var c session.UserCut
	var at int64
	err := r.Scan(&c.Account, &c.User, &at)
	c.At = sqldb.Time(at)
	return c, err
}

func scanDisabled(r sqldb.Row) (session.DisabledToken, error) {
	var d session.DisabledToken
	var at int64
	err := r.Scan(&d.Account, &d.User, &d.ID, &at)
	d.At = sqldb.Time(at)
	return d, err
}

func scanGrant(r sqldb.Row) (session.EndedGrant, error) {
	var g session.EndedGrant
	var at, until int64
	err := r.Scan(&g.Account, &g.ID, &at, &until)
	g.At, g.Until = sqldb.Time(at), sqldb.Time(until)
	return g, err
}
