// Package sqldb owns the database: one SQL text on SQLite and PostgreSQL, units of work,
// group commit, the numbered change feed and migrations.
//
// Conventions that keep one text true on both: ids are TEXT, times BIGINT microseconds
// since 1970 (Micros, Time), flags BOOLEAN, bytes BYTEA, JSON is TEXT that Go parses;
// parameters are $1, $2 and may repeat; no function of SQL tells the time.
//
// Durability: on SQLite (WAL, synchronous=FULL) one goroutine owns the writing connection and commits
// many units of work at once; on PostgreSQL, units that end at the same time share a transaction if the
// database has only been asked before, by queries that lock nothing; synchronous_commit must stay on.
// Write returns only after the commit.
//
// Round trips: on PostgreSQL the beginning of a unit of work, its Later statements and what it may
// assume (Tx.Assume, Seldom) travel with the next statement that somebody waits for, or with the
// commit. An assumption that is wrong undoes the unit, which then runs again and assumes nothing:
// what a unit of work sees need not be true before it is committed. Queries before its first write are
// not in its transaction; under READ COMMITTED that makes no difference.
package sqldb
