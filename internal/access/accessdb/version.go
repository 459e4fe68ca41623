package accessdb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// The kinds of things of which every version is kept.
const (
	kindRecord   = "record"
	kindRole     = "role"
	kindGroup    = "group"
	kindResource = "resource"
)

// versionTables makes the tables of all versions.
//
// access_versions has every state of every thing with the time in which it was in force. The times of
// one thing follow each other and never overlap. What is deleted has no version in force.
//
// access_version_keys tells which things name a term (terms), and from when until when without
// a break, whatever else of them changed meanwhile: its since is not that of a version. What names a term at
// a time is one range of its primary key.
// Terms stand in the order of their bytes.
func versionTables(byBytes, end string) string {
	return `
CREATE TABLE access_history (id BIGINT PRIMARY KEY, began BIGINT NOT NULL);
CREATE TABLE access_versions (
	account_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	item_id TEXT NOT NULL,
	since BIGINT NOT NULL,
	until BIGINT NOT NULL,
	body TEXT NOT NULL,
	PRIMARY KEY (account_id, kind, item_id, since));
CREATE TABLE access_version_keys (
	account_id TEXT NOT NULL,
	term TEXT ` + byBytes + ` NOT NULL,
	until BIGINT NOT NULL,
	kind TEXT NOT NULL,
	item_id TEXT NOT NULL,
	since BIGINT NOT NULL,
	PRIMARY KEY (account_id, term, until, kind, item_id, since))` + end
}

// item is one thing of an account.
type item struct {
	account  ident.AccountID
	kind, id string
}

// putVersion says that the thing has the body from now on, or, with an empty body, that it
// is not there any more. Nothing is written when that was so already.
func putVersion(ctx context.Context, t *sqldb.Tx, it item, body string) error {
	now, err := termsOf(it.kind, it.id, body)
	if err != nil {
		return err
	}
	since, before, err := endVersion(ctx, t, it)
	if err != nil {
		return err
	}
	switch {
	case body == "" && since == 0:
		return nil
	case body == "":
		return endKeys(ctx, t, it, before, since)
	case since == 0:
		return startVersion(ctx, t, it, body, now)
	}
	if err := insertVersion(ctx, t, it, since, body); err != nil {
		return err
	}
	if err := endKeys(ctx, t, it, missing(before, now), since); err != nil {
		return err
	}
	return startKeys(ctx, t, it, missing(now, before), since)
}

// startVersion is putVersion for a thing that has no version in force.
func startVersion(ctx context.Context, t *sqldb.Tx, it item, body string, terms []string) error {
	last, err := sqldb.List(ctx, t, sqldb.Scalar[int64], `
SELECT until FROM access_versions WHERE account_id = $1 AND kind = $2 AND item_id = $3 ORDER BY since DESC LIMIT 1`,
		string(it.account), it.kind, it.id)
	if err != nil {
		return err
	}
	since := sqldb.Micros(t.Now())
	if len(last) > 0 {
		since = max(since, last[0])
	}
	if err := insertVersion(ctx, t, it, since, body); err != nil {
		return err
	}
	return startKeys(ctx, t, it, terms, since)
}

func insertVersion(ctx context.Context, t *sqldb.Tx, it item, since int64, body string) error {
	_, err := t.Exec(ctx, `
INSERT INTO access_versions (account_id, kind, item_id, since, until, body) VALUES ($1, $2, $3, $4, $5, $6)`,
		string(it.account), it.kind, it.id, since, history.InForce, body)
	return err
}

// endVersion ends what is in force, at least a microsecond after it began, and returns when, and
// the terms of it. It returns 0 when nothing was in force.
func endVersion(ctx context.Context, t *sqldb.Tx, it item) (int64, []string, error) {
	type ended struct {
		until int64
		body  string
	}
	was, err := sqldb.List(ctx, t, func(r sqldb.Row) (e ended, err error) {
		err = r.Scan(&e.until, &e.body)
		return e, err
	}, `
UPDATE access_versions SET until = CASE WHEN since < $4 THEN $4 ELSE since + 1 END
WHERE account_id = $1 AND kind = $2 AND item_id = $3 AND until = $5 AND since =
	(SELECT MAX(since) FROM access_versions WHERE account_id = $1 AND kind = $2 AND item_id = $3)
RETURNING until, body`, string(it.account), it.kind, it.id, sqldb.Micros(t.Now()), history.InForce)
	if err != nil || len(was) == 0 {
		return 0, nil, err
	}
	terms, err := termsOf(it.kind, it.id, was[0].body)
	return was[0].until, terms, err
}

