package session

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// The kinds of changes that Revocations follows.
const (
	KindSession = "session"
	KindUser    = "session.user"
	KindToken   = "session.token"
	KindGrant   = "session.grant"
)

// FeedKinds are the kinds of changes to subscribe Revocations to.
func FeedKinds() []string { return []string{KindSession, KindUser, KindToken, KindGrant} }

func count(n int) string { return strconv.Itoa(n) }

type sessionKey struct {
	account ident.AccountID
	id      ident.SessionID
}

type userKey struct {
	account ident.AccountID
	user    ident.UserID
}

type grantKey struct {
	account ident.AccountID
	id      string
}

type tokenKey struct {
	account ident.AccountID
	user    ident.UserID
	id      string
}

// Revocations knows, in memory, which sessions, people, single tokens and grants were ended within the
// life of any token. It is a feed.Subscriber for FeedKinds. A node whose feed is not fresh
// must not trust it (I-17).
type Revocations struct {
	store Store

	mu       sync.RWMutex
	sessions map[sessionKey]time.Time // when ended
	users    map[userKey]time.Time    // tokens issued until then are dead
	tokens   map[tokenKey]time.Time   // when disabled
	grants   map[grantKey]EndedGrant
	swept    time.Time
}

// NewRevocations reads from the store.
func NewRevocations(s Store) *Revocations {
	return &Revocations{store: s, sessions: map[sessionKey]time.Time{}, users: map[userKey]time.Time{}, tokens: map[tokenKey]time.Time{}, grants: map[grantKey]EndedGrant{}}
}

// Ended tells whether a session was ended.
func (r *Revocations) Ended(account ident.AccountID, id ident.SessionID) bool {
	r.mu.RLock()
	_, ended := r.sessions[sessionKey{account, id}]
	r.mu.RUnlock()
	return ended
}

// UserEnded tells whether a person's tokens issued at that time were ended. Tokens tell whole
// seconds, so one issued in the second of the cut is dead too.
func (r *Revocations) UserEnded(account ident.AccountID, user ident.UserID, issued time.Time) bool {
	r.mu.RLock()
	cut, known := r.users[userKey{account, user}]
	all, everybody := r.users[userKey{account, Everybody}]
	r.mu.RUnlock()
	return known && !issued.After(cut) || everybody && !issued.After(all)
}

// TokenDisabled tells whether a person's access token with that `jti` was disabled.
func (r *Revocations) TokenDisabled(account ident.AccountID, user ident.UserID, id string) bool {
	r.mu.RLock()
	_, disabled := r.tokens[tokenKey{account, user, id}]
	r.mu.RUnlock()
	return disabled
}

// GrantEnded tells whether a grant of the authorization server, or a single token of one by its
// `jti`, was ended.
func (r *Revocations) GrantEnded(account ident.AccountID, id string) bool {
	r.mu.RLock()
	_, ended := r.grants[grantKey{account, id}]
	r.mu.RUnlock()
	return ended
}

// ClientEnded tells whether what a client had was ended, by when it was issued, as UserEnded does.
func (r *Revocations) ClientEnded(account ident.AccountID, client string, issued time.Time) bool {
	r.mu.RLock()
	cut, known := r.grants[grantKey{account, clientCut + client}]
	r.mu.RUnlock()
	return known && !issued.After(cut.At)
}

// Load implements feed.Subscriber.
func (r *Revocations) Load(ctx context.Context, t tx.Tx) error {
	all, err := r.store.Revoked(ctx, t, RevokedQuery{Since: t.Now().Add(-2 * MaxTokenLife)})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.sessions)
	clear(r.users)
	clear(r.tokens)
	clear(r.grants)
	r.add(all)
	r.swept = t.Now()
	return nil
}

// Apply implements feed.Subscriber.
func (r *Revocations) Apply(ctx context.Context, t tx.Tx, changes []feed.Change) error {
	for _, c := range changes {
		q := RevokedQuery{Account: c.Account, Since: t.Now().Add(-2 * MaxTokenLife)}
		switch c.Kind {
		case KindUser:
			q.User = ident.UserID(c.Key)
		case KindToken:
			q.User, q.Token = parseTokenChange(c.Key)
		case KindGrant:
			q.Grant = c.Key
		default:
			q.Session = ident.SessionID(c.Key)
		}
		got, err := r.store.Revoked(ctx, t, q)
		if err != nil {
			return err
		}
		r.mu.Lock()
		r.add(got)
		r.mu.Unlock()
	}
	r.sweep(t.Now())
	return nil
}

func (r *Revocations) add(got Revoked) {
	for _, s := range got.Sessions {
		r.sessions[sessionKey{s.Account, s.ID}] = s.At
	}
	for _, u := range got.Users {
		r.users[userKey{u.Account, u.User}] = u.At
	}
	for _, d := range got.Tokens {
		r.tokens[tokenKey{d.Account, d.User, d.ID}] = d.At
	}
	for _, g := range got.Grants {
		r.grants[grantKey{g.Account, g.ID}] = g
	}
}

// sweep forgets, once an hour, what no living token can name.
func (r *Revocations) sweep(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.swept) < time.Hour {
		return
	}
	r.swept = now
	oldest := now.Add(-2 * MaxTokenLife)
	for k, at := range r.sessions {
		if at.Before(oldest) {
			delete(r.sessions, k)
		}
	}
	for k, at := range r.users {
		if at.Before(oldest) {
			delete(r.users, k)
		}
	}
	for k, at := range r.tokens {
		if at.Before(oldest) {
			delete(r.tokens, k)
		}
	}
	for k, g := range r.grants {
		if g.Until.Before(now) {
			delete(r.grants, k)
		}
	}
}
