package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	maxSubject = 200     // runes
	maxBody    = 1 << 18 // bytes, text and HTML together
	maxPending = 10_000  // mails that wait, per account
	keepDone   = 7 * 24 * time.Hour
	sealFor    = "mail/outbox"
)

// Message is one mail to one reader.
type Message struct {
	To      Address   `json:"-"`
	Expires time.Time `json:"-"` // not sent after it; zero means never too late
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
	// Notice says that nobody asked for it: it tells somebody of something. Recent does not count it.
	Notice bool `json:"-"`
}

// Kept is a message as the outbox holds it.
type Kept struct {
	Message
	ID        string
	Account   ident.AccountID
	CreatedAt time.Time
	Attempts  int
	DoneAt    time.Time // delivered or given up
	LastError string    // why the last attempt failed; empty after delivery
}

// Outbox holds the mails that are to be sent.
type Outbox struct {
	Keys *crypt.Keys
}

// Put adds a message in the caller's unit of work and returns its id. The fault's kind is
// Unavailable when too many mails of the account wait already.
func (o *Outbox) Put(ctx context.Context, t tx.Tx, account ident.AccountID, m Message) (string, error) {
	if a, ok := ParseAddress(string(m.To)); !ok || a != m.To {
		return "", fault.New(fault.Invalid, fault.CodeInvalidRequest, "That is not an e-mail address that we can write to.")
	}
	m.Subject = headerText(m.Subject)
	if len(m.Text)+len(m.HTML) > maxBody {
		return "", fmt.Errorf("mail: the body has %d bytes; the limit is %d", len(m.Text)+len(m.HTML), maxBody)
	}
	q := sqldb.From(t)
	waiting, err := sqldb.One(ctx, q, sqldb.Scalar[int], `
SELECT COUNT(*) FROM (SELECT 1 FROM mail_outbox WHERE account_id = $1 AND done_at = 0 LIMIT $2) AS waiting`, string(account), maxPending)
	if err != nil {
		return "", err
	}
	if waiting >= maxPending {
		return "", fault.New(fault.Unavailable, fault.CodeUnavailable, "Too many mails are waiting to be sent. Try again later.")
	}
	id := ident.New(prefixOf(m.Notice))
	plain, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	_, err = q.Exec(ctx, `
INSERT INTO mail_outbox (account_id, id, recipient, body, created_at, expires_at, next_at, attempts, done_at, last_error)
VALUES ($1, $2, $3, $4, $5, $6, $5, 0, 0, '')`,
		string(account), id, string(m.To), o.Keys.Seal(sealFor, plain, string(account), id), sqldb.Micros(t.Now()), sqldb.Micros(m.Expires))
	return id, err
}

func prefixOf(notice bool) string {
	if notice {
		return "note_"
	}
	return "mail_"
}

// Recent tells how many mails that are no notices were put in for an address since a time, and when the
// oldest of them was.
func (o *Outbox) Recent(ctx context.Context, t tx.Tx, account ident.AccountID, to Address, since time.Time) (n int, oldest time.Time, err error) {
	return o.recent(ctx, t, account, to, since, prefixOf(false))
}

// Notices tells how many notices were put in for an address since a time.
func (o *Outbox) Notices(ctx context.Context, t tx.Tx, account ident.AccountID, to Address, since time.Time) (n int, err error) {
	n, _, err = o.recent(ctx, t, account, to, since, prefixOf(true))
	return n, err
}

func (o *Outbox) recent(ctx context.Context, t tx.Tx, account ident.AccountID, to Address, since time.Time, prefix string) (n int, oldest time.Time, err error) {
	times, err := sqldb.List(ctx, sqldb.From(t), sqldb.Scalar[int64],
		`SELECT created_at FROM mail_outbox WHERE account_id = $1 AND recipient = $2 AND created_at > $3 AND substr(id, 1, 5) = $4 ORDER BY created_at`,
		string(account), string(to), sqldb.Micros(since), prefix)
	if err != nil || len(times) == 0 {
		return 0, time.Time{}, err
	}
	return len(times), sqldb.Time(times[0]), nil
}

// List returns the newest mails of an account whose body is still kept. For development.
func (o *Outbox) List(ctx context.Context, t tx.Tx, account ident.AccountID, limit int) ([]Kept, error) {
	rows, err := sqldb.List(ctx, sqldb.From(t), scan, `
SELECT account_id, id, recipient, body, created_at, expires_at, attempts, done_at, last_error
FROM mail_outbox WHERE account_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2`, string(account), limit)
	if err != nil {
		return nil, err
	}
	var kept []Kept
	for _, r := range rows {
		if len(r.body) == 0 {
			continue
		}
		k, err := o.open(r)
		if err != nil {
			return nil, err
		}
		kept = append(kept, k)
	}
	return kept, nil
}

func (o *Outbox) open(r row) (Kept, error) {
	plain, err := o.Keys.Open(sealFor, r.body, string(r.Account), r.ID)
	if err != nil {
		return Kept{}, fault.Wrap("mail: open "+r.ID, err)
	}
	err = json.Unmarshal(plain, &r.Message)
	return r.Kept, fault.Wrap("mail: read "+r.ID, err)
}

// Purge deletes up to limit mails that were done with long ago. It needs the system scope.
func (o *Outbox) Purge(ctx context.Context, t tx.Tx, limit int) (int64, error) {
	return sqldb.From(t).Exec(ctx, `
DELETE FROM mail_outbox WHERE (account_id, id) IN (
	SELECT account_id, id FROM mail_outbox
	WHERE (done_at > 0 AND done_at < $1) OR (done_at = 0 AND created_at < $1) ORDER BY created_at LIMIT $2)`,
		sqldb.Micros(t.Now().Add(-keepDone)), limit)
}

type row struct {
	Kept
	body []byte
}

func scan(r sqldb.Row) (row, error) {
	var v row
	var created, expires, done int64
	err := r.Scan(&v.Account, &v.ID, &v.To, &v.body, &created, &expires, &v.Attempts, &done, &v.LastError)
	v.CreatedAt, v.Expires, v.DoneAt = sqldb.Time(created), sqldb.Time(expires), sqldb.Time(done)
	return v, err
}

// headerText makes one line that no mail program reads as two headers or shows in another
// order than it is written.
func headerText(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > maxSubject {
		s = string(runes[:maxSubject])
	}
	return strings.TrimSpace(s)
}

// Migrations makes the outbox.
func Migrations() []sqldb.Migration {
	return []sqldb.Migration{{ID: "mail/0001", Tenanted: []string{"mail_outbox"}, SQL: `
CREATE TABLE mail_outbox (
	account_id TEXT NOT NULL,
	id TEXT NOT NULL,
	recipient TEXT NOT NULL,
	body BYTEA NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	next_at BIGINT NOT NULL,
	attempts BIGINT NOT NULL,
	done_at BIGINT NOT NULL,
	last_error TEXT NOT NULL,
	PRIMARY KEY (account_id, id));
CREATE INDEX mail_outbox_due ON mail_outbox (next_at) WHERE done_at = 0;
CREATE INDEX mail_outbox_waiting ON mail_outbox (account_id) WHERE done_at = 0;
CREATE INDEX mail_outbox_created ON mail_outbox (created_at);`}, {ID: "mail/0002", SQL: `
CREATE INDEX mail_outbox_recipient ON mail_outbox (account_id, recipient, created_at);`}}
}
