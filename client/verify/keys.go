package verify

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/admit-id/admit/client/internal/strict"
)

// Bounds of the key cache. They are not settings, because each weakens something.
const (
	refreshAfter   = 5 * time.Minute  // keys older than this are fetched again, in the background
	staleAfter     = 24 * time.Hour   // keys older than this are no longer used
	refetchAfter   = time.Minute      // between fetches that an unknown kid or a failure asks for
	firstRetry     = time.Second      // the first wait after a failure while there are no keys at all
	fetchTime      = 10 * time.Second // one fetch, from dialling to the last byte
	maxKeySetBytes = 256 << 10
)

// KeySource finds the public key of a kid. Errors match ErrUnknownKey or ErrKeysUnavailable.
type KeySource interface {
	Key(ctx context.Context, kid string) (ed25519.PublicKey, error)
}

// finder finds the public key of a kid, of any kind.
type finder interface {
	find(ctx context.Context, kid string) (*strict.Key, error)
}

// own finds keys in a KeySource of the caller's.
type own struct{ source KeySource }

func (o own) find(ctx context.Context, kid string) (*strict.Key, error) {
	key, err := o.source.Key(ctx, kid)
	if err != nil {
		return nil, err
	}
	return &strict.Key{Public: key, Algorithms: onlyEdDSA}, nil
}

// StaticKeys is a key source that never changes, for tests and for keys pinned by hand.
type StaticKeys map[string]ed25519.PublicKey

// Key returns the key of kid or ErrUnknownKey.
func (s StaticKeys) Key(_ context.Context, kid string) (ed25519.PublicKey, error) {
	if key, ok := s[kid]; ok {
		return key, nil
	}
	return nil, ErrUnknownKey
}

// remoteKeys is a key set behind a URL.
//
// A known kid never waits for the network unless the keys are older than staleAfter. An
// unknown kid starts a fetch at most once per refetchAfter, whoever sends it and however
// often. All callers share one fetch.
type remoteKeys struct {
	url        string
	client     *http.Client
	now        func() time.Time
	algorithms []string      // nil: EdDSA
	refetch    time.Duration // in place of refetchAfter, where strangers cannot choose the kid; zero if they can

	mu       sync.Mutex
	keys     map[string]*strict.Key
	fetched  time.Time     // when keys were had
	tried    time.Time     // when a fetch last began, except the first one that succeeded
	failures int           // fetches that failed since the last one that did not
	flight   chan struct{} // closed when the fetch under way ends; nil if there is none
	lastErr  error
}

func (r *remoteKeys) find(ctx context.Context, kid string) (*strict.Key, error) {
	key, flight, err := r.lookUp(kid, true)
	if flight == nil {
		return key, err
	}
	select {
	case <-flight:
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrKeysUnavailable, ctx.Err())
	}
	key, _, err = r.lookUp(kid, false)
	return key, err
}

// lookUp answers from memory. If it returns a channel, the answer depends on the fetch that
// ends when the channel closes.
func (r *remoteKeys) lookUp(kid string, mayWait bool) (*strict.Key, <-chan struct{}, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	age := now.Sub(r.fetched)
	usable := r.keys != nil && age < staleAfter
	key, known := r.keys[kid]
	known = known && usable
	if known && age < refreshAfter {
		return key, nil, nil
	}
	if mayWait && r.flight == nil && r.due(now, usable) {
		r.begin(now)
	}
	switch {
	case known:
		return key, nil, nil
	case mayWait && r.flight != nil:
		return nil, r.flight, nil
	case usable:
		return nil, nil, ErrUnknownKey
	case r.lastErr != nil:
		return nil, nil, fmt.Errorf("%w: %w", ErrKeysUnavailable, r.lastErr)
	}
	return nil, nil, ErrKeysUnavailable
}

// due tells whether a fetch may begin now.
func (r *remoteKeys) due(now time.Time, usable bool) bool {
	most := refetchAfter
	if r.refetch > 0 {
		most = r.refetch
	}
	wait := most
	if !usable && r.failures < 6 {
		wait = firstRetry << r.failures
	}
	since := now.Sub(r.tried)
	return r.tried.IsZero() || since >= min(wait, most) || since < 0
}

// begin starts the one fetch. It does not end with the caller's context, because others wait
// for it too.
func (r *remoteKeys) begin(now time.Time) {
	flight := make(chan struct{})
	r.flight = flight
	first := r.keys == nil
	r.tried = now
	go func() {
		keys, err := r.fetch()
		r.mu.Lock()
		defer r.mu.Unlock()
		defer close(flight)
		r.flight, r.lastErr = nil, err
		if err != nil {
			r.failures++
			return
		}
		r.keys, r.fetched, r.failures = keys, now, 0
		if first {
			r.tried = time.Time{} // a kid that the first set lacks may ask once more at once
		}
	}()
}

func (r *remoteKeys) fetch() (map[string]*strict.Key, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTime)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the key set answered %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxKeySetBytes+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxKeySetBytes {
		return nil, fmt.Errorf("the key set is larger than %d bytes", maxKeySetBytes)
	}
	if r.algorithms == nil {
		return parseKeySet(body, onlyEdDSA)
	}
	return parseKeySet(body, r.algorithms)
}
