package sqldb

import "context"

// Alone keeps every other unit of work that says the same words away until this one ends, so that what the next
// statement counts is all there is: on PostgreSQL two that insert at once do not see each other's rows, and both
// would take the last place. It travels with the next statement. SQLite has one writer, who is alone anyway.
func (t *Tx) Alone(ctx context.Context, what, whose string) error {
	if t.dialect != Postgres {
		return nil
	}
	return t.Later(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, what+" "+whose)
}
