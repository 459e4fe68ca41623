// Package accessdb owns the SQL of access records, roles and groups: one text for SQLite
// and PostgreSQL. What rules need to find stands in columns; the rest is one JSON text per row.
// Every state that one of them ever had is kept in the same unit of work (version.go).
package accessdb

import (
	"strings"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/sqldb"
)

// Migrations makes the tables.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{
		ID:       "access/0001",
		Tenanted: []string{"access_records", "access_record_admins", "access_roles", "access_groups"},
		SQL: `
CREATE TABLE access_records (
	account_id TEXT NOT NULL,
	record_id TEXT NOT NULL,
	status TEXT NOT NULL,
	body TEXT NOT NULL,
	search TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, record_id));
CREATE TABLE access_record_admins (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	record_id TEXT NOT NULL,
	PRIMARY KEY (account_id, user_id, record_id),
	FOREIGN KEY (account_id, record_id) REFERENCES access_records (account_id, record_id));
CREATE INDEX access_record_admins_record ON access_record_admins (account_id, record_id);
CREATE TABLE access_roles (
	account_id TEXT NOT NULL,
	role_id TEXT NOT NULL,
	body TEXT NOT NULL,
	search TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, role_id));
CREATE TABLE access_groups (
	account_id TEXT NOT NULL,
	group_id TEXT NOT NULL,
	body TEXT NOT NULL,
	search TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, group_id));`,
	}, {
		ID:       "access/0002",
		Tenanted: []string{"access_versions", "access_version_keys"},
		SQLite:   versionTables("", " WITHOUT ROWID;"),
		Postgres: versionTables(`COLLATE "C"`, ";"),
		Then:     fillVersions,
	}, resourceMigration()}
}

// Records implements access.RecordStore.
type Records struct{}

// Roles implements access.RoleStore.
type Roles struct{}

// Groups implements access.GroupStore.
type Groups struct{}

var (
	_ access.RecordStore = Records{}
	_ access.RoleStore   = Roles{}
	_ access.GroupStore  = Groups{}
)

// pattern turns a filter, already in lower case, into a LIKE pattern with the escape character !.
func pattern(filter string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(filter) + "%"
}
