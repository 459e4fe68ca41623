// Package endings owns the list of what has ended while tokens of it may live, in memory and in the order
// of the change feed, for those who verify tokens elsewhere and follow it.
//
// Whoever has nothing gets everything that still matters, page by page, in the order of its times; who
// has all up to a revision gets what came later. A revision means the same on every node. A node that
// was started, or lost the feed, after that revision cannot tell what came between, and begins anew.
//
// Names are told as hashes over the issuer and the name, so that only who has a token finds out
// whether it has ended.
//
// Entry points: New, Log.After. Never: signatures, HTTP (surface/oidc/revoked).
package endings

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
)

// The kinds of what ends.
const (
	KindSession = "sid"    // every token with that sid
	KindPerson  = "sub"    // every token of the person that was issued until At
	KindToken   = "jti"    // the token of a person, named by both with a space between
	KindGrant   = "gid"    // every token of that grant, or the one of a grant whose jti it is
	KindClient  = "client" // every token that the client got until At; or, with a space and a sid behind, that one session's
	KindKey     = "kid"    // every token that the key has signed, whenever: whoever has stolen it writes any time into them
)

// Everybody is the name of KindPerson that stands for all people.
const Everybody = "*"

// forever is how long a key stays on the list: what a stolen one signs need not expire.
const forever = 100 * 365 * 24 * time.Hour

// maxPage is how many endings one page has.
const maxPage = 40

// Ending is one thing that has ended.
type Ending struct {
	Kind, Name string
	At         time.Time
	Until      time.Time // nothing of it can live longer
	rev        int64     // 0: from before this memory
	tie        uint64    // tells what ended at one time apart, on every node alike, and names nothing
}

func (e Ending) before(o Ending) int { return cmp.Or(e.At.Compare(o.At), cmp.Compare(e.tie, o.tie)) }

func tieOf(account ident.AccountID, kind, name string) uint64 {
	return binary.BigEndian.Uint64(secret.Hash("session/endings", string(account)+" "+kind+" "+name))
}

// Cursor is how far somebody has followed. The zero value is not at all.
type Cursor struct {
	Rev int64 // everything up to it, once At is zero
	// At and Tie are the last ending of a page of everything that was known at Rev.
	At  time.Time
	Tie uint64
}

// Page is what comes after a cursor.
type Page struct {
	Endings []Ending
	Next    Cursor
	Anew    bool // the first page of everything: what was known before counts no more
	More    bool
}

// Key is a signing key that was taken out of use, with all that it signed.
type Key struct {
	Account ident.AccountID
	ID      ident.KeyID
	At      time.Time
}

// Deps are what a Log is made of.
type Deps struct {
	Store session.Store
	// Keys returns the signing keys that were taken out of use: those that a change of KeyChange tells
	// of, or, with an empty account, all.
	Keys      func(ctx context.Context, t tx.Tx, account ident.AccountID, key string) ([]Key, error)
	KeyChange string
	Rev       func() int64 // the revision that this node has applied
}

// Log is the list. It is a feed.Subscriber for FeedKinds.
type Log struct {
	d Deps

	mu       sync.Mutex
	accounts map[ident.AccountID][]Ending // in the order of rev
	since    int64                        // what ended later is known by its revision; -1: whatever is applied now
	swept    time.Time
	changed  chan struct{}
}

// New makes an empty list; the feed's follower fills it.
func New(d Deps) *Log {
	return &Log{d: d, accounts: map[ident.AccountID][]Ending{}, since: -1, changed: make(chan struct{})}
}

// FeedKinds are the kinds of changes to subscribe the list to.
func (l *Log) FeedKinds() []string { return append(session.FeedKinds(), l.d.KeyChange) }

// Load implements feed.Subscriber.
func (l *Log) Load(ctx context.Context, t tx.Tx) error {
	all, err := l.d.Store.Revoked(ctx, t, session.RevokedQuery{Since: t.Now().Add(-session.MaxTokenLife)})
	if err != nil {
		return err
	}
	keys, err := l.d.Keys(ctx, t, "", "")
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.accounts)
	l.since, l.swept = -1, t.Now()
	l.add(all, 0)
	l.addKeys(keys, 0)
	return nil
}

