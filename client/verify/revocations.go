package verify

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/admit-id/admit/client/internal/strict"
)

// RevocationsPath is where an issuer tells what has ended, below the issuer.
const RevocationsPath = "/.well-known/revocations"

const (
	typeRevocations = "revocations+jwt"
	revocationsWait = 20 * time.Second       // how long the issuer may wait for something to tell
	firstPause      = 100 * time.Millisecond // after a failure; each that follows at once doubles it, up to a second
	lastPause       = time.Second
	maxEnded        = 1 << 20
)

// DefaultStaleness is how old what is known of ended tokens may be. An issuer that has nothing to tell
// says so every 20 seconds.
const DefaultStaleness = time.Minute

// What a token fails by when a Verifier knows what has ended.
var (
	ErrRevoked                = errors.New("verify: the token was revoked")
	ErrRevocationsUnavailable = errors.New("verify: the issuer has not told lately what was revoked")
)

// Revocations follows what an issuer tells of ended sessions, people, grants and tokens, and of keys that
// it has withdrawn, so that they bite within a moment although tokens are verified here. Run keeps it up to date; give it to a Config.
type Revocations struct {
	issuer string
	client *http.Client
	keys   finder
	now    func() time.Time
	// Staleness is how old what is known may be: DefaultStaleness if zero. Set it before use.
	Staleness time.Duration
	// FailOpen takes tokens, as if nothing had ended since, when what is known is older. The zero value
	// refuses them with ErrRevocationsUnavailable. Set it before use.
	FailOpen bool

	mu     sync.RWMutex
	ended  map[string]ending
	cursor string
	heard  time.Time // when the question was asked that was answered last, with nothing more to tell
	swept  time.Time
}

type ending struct{ at, until int64 }

// NewRevocations checks the issuer and returns a follower of what it tells. Nil for client means one of
// this package's own.
func NewRevocations(issuer string, client *http.Client) (*Revocations, error) {
	if err := checkIssuer(issuer); err != nil {
		return nil, err
	}
	slow := *fetcher(client)
	slow.Timeout = revocationsWait + fetchTime
	return &Revocations{
		issuer: issuer, client: &slow, now: time.Now, ended: map[string]ending{},
		keys: &remoteKeys{url: issuer + AllKeysPath, client: fetcher(client), now: time.Now, algorithms: onlyEdDSA, refetch: firstPause},
	}, nil
}

