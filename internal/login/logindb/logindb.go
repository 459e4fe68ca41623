// Package logindb owns the tables of logins: requests, authorization codes, upstream legs,
// proofs of work, setup links, applications' wishes and remembered browsers. It implements login.Store,
// login.Artifacts, login.Grants and remember.Store.
package logindb

import "github.com/admit-id/admit/internal/kit/sqldb"

// Migrations makes the tables.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{
		ID:       "login/0001",
		Tenanted: []string{"logins", "login_codes", "login_legs", "login_proofs", "login_setups", "login_wishes"},
		SQL: `
CREATE TABLE logins (
	account_id TEXT NOT NULL,
	id TEXT NOT NULL,
	application_id TEXT NOT NULL,
	redirect_url TEXT NOT NULL,
	challenge TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	hint TEXT NOT NULL,
	properties TEXT NOT NULL,
	audiences TEXT NOT NULL,
	scopes TEXT NOT NULL,
	response_location TEXT NOT NULL,
	flow_type TEXT NOT NULL,
	multi_account BOOLEAN NOT NULL,
	twin BOOLEAN NOT NULL,
	setup_hash BYTEA NOT NULL,
	browser_hash BYTEA NOT NULL,
	problem TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	done_at BIGINT NOT NULL,
	user_id TEXT NOT NULL,
	session_id TEXT NOT NULL,
	evidence TEXT NOT NULL,
	outcome BYTEA NOT NULL,
	PRIMARY KEY (account_id, id));
CREATE INDEX logins_expires ON logins (expires_at);
CREATE TABLE login_codes (
	account_id TEXT NOT NULL,
	code_hash BYTEA NOT NULL,
	login_id TEXT NOT NULL,
	application_id TEXT NOT NULL,
	redirect_url TEXT NOT NULL,
	challenge TEXT NOT NULL,
	user_id TEXT NOT NULL,
	session_id TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, code_hash));
CREATE INDEX login_codes_expires ON login_codes (expires_at);
CREATE TABLE login_legs (
	account_id TEXT NOT NULL,
	state_hash BYTEA NOT NULL,
	login_id TEXT NOT NULL,
	connection_id TEXT NOT NULL,
	browser_hash BYTEA NOT NULL,
	sealed BYTEA NOT NULL,
	expires_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, state_hash));
CREATE INDEX login_legs_expires ON login_legs (expires_at);
CREATE TABLE login_proofs (
	account_id TEXT NOT NULL,
	proof_hash BYTEA NOT NULL,
	login_id TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, proof_hash));
CREATE INDEX login_proofs_expires ON login_proofs (expires_at);
CREATE TABLE login_setups (
	account_id TEXT NOT NULL,
	token_hash BYTEA NOT NULL,
	expires_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	PRIMARY KEY (account_id));
CREATE TABLE login_wishes (
	account_id TEXT NOT NULL,
	root_id TEXT NOT NULL,
	application_id TEXT NOT NULL,
	wish TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, root_id, application_id));
CREATE INDEX login_wishes_expires ON login_wishes (expires_at);`,
	}, {
		ID: "login/0002",
		SQL: `
ALTER TABLE logins ADD COLUMN tenant_id TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN invite_key TEXT NOT NULL DEFAULT '';`,
	}, {
		ID: "login/0003",
		SQL: `
ALTER TABLE logins ADD COLUMN return_path TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN party TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN fresh BOOLEAN NOT NULL DEFAULT FALSE;`,
	}, {
		ID: "login/link/0001",
		SQL: `
ALTER TABLE logins ADD COLUMN link_user TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN link_replaces TEXT NOT NULL DEFAULT '';`,
	}, {
		ID:       "login/0004",
		Tenanted: []string{"login_devices"},
		SQL: `
ALTER TABLE logins ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN acr TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN other BOOLEAN NOT NULL DEFAULT FALSE;
CREATE TABLE login_devices (
	account_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	device_hash BYTEA NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, user_id, device_hash));
CREATE INDEX login_devices_expires ON login_devices (expires_at);
CREATE INDEX login_devices_hash ON login_devices (account_id, device_hash);`,
	}, {
		ID:  "login/0005",
		SQL: `ALTER TABLE logins ADD COLUMN picked TEXT NOT NULL DEFAULT '';`,
	}}
}
