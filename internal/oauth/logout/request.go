package logout

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/session"
)

// maxFrames bounds how many clients are told by frames on one page.
const maxFrames = 20

// Wish is a client's request to sign its person out (OpenID Connect RP-Initiated Logout 1.0 section 2).
type Wish struct {
	Hint     string // id_token_hint
	Client   string // client_id
	Redirect string // post_logout_redirect_uri
	State    string
}

// Plan is what a wish comes to.
type Plan struct {
	Client     oauth.Client // zero when it is not known who asks
	Redirect   string       // where the browser goes afterwards, with the state; empty: nowhere
	Registered string       // the registered URL of it, for a page that posts the wish again
	SignedIn   bool
	User       ident.UserID // who is
	// Ask tells that the person must confirm: nothing proves that the client means this session.
	Ask bool

	session session.Session
}

// Plan judges a wish for the browser that brings it. It changes nothing.
func (s *Service) Plan(ctx context.Context, v login.Visit, w Wish) (Plan, error) {
	var p Plan
	client, hint, trusted := s.whose(v.Account, w)
	if client != "" {
		found, err := s.d.Clients.Client(ctx, v.Account, client)
		switch {
		case err == nil:
			p.Client = found
		case oauth.CodeOf(err) == "": // the database, or a metadata document's host
			return p, fault.Wrap("logout.Plan", err)
		}
	}
	if w.Redirect != "" && slices.Contains(p.Client.Settings.PostLogoutRedirectURLs, w.Redirect) {
		p.Registered, p.Redirect = w.Redirect, withState(w.Redirect, w.State)
	}
	err := s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) (err error) {
		p.session, err = s.d.Sessions.ByCookie(ctx, t, v.Account, v.Session)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		p.SignedIn, p.User, p.Ask = true, p.session.User, true
		if !trusted || p.Client.ID == "" || hint.user != p.session.User {
			return nil
		}
		meant, err := s.d.Sessions.ByID(ctx, t, v.Account, hint.session)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		p.Ask = err != nil || meant.Root != p.session.Root
		return err
	})
	if !p.SignedIn && p.Client.Stranger() {
		p.Registered, p.Redirect = "", ""
	}
	return p, fault.Wrap("logout.Plan", err)
}

type hinted struct {
	session ident.SessionID
	user    ident.UserID
}

// whose finds out which client asks. A hint that is not ours, or that is for another client than the
// one that is named, makes it nobody: neither of the two is believed.
func (s *Service) whose(account ident.AccountID, w Wish) (client string, h hinted, trusted bool) {
	if w.Hint == "" {
		return w.Client, h, false
	}
	own, err := s.d.Hints.ReadID(account, w.Hint)
	if err != nil || w.Client != "" && w.Client != own.Client {
		return "", h, false
	}
	return own.Client, hinted{own.Session, ident.UserID(own.Subject)}, own.Session != ""
}

// withState adds the state, verbatim, behind whatever query the URL has.
func withState(target, state string) string {
	if state == "" {
		return target
	}
	return extended(target, url.Values{"state": {state}})
}

func extended(target string, q url.Values) string {
	switch {
	case strings.HasSuffix(target, "?"), strings.HasSuffix(target, "&"):
		return target + q.Encode()
	case strings.Contains(target, "?"):
		return target + "&" + q.Encode()
	}
	return target + "?" + q.Encode()
}

// Ended is what the browser is told after a logout.
type Ended struct {
	Redirect string
	Client   oauth.Client
	Frames   []string // URLs to load in frames (OpenID Connect Front-Channel Logout 1.0)
}

// End ends the browser's session and whatever it continues. The clients that took part are told: by
// the server in a while, by frames in the browser now. Call it for a POST of our own page, or when the
// plan asks nothing. Nobody who is signed in is no error.
func (s *Service) End(ctx context.Context, v login.Visit, p Plan) (Ended, error) {
	out := Ended{Redirect: p.Redirect, Client: p.Client}
	var parties []Party
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		found, err := s.d.Sessions.ByCookie(ctx, t, v.Account, v.Session)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if parties, err = s.d.Store.Parties(ctx, t, Whose{Account: v.Account, Root: found.Root}, 4*maxFrames); err != nil {
			return err
		}
		by := v.Actor
		by.Kind, by.Account, by.ID, by.Session = actor.User, v.Account, string(found.User), found.ID
		return s.d.Sessions.EndIn(ctx, t, by, found.ID)
	})
	if err != nil {
		return Ended{}, fault.Wrap("logout.End", err)
	}
	out.Frames = s.frames(ctx, v.Account, parties)
	return out, nil
}

// frames are the front-channel logout URLs of those who took part. A client that cannot be found now
// is told by nobody: the session is over all the same.
func (s *Service) frames(ctx context.Context, account ident.AccountID, parties []Party) []string {
	var out []string
	for _, p := range parties {
		c, err := s.d.Clients.Client(ctx, account, p.Client)
		if err != nil || c.Settings.FrontchannelLogoutURL == "" {
			continue
		}
		target := c.Settings.FrontchannelLogoutURL
		if c.Settings.FrontchannelSessionRequired {
			target = extended(target, url.Values{"iss": {s.d.Issuer(account)}, "sid": {string(p.Session)}})
		}
		if !slices.Contains(out, target) && len(out) < maxFrames {
			out = append(out, target)
		}
	}
	return out
}
