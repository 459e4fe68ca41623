// Package revoked owns the revocation feed: a signed list of what has ended while tokens of it may live, for
// APIs that verify tokens by themselves. It is public, as the keys are: it names nothing but by hashes.
//
// Entry points: Surface.Routes.
//
// Never: what ends (session), in which order it is told (session/endings).
package revoked

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strconv"
	"time"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/session/endings"
)

const (
	// Path is where the feed is, below the issuer.
	Path = "/.well-known/revocations"
	// Type is the typ of the answer.
	Type = "revocations+jwt"
	// MaxWait is how long a question may wait for something to tell.
	MaxWait = 25 * time.Second
	// maxWaiting bounds the questions that wait at once on this node.
	maxWaiting = 2000
	hashSize   = 16
	name       = "revocations"
	life       = time.Minute
)

// Deps is what the surface works with.
type Deps struct {
	Log      *endings.Log
	Ring     *keyring.Ring
	Issuer   func(ident.AccountID) string
	Fresh    func() bool
	Draining func() bool // this node stops: whoever waits is answered
	Clock    clock.Clock
}

// Surface serves the feed.
type Surface struct {
	d       Deps
	waiting chan struct{}
}

// New makes the surface.
func New(d Deps) *Surface { return &Surface{d, make(chan struct{}, maxWaiting)} }

// Routes declares the feed.
func (s *Surface) Routes() []web.Route {
	return []web.Route{{
		Method: http.MethodGet, Pattern: Path, Auth: web.Public, Scope: web.Account,
		Limit: web.LimitDocument, CORS: web.AnyOrigin, Handler: s.serve, Stream: true,
	}}
}

type answer struct {
	Issuer string  `json:"iss"`
	Name   string  `json:"sub"` // and aud: "revocations", which is nobody, so that no one takes it for another token
	For    string  `json:"aud"`
	Issued int64   `json:"iat"`
	Until  int64   `json:"exp"`
	Since  string  `json:"since"` // the cursor that was asked with, so that no answer can be given to another question
	Cursor string  `json:"cursor"`
	Anew   bool    `json:"anew,omitempty"`
	More   bool    `json:"more,omitempty"`
	Ended  []ended `json:"ended"`
}

type ended struct {
	Kind  string `json:"k"`
	Hash  string `json:"h"`
	At    int64  `json:"at"`
	Until int64  `json:"until"`
}

var (
	errCursor = fault.New(fault.Invalid, fault.CodeInvalidRequest, "since is a cursor of an earlier answer, and wait a number of seconds up to 25.")
	errStale  = fault.New(fault.Unavailable, fault.CodeUnavailable, "This node does not know now what has ended. Try again in a moment.")
)

// serve is GET /.well-known/revocations.
func (s *Surface) serve(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	since := q.Get("since")
	c, ok := parse(since)
	wait, err := strconv.Atoi("0" + q.Get("wait"))
	if !ok || err != nil || time.Duration(wait)*time.Second > MaxWait || len(q["since"]) > 1 || len(q["wait"]) > 1 {
		return errCursor
	}
	account := web.AccountOf(r)
	page := s.d.Log.After(account, c)
	if wait > 0 && len(page.Endings) == 0 && !page.Anew {
		select {
		case s.waiting <- struct{}{}:
			page = s.wait(r.Context(), account, c, wait)
			<-s.waiting
		default: // too many wait: who asks again in a moment is served as well
		}
	}
	if !s.d.Fresh() {
		return errStale
	}
	return s.send(w, account, since, page)
}

// wait asks again and again for that many seconds at most, and no longer than this node serves.
func (s *Surface) wait(ctx context.Context, account ident.AccountID, c endings.Cursor, seconds int) (p endings.Page) {
	for range seconds {
		step, cancel := context.WithTimeout(ctx, time.Second)
		p = s.d.Log.Wait(step, account, c)
		cancel()
		if len(p.Endings) > 0 || p.Anew || ctx.Err() != nil || s.d.Draining() {
			break
		}
	}
	return p
}

func (s *Surface) send(w http.ResponseWriter, account ident.AccountID, since string, p endings.Page) error {
	issuer := s.d.Issuer(account)
	now := s.d.Clock.Now()
	out := answer{
		Issuer: issuer, Name: name, For: name, Issued: now.Unix(), Until: now.Add(life).Unix(), Since: since, Cursor: format(p.Next), Anew: p.Anew, More: p.More, Ended: make([]ended, 0, len(p.Endings)),
	}
	for _, e := range p.Endings {
		out.Ended = append(out.Ended, ended{e.Kind, Hash(issuer, e.Kind, e.Name), e.At.Unix(), e.Until.Unix()})
	}
	signer, err := s.d.Ring.Signer(account, keyring.ID) // not by the key of access tokens: many who verify those look at no typ and no aud
	if err != nil {
		return err
	}
	key, ok := signer.Private.(ed25519.PrivateKey)
	if !ok {
		return fault.New(fault.Unavailable, fault.CodeUnavailable, "There is no key to sign the list with.")
	}
	text, err := jose.Sign(key, string(signer.KID), Type, out)
	if err != nil {
		return fault.Wrap("revoked.send", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/"+Type)
	h.Set("Cache-Control", "no-store")
	_, err = w.Write([]byte(text))
	return err
}

// Hash is how a thing is named. Client libraries compute the same.
func Hash(issuer, kind, name string) string {
	sum := sha256.Sum256([]byte("admit/revocations\x00" + issuer + "\x00" + kind + "\x00" + name))
	return base64.RawURLEncoding.EncodeToString(sum[:hashSize])
}

// format writes a cursor: its revision and, within a list of everything, the last that was told.
func format(c endings.Cursor) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(c.Rev))
	if !c.At.IsZero() {
		b = binary.BigEndian.AppendUint64(b, uint64(c.At.UnixMicro()))
		b = binary.BigEndian.AppendUint64(b, c.Tie)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parse(text string) (endings.Cursor, bool) {
	if text == "" {
		return endings.Cursor{}, true
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != 8 && len(b) != 24 {
		return endings.Cursor{}, false
	}
	c := endings.Cursor{Rev: int64(binary.BigEndian.Uint64(b))}
	if len(b) == 24 {
		c.At, c.Tie = time.UnixMicro(int64(binary.BigEndian.Uint64(b[8:]))).UTC(), binary.BigEndian.Uint64(b[16:])
	}
	return c, c.Rev >= 0
}
