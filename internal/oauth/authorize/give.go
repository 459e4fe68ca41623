package authorize

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize/check"
	"github.com/admit-id/admit/internal/session"
)

// give makes the code: one write, which uses the request up if there is a row of it.
func (s *Service) give(ctx context.Context, v Visit, r *check.Request, row Request, f facts) (Outcome, error) {
	code := secret.Random("")
	var n renewal
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) (err error) {
		if row.ID != "" {
			if err := s.d.Store.Take(ctx, t, v.Account, row.ID, row.Browser); err != nil {
				return err
			}
		}
		if n, err = s.renew(ctx, t, v, r, f); err != nil {
			return err
		}
		return s.insert(ctx, t, v, r, f, code)
	})
	switch {
	case errors.Is(err, errEnded):
		return s.refuse(ctx, v, r, errLogin)
	case fault.Is(err, fault.NotFound):
		return Outcome{Problem: ErrGone}, nil
	case err != nil:
		return s.refuse(ctx, v, r, err)
	}
	s.familiar.add(v)
	return s.given(ctx, v, r, f, n, code)
}

// renewal is a session cookie in the place of the one that came.
type renewal struct {
	cookie  secret.Text
	expires time.Time
	rotated bool // or else the one that came was late
}

// errEnded undoes the unit of work of a request whose session has ended since it was read.
var errEnded = errors.New("authorize: the session has ended")

// renew gives the session's secret its successor where a page renews without a word to anybody: with prompt=none.
func (s *Service) renew(ctx context.Context, t tx.Tx, v Visit, r *check.Request, f facts) (renewal, error) {
	if !r.Prompt.None {
		return renewal{}, nil
	}
	found, cookie, err := s.d.Sessions.RenewIn(ctx, t, session.Use{Actor: person(v, f.session.User), Cookie: v.Session})
	if errors.Is(err, session.ErrNone) {
		err = errEnded
	}
	return renewal{cookie, found.AbsoluteExpiry, found.Rotation.Version != f.session.Rotation.Version}, err
}

// errMore undoes the unit of work of a request that needs more than a code.
var errMore = errors.New("authorize: more than a code is needed")

// atOnce reads, decides and makes the code in one unit of work, for a browser whose session was good a
// while ago. It is not done when anything else than a code comes of it; nothing has happened then.
// Strangers do not get here: what they bring is read beside the writer.
func (s *Service) atOnce(ctx context.Context, v Visit, r *check.Request) (out Outcome, done bool, err error) {
	code := secret.Random("")
	var f facts
	var n renewal
	err = s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) (err error) {
		if f, err = s.factsIn(ctx, t, v, r, Request{}); err != nil {
			return err
		}
		if n, err := decide(r, f); err != nil || n != (need{}) {
			return errMore
		}
		if n, err = s.renew(ctx, t, v, r, f); err != nil {
			return err
		}
		return s.insert(ctx, t, v, r, f, code)
	})
	if errors.Is(err, errMore) || errors.Is(err, errEnded) {
		s.familiar.drop(v)
		return Outcome{}, false, nil
	}
	if err != nil {
		out, err = s.refuse(ctx, v, r, err)
		return out, true, err
	}
	out, err = s.given(ctx, v, r, f, n, code)
	return out, true, err
}

// insert writes the code and the event.
func (s *Service) insert(ctx context.Context, t tx.Tx, v Visit, r *check.Request, f facts, code secret.Text) error {
	made := oauth.AuthorizationCode{
		Hash: oauth.CodeHash(code), RedirectURI: r.RedirectURI, Challenge: r.Challenge, Authorization: f.authorization,
		ExpiresAt: t.Now().Add(oauth.CodeLife),
	}
	made.Grant = ident.New("gra_")
	if err := s.d.Codes.InsertCode(ctx, t, made); err != nil {
		return err
	}
	by := person(v, f.session.User)
	by.Session = f.session.ID
	return t.Emit(ctx, event.New(by, EventAuthorized, r.Client.ID, "grant", made.Grant, "session", string(f.session.ID)))
}

// given answers with a code that is durable.
func (s *Service) given(ctx context.Context, v Visit, r *check.Request, f facts, n renewal, code secret.Text) (Outcome, error) {
	// Single sign-on is a use of the session; that it cannot be noted is no reason to refuse.
	if f.stale && !n.rotated {
		if _, err := s.d.Sessions.Resume(ctx, v.Account, v.Session); err != nil {
			s.d.Log.WarnContext(ctx, "the use of a session cannot be noted", "error", err)
		}
	}
	out, err := s.answer(ctx, r, url.Values{"code": {code.Reveal()}})
	if err == nil && !n.cookie.Empty() {
		out.Session, out.SessionExpires = n.cookie, n.expires
		s.familiar.move(v, n.cookie)
	}
	return out, err
}

// maxFamiliar is how many sessions are remembered.
const maxFamiliar = 16384

// familiar remembers cookies of sessions that were given a code. It decides nothing but where a
// session is looked at.
type familiar struct {
	mu  sync.Mutex
	all map[[32]byte]struct{}
}

func newFamiliar() *familiar { return &familiar{all: map[[32]byte]struct{}{}} }

func familiarKey(v Visit) [32]byte {
	return [32]byte(secret.Hash("oauth/familiar-session", string(v.Account)+"\x00"+v.Session.Reveal()))
}

func (f *familiar) has(v Visit) bool {
	if v.Session.Empty() {
		return false
	}
	key := familiarKey(v)
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.all[key]
	return ok
}

func (f *familiar) add(v Visit) {
	key := familiarKey(v)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.all) >= maxFamiliar {
		for k := range f.all { // the order is random
			delete(f.all, k)
			break
		}
	}
	f.all[key] = struct{}{}
}

func (f *familiar) drop(v Visit) {
	key := familiarKey(v)
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, key)
}

// move knows a browser by the cookie that it gets in the place of the one that it brought.
func (f *familiar) move(v Visit, cookie secret.Text) {
	f.drop(v)
	_, beside := secret.Split(v.Session)
	v.Session = secret.Join(cookie, beside...)
	f.add(v)
}
