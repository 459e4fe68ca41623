// Package oauthdb owns the tables of the authorization server: codes, grants (families of
// tokens) and opaque access tokens in code.go, grant.go and opaque.go, beside those of its other parts.
package oauthdb

import (
	"slices"

	"github.com/admit-id/admit/internal/kit/sqldb"
)

// Migrations makes the tables. Each part has its own series, named after it.
func Migrations() []sqldb.Migration {
	return slices.Concat(
		pipelineMigrations(),
	)
}

func pipelineMigrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "oauth.pipeline/0001", Tenanted: []string{"oauth_codes", "oauth_grants", "oauth_tokens"}, SQL: `
CREATE TABLE oauth_codes (
	account_id TEXT NOT NULL,
	code_hash BYTEA NOT NULL,
	client_id TEXT NOT NULL,
	redirect_uri TEXT NOT NULL,
	challenge TEXT NOT NULL,
	jkt TEXT NOT NULL,
	facts TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	used_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, code_hash));
CREATE INDEX oauth_codes_expires ON oauth_codes (expires_at);
CREATE TABLE oauth_grants (
	account_id TEXT NOT NULL,
	id TEXT NOT NULL,
	client_id TEXT NOT NULL,
	user_id TEXT NOT NULL,
	root_id TEXT NOT NULL,
	jkt TEXT NOT NULL,
	x5t TEXT NOT NULL,
	facts TEXT NOT NULL,
	salt BYTEA NOT NULL,
	offline BOOLEAN NOT NULL,
	rotates BOOLEAN NOT NULL,
	version BIGINT NOT NULL,
	rotated_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	idle_until BIGINT NOT NULL,
	ended_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, id));
CREATE INDEX oauth_grants_user ON oauth_grants (account_id, user_id) WHERE ended_at = 0;
CREATE INDEX oauth_grants_client ON oauth_grants (account_id, client_id) WHERE ended_at = 0;
CREATE INDEX oauth_grants_root ON oauth_grants (account_id, root_id) WHERE ended_at = 0;
CREATE INDEX oauth_grants_idle ON oauth_grants (idle_until);
CREATE TABLE oauth_tokens (
	account_id TEXT NOT NULL,
	token_hash BYTEA NOT NULL,
	id TEXT NOT NULL,
	facts TEXT NOT NULL,
	audience TEXT NOT NULL,
	issued_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (account_id, token_hash));
CREATE INDEX oauth_tokens_expires ON oauth_tokens (expires_at);`}}
}