// Run follows until ctx ends. It returns ctx's error.
func (r *Revocations) Run(ctx context.Context) error {
	pause := firstPause
	for {
		err := r.Follow(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			pause = firstPause
			continue
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, lastPause)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

type told struct {
	Issuer string `json:"iss"`
	Since  string `json:"since"`
	Cursor string `json:"cursor"`
	Issued int64  `json:"iat"`
	Anew   bool   `json:"anew"`
	More   bool   `json:"more"`
	Ended  []struct {
		Kind  string `json:"k"`
		Hash  string `json:"h"`
		At    int64  `json:"at"`
		Until int64  `json:"until"`
	} `json:"ended"`
}

// Follow asks once, waiting until there is something to tell, and takes in the answer. Run calls it
// again and again.
func (r *Revocations) Follow(ctx context.Context) error {
	r.mu.RLock()
	since, first := r.cursor, r.heard.IsZero()
	r.mu.RUnlock()
	q := url.Values{"since": {since}}
	if !first {
		q.Set("wait", strconv.Itoa(int(revocationsWait/time.Second)))
	}
	answer, err := r.ask(ctx, q)
	if err != nil {
		return err
	}
	// What was known when the answer was given is known until its iat, and no longer.
	at := r.now()
	if issued := time.Unix(answer.Issued, 0); issued.Before(at) {
		at = issued
	}
	if answer.Since != since || answer.Issuer != r.issuer {
		return fmt.Errorf("%w: the answer is to another question", ErrRevocationsUnavailable)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range answer.Ended {
		key := e.Kind + " " + e.Hash
		if old, known := r.ended[key]; known {
			e.At, e.Until = max(e.At, old.at), max(e.Until, old.until)
		}
		if len(r.ended) < maxEnded {
			r.ended[key] = ending{e.At, e.Until}
		} else if _, known := r.ended[key]; !known {
			r.heard = time.Time{}
			return fmt.Errorf("%w: it is more than fits here", ErrRevocationsUnavailable)
		}
	}
	r.cursor = answer.Cursor
	if !answer.More {
		r.heard = at
	}
	r.sweep()
	return nil
}

func (r *Revocations) ask(ctx context.Context, q url.Values) (told, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.issuer+RevocationsPath+"?"+q.Encode(), http.NoBody)
	if err != nil {
		return told{}, err
	}
	response, err := r.client.Do(request)
	if err != nil {
		return told{}, fmt.Errorf("%w: %w", ErrRevocationsUnavailable, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, MaxToken+1))
	if err != nil || response.StatusCode != http.StatusOK {
		return told{}, fmt.Errorf("%w: status %d", ErrRevocationsUnavailable, response.StatusCode)
	}
	t, err := parse(string(body), onlyEdDSA)
	if err != nil {
		return told{}, err
	}
	if t.typ != typeRevocations {
		return told{}, ErrType
	}
	if r.withdrawn(t.keyID) {
		return told{}, fmt.Errorf("%w: the answer is signed by a withdrawn key", ErrRevocationsUnavailable)
	}
	key, err := r.keys.find(ctx, t.keyID)
	if err != nil {
		return told{}, err
	}
	if !key.Verify(t.algorithm, []byte(t.signed), t.signature) {
		return told{}, ErrSignature
	}
	var out told
	if _, err := strict.Object(t.payload); err != nil {
		return told{}, malformed("revocations: %w", err)
	}
	if err := json.Unmarshal(t.payload, &out); err != nil {
		return told{}, malformed("revocations: %w", err)
	}
	return out, nil
}

// sweep forgets, once an hour, what no token can be of any more.
func (r *Revocations) sweep() {
	now := r.now()
	if now.Sub(r.swept) < time.Hour {
		return
	}
	r.swept = now
	for key, e := range r.ended {
		if now.Unix() > e.until+int64(Leeway/time.Second) {
			delete(r.ended, key)
		}
	}
}

// Check tells whether what the claims are of has ended: ErrRevoked. When what is known is too old it
// fails with ErrRevocationsUnavailable, unless FailOpen is set.
func (r *Revocations) Check(c Claims) error {
	staleness := r.Staleness
	if staleness <= 0 {
		staleness = DefaultStaleness
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	ended := func(kind, name string) bool { _, known := r.ended[kind+" "+r.hash(kind, name)]; return known }
	cut := func(kind, name string) bool {
		e, known := r.ended[kind+" "+r.hash(kind, name)]
		return known && c.IssuedAt.Unix() <= e.at
	}
	switch {
	case c.KeyID != "" && ended("kid", c.KeyID), c.SessionID != "" && ended("sid", c.SessionID), cut("sub", c.Subject), cut("sub", "*"),
		c.TokenID != "" && ended("jti", c.Subject+" "+c.TokenID),
		c.GrantID != "" && (ended("gid", c.GrantID) || ended("gid", c.TokenID)),
		c.ClientID != "" && cut("client", c.ClientID), c.ClientID != "" && c.SessionID != "" && cut("client", c.ClientID+" "+c.SessionID):
		return ErrRevoked
	case !r.FailOpen && r.now().Sub(r.heard) > staleness:
		return ErrRevocationsUnavailable
	}
	return nil
}

// withdrawn tells whether the issuer has taken a key out of use. It stays so, whoever says what later.
func (r *Revocations) withdrawn(kid string) bool {
	name := "kid " + r.hash("kid", kid)
	r.mu.RLock()
	defer r.mu.RUnlock()
	_, known := r.ended[name]
	return known
}

func (r *Revocations) hash(kind, name string) string {
	var b strings.Builder
	for i, part := range []string{"admit/revocations", r.issuer, kind, name} {
		if i > 0 {
			b.WriteByte(0)
		}
		b.WriteString(part)
	}
	sum := sha256.Sum256([]byte(b.String()))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
