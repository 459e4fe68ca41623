// Package sqldb owns the database: one SQL text on SQLite and PostgreSQL, units of work,
// group commit, the numbered change feed and migrations.
//
// Conventions that keep one text true on both: ids are TEXT, times BIGINT microseconds
// since 1970 (Micros, Time), flags BOOLEAN, bytes BYTEA, JSON is TEXT that Go parses;
// parameters are $1, $2 and may repeat; no function of SQL tells the time.
//
// Durability: on SQLite (WAL, synchronous=FULL) one goroutine owns the writing connection
// and commits many units of work at once; on PostgreSQL synchronous_commit must stay on.
// Write returns only after the commit.
package sqldb