func startKeys(ctx context.Context, t *sqldb.Tx, it item, terms []string, since int64) error {
	if len(terms) == 0 {
		return nil
	}
	// Few terms are the rule, and then single rows are the fastest.
	if len(terms) <= 4 {
		for _, term := range terms {
			if _, err := t.Exec(ctx, `
INSERT INTO access_version_keys (account_id, term, until, kind, item_id, since) VALUES ($1, $2, $3, $4, $5, $6)`,
				string(it.account), term, history.InForce, it.kind, it.id, since); err != nil {
				return err
			}
		}
		return nil
	}
	set, err := newSet(t, terms)
	if err != nil {
		return err
	}
	_, err = t.Exec(ctx, `
INSERT INTO access_version_keys (account_id, term, until, kind, item_id, since)
SELECT $1, CAST(s.value AS TEXT), CAST($2 AS BIGINT), $3, $4, CAST($5 AS BIGINT) FROM `+set.from("$6")+` s`,
		string(it.account), history.InForce, it.kind, it.id, since, set.text)
	return err
}

func endKeys(ctx context.Context, t *sqldb.Tx, it item, terms []string, until int64) error {
	if len(terms) == 0 {
		return nil
	}
	set, err := newSet(t, terms)
	if err != nil {
		return err
	}
	_, err = t.Exec(ctx, `
UPDATE access_version_keys SET until = $2
WHERE account_id = $1 AND term `+set.in("$6")+` AND until = $3 AND kind = $4 AND item_id = $5`,
		string(it.account), until, history.InForce, it.kind, it.id, set.text)
	return err
}

// set is any number of texts as one argument.
type set struct {
	text    string
	dialect sqldb.Dialect
}

func newSet[T ~string](t *sqldb.Tx, items []T) (set, error) {
	text, err := json.Marshal(items)
	return set{string(text), t.Dialect()}, err
}

// from is the set, given as the placeholder, as a table with the column value.
func (s set) from(placeholder string) string {
	if s.dialect == sqldb.Postgres {
		return `(SELECT json_array_elements_text(CAST(` + placeholder + ` AS json)) AS value)`
	}
	return `json_each(` + placeholder + `)`
}

// in is the condition to be one of the set, in a form that uses an index.
func (s set) in(placeholder string) string {
	if s.dialect == sqldb.Postgres {
		return `= ANY (ARRAY(SELECT json_array_elements_text(CAST(` + placeholder + ` AS json))))`
	}
	return `IN (SELECT value FROM json_each(` + placeholder + `))`
}

// resourceBody is the stored JSON of a resource's configuration.
type resourceBody struct {
	Public bool `json:"p,omitempty"`
	Claim  bool `json:"c,omitempty"`
}

// PutResourceVersion keeps the state of a resource's configuration. Who changes one calls it in the
// same unit of work. The resource is in canonical form.
func PutResourceVersion(ctx context.Context, t tx.Tx, account ident.AccountID, c access.ResourceConfig) error {
	body := ""
	if c.Public || c.Claim {
		b, err := json.Marshal(resourceBody{Public: c.Public, Claim: c.Claim})
		if err != nil {
			return err
		}
		body = string(b)
	}
	return putVersion(ctx, sqldb.From(t), item{account, kindResource, c.Resource}, body)
}

// termsOf is by what a body is found, each once, in order: "u:" and a user whom it names, "g:"
// and a group, "r:" and the plain beginning of a resource. They are derived
// from the stored body at the change and again at the next one: who changes this fills the keys anew.
func termsOf(kind, id, body string) ([]string, error) {
	if body == "" {
		return nil, nil
	}
	var out []string
	switch kind {
	case kindRecord:
		r, err := decodeRecord([]byte(body))
		if err != nil {
			return nil, fmt.Errorf("version of record %s: %w", id, err)
		}
		out = recordTerms(&r)
	case kindGroup:
		var b groupBody
		if err := json.Unmarshal([]byte(body), &b); err != nil {
			return nil, fmt.Errorf("version of group %s: %w", id, err)
		}
		for _, u := range b.Users {
			out = append(out, history.UserTerm(u))
		}
	case kindResource:
		r, err := check.ParseResource(id)
		if err != nil {
			return nil, err
		}
		out = append(out, history.ResourceTerm(&r))
	}
	return sortedTerms(out), nil
}

func sortedTerms(terms []string) []string {
	slices.Sort(terms)
	return slices.Compact(terms)
}

func recordTerms(r *access.Record) (out []string) {
	names := func(users []ident.UserID, groups []ident.GroupID) {
		for _, u := range users {
			out = append(out, history.UserTerm(u))
		}
		for _, g := range groups {
			out = append(out, history.GroupTerm(g))
		}
	}
	names(r.Users, r.Groups)
	for i := range r.Statements {
		s := &r.Statements[i]
		names(s.Users, s.Groups)
		for _, text := range s.Resources {
			if resource, err := check.ParseResource(text); err == nil {
				out = append(out, history.ResourceTerm(&resource))
			}
		}
	}
	return out
}

// missing returns what a has and b has not; both are sorted.
func missing(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(term string) bool {
		_, found := slices.BinarySearch(b, term)
		return found
	})
}