// Apply implements feed.Subscriber.
func (l *Log) Apply(ctx context.Context, t tx.Tx, changes []feed.Change) error {
	for _, c := range changes {
		got, keys, err := l.read(ctx, t, c)
		if err != nil {
			return err
		}
		l.mu.Lock()
		if l.since < 0 {
			l.since = c.Rev - 1
		}
		l.add(got, c.Rev)
		l.addKeys(keys, c.Rev)
		l.mu.Unlock()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(t.Now())
	close(l.changed)
	l.changed = make(chan struct{})
	return nil
}

// read reads what a change tells of.
func (l *Log) read(ctx context.Context, t tx.Tx, c feed.Change) (got session.Revoked, keys []Key, err error) {
	if c.Kind == l.d.KeyChange {
		keys, err = l.d.Keys(ctx, t, c.Account, c.Key)
		return got, keys, err
	}
	if q, ok := session.QueryOf(c, t.Now().Add(-session.MaxTokenLife)); ok {
		got, err = l.d.Store.Revoked(ctx, t, q)
	}
	return got, keys, err
}

func (l *Log) put(account ident.AccountID, e Ending) {
	e.tie = tieOf(account, e.Kind, e.Name)
	l.accounts[account] = append(l.accounts[account], e)
}

// addKeys adds the keys that are not there yet: every change of a key names all that went before it.
func (l *Log) addKeys(keys []Key, rev int64) {
	for _, k := range keys {
		same := func(e Ending) bool { return e.Kind == KindKey && e.Name == string(k.ID) }
		if !slices.ContainsFunc(l.accounts[k.Account], same) {
			l.put(k.Account, Ending{Kind: KindKey, Name: string(k.ID), At: k.At, Until: k.At.Add(forever), rev: rev})
		}
	}
}

func (l *Log) add(got session.Revoked, rev int64) {
	put := func(account ident.AccountID, kind, name string, at, until time.Time) {
		if until.IsZero() {
			until = at.Add(session.MaxTokenLife)
		}
		l.put(account, Ending{Kind: kind, Name: name, At: at, Until: until, rev: rev})
	}
	for _, s := range got.Sessions {
		put(s.Account, KindSession, string(s.ID), s.At, time.Time{})
	}
	for _, u := range got.Users {
		name := string(u.User)
		if name == session.Everybody {
			name = Everybody
		}
		put(u.Account, KindPerson, name, u.At, time.Time{})
	}
	for _, d := range got.Tokens {
		put(d.Account, KindToken, string(d.User)+" "+d.ID, d.At, time.Time{})
	}
	for _, g := range got.Grants {
		if client, ok := strings.CutPrefix(g.ID, session.ClientCut); ok {
			put(g.Account, KindClient, client, g.At, g.Until)
		} else {
			put(g.Account, KindGrant, g.ID, g.At, g.Until)
		}
	}
}

// sweep forgets, once an hour, what matters no more.
func (l *Log) sweep(now time.Time) {
	if now.Sub(l.swept) < time.Hour {
		return
	}
	l.swept = now
	for id, all := range l.accounts {
		l.accounts[id] = slices.DeleteFunc(all, func(e Ending) bool { return e.Until.Before(now) })
	}
}

// After returns what comes after a cursor at this moment.
func (l *Log) After(account ident.AccountID, c Cursor) Page {
	p, _ := l.after(account, c)
	return p
}

// Wait is After, as soon as there is something to tell, or the context ends.
func (l *Log) Wait(ctx context.Context, account ident.AccountID, c Cursor) Page {
	for {
		p, changed := l.after(account, c)
		if len(p.Endings) > 0 || p.Anew {
			return p
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return p
		}
	}
}

func (l *Log) after(account ident.AccountID, c Cursor) (Page, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	applied := l.d.Rev()
	if l.since < 0 {
		l.since = applied
	}
	if !c.At.IsZero() {
		return l.snapshot(account, c, false), l.changed
	}
	if c.Rev < l.since || c.Rev <= 0 {
		return l.snapshot(account, Cursor{Rev: max(applied, l.since)}, true), l.changed
	}
	all := l.accounts[account]
	from, _ := slices.BinarySearchFunc(all, c.Rev+1, func(e Ending, rev int64) int { return cmp.Compare(e.rev, rev) })
	p := Page{Next: Cursor{Rev: max(c.Rev, applied)}}
	for _, e := range all[from:] {
		if len(p.Endings) >= maxPage && e.rev != p.Endings[len(p.Endings)-1].rev {
			p.Next.Rev, p.More = p.Endings[len(p.Endings)-1].rev, true
			break
		}
		p.Endings = append(p.Endings, e)
		p.Next.Rev = max(p.Next.Rev, e.rev)
	}
	return p, l.changed
}

// snapshot returns a page of everything, after the cursor's last ending.
func (l *Log) snapshot(account ident.AccountID, c Cursor, anew bool) Page {
	all := slices.SortedFunc(slices.Values(l.accounts[account]), Ending.before)
	all = slices.CompactFunc(all, func(a, b Ending) bool { return a.before(b) == 0 })
	last := Ending{At: c.At, tie: c.Tie}
	from, found := slices.BinarySearchFunc(all, last, Ending.before)
	if found {
		from++
	}
	p := Page{Anew: anew, Next: Cursor{Rev: c.Rev}, Endings: all[from:]}
	if len(p.Endings) > maxPage {
		p.Endings, p.More = p.Endings[:maxPage], true
		end := p.Endings[maxPage-1]
		p.Next.At, p.Next.Tie = end.At, end.tie
	}
	return p
}
