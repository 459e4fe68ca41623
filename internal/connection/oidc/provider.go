package oidc

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/document"
	"github.com/admit-id/admit/internal/connection/oauth2"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/egress"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// How long what a provider said is good for, and how often it is asked.
const (
	documentFresh = time.Hour        // then discovery is asked again
	keysFresh     = 10 * time.Minute // then the key set is asked again
	staleLimit    = 24 * time.Hour   // how long an old answer serves while the provider does not give a new one
	askKeys       = time.Minute      // the key set is asked for this seldom, besides the first time
	askDocument   = 5 * time.Second  // and the discovery document this seldom
	maxProviders  = 4096             // remembered; beyond, all are forgotten
)

// algorithms are the signature algorithms that are ever accepted from a provider.
var algorithms = []string{"RS256", "PS256", "ES256", "ES384", "EdDSA"}

// metadata is what counts of a discovery document (Discovery 1.0 section 3).
type metadata struct {
	authorization, token, userinfo, keys string
	algorithms                           []string
	authMethods                          []string
	sendsIssuer                          bool // RFC 9207
}

type providerKey struct {
	account    ident.AccountID
	connection ident.ConnectionID
	issuer     string
}

// providers remembers, for every connection by itself, what its provider said.
type providers struct {
	client *oauth2.Client
	clock  clock.Clock
	mu     sync.Mutex
	byKey  map[providerKey]*provider
}

func (p *providers) of(c connection.Connection) *provider {
	key := providerKey{c.Account, c.ID, c.IssuerURL}
	return p.at(key)
}

func (p *providers) at(key providerKey) *provider {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.byKey[key]; e != nil {
		return e
	}
	if p.byKey == nil || len(p.byKey) >= maxProviders {
		p.byKey = map[providerKey]*provider{}
	}
	e := &provider{client: p.client, clock: p.clock}
	p.byKey[key] = e
	return e
}

// provider is what one connection knows of its provider.
type provider struct {
	client *oauth2.Client
	clock  clock.Clock
	flight singleflight.Group

	mu       sync.Mutex
	document remembered[*metadata]
	keySet   remembered[*keySet]
}

// remembered is an answer, when it came, and when the provider was asked for it.
type remembered[T any] struct {
	value  T
	has    bool
	at     time.Time
	asked  bool
	again  time.Time // when it was asked beyond the first time
	failed error
}

// mayAsk takes the permission to ask, which is given once, and then once in a while.
func (r *remembered[T]) mayAsk(now time.Time, every time.Duration) bool {
	if !r.asked {
		r.asked = true
		return true
	}
	if now.Sub(r.again) < every {
		return false
	}
	r.again = now
	return true
}

// usable tells whether the answer may still serve.
func (r *remembered[T]) usable(now time.Time) bool { return r.has && now.Sub(r.at) < staleLimit }

// question is what a provider is asked, and how.
type question[T any] struct {
	name  string
	fresh time.Duration // an older answer is asked for again
	every time.Duration // but not more often than this
	good  func(T) bool  // whether an answer serves this caller
	fetch func(context.Context) (T, error)
}

// recall returns the remembered answer, asking for it first when it is absent, not fresh or
// not good. When it cannot be had, an old answer serves for a day. Callers that want the same
// answer wait for one fetch.
func recall[T any](ctx context.Context, p *provider, r *remembered[T], q question[T]) (T, error) {
	now := p.clock.Now()
	p.mu.Lock()
	value, enough := r.value, r.usable(now) && q.good(r.value)
	if enough && now.Sub(r.at) < q.fresh {
		p.mu.Unlock()
		return value, nil
	}
	p.mu.Unlock()
	done := p.flight.DoChan(q.name, func() (any, error) {
		p.mu.Lock()
		ask := r.mayAsk(now, q.every)
		failed := r.failed
		p.mu.Unlock()
		if !ask {
			return nil, failed
		}
		// One person who leaves must not fail the others who wait.
		v, err := q.fetch(context.WithoutCancel(ctx))
		p.mu.Lock()
		defer p.mu.Unlock()
		if r.failed = err; err == nil {
			r.value, r.has, r.at = v, true, now
		}
		return nil, err
	})
	var err error
	select {
	case result := <-done:
		err = result.Err
	case <-ctx.Done():
		return value, connection.Unavailable("oidc.recall", ctx.Err())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.usable(now) {
		return r.value, nil
	}
	if err == nil {
		err = errors.New("the provider was asked a moment ago")
	}
	if fault.Is(err, fault.Unprocessable) {
		return value, err
	}
	return value, connection.Unavailable("oidc."+q.name, err)
}

// metadata returns the discovery document of a connection's provider.
func (p *provider) metadata(ctx context.Context, c connection.Connection) (*metadata, error) {
	return recall(ctx, p, &p.document, question[*metadata]{
		name: "discovery", fresh: documentFresh, every: askDocument,
		good: func(*metadata) bool { return true },
		fetch: func(ctx context.Context) (*metadata, error) {
			address := c.IssuerURL
			if segment := c.Preset().DiscoverySegment; c.ManyDirectories() {
				if segment == "" {
					segment = "common"
				}
				address = c.IssuerOf(segment)
			}
			body, err := p.client.Get(ctx, strings.TrimSuffix(address, "/")+"/.well-known/openid-configuration", nil)
			if err != nil {
				return nil, err
			}
			return parseMetadata(body, c.IssuerURL)
		},
	})
}

// parseMetadata reads a discovery document. Its issuer must be the connection's, byte for byte,
// and its endpoints must be URLs that may be fetched.
func parseMetadata(body []byte, issuer string) (*metadata, error) {
	o, err := document.Parse(body)
	if err != nil {
		return nil, err
	}
	if o.String("issuer") != issuer {
		return nil, errors.New("the discovery document is another issuer's")
	}
	m := &metadata{
		authorization: o.String("authorization_endpoint"), token: o.String("token_endpoint"),
		userinfo: o.String("userinfo_endpoint"), keys: o.String("jwks_uri"),
		sendsIssuer: o.True("authorization_response_iss_parameter_supported"),
	}
	loopback := strings.HasPrefix(issuer, "http://")
	for i, address := range []string{m.authorization, m.token, m.keys, m.userinfo} {
		if i == 3 && address == "" {
			continue // the user-info endpoint is optional
		}
		if err := egress.CheckURL(address, loopback); err != nil {
			return nil, err
		}
	}
	m.authMethods, _ = o.Strings("token_endpoint_auth_methods_supported")
	offered, ok := o.Strings("id_token_signing_alg_values_supported")
	if !ok {
		offered = []string{"RS256"} // OpenID Connect Core 1.0 section 15.1
	}
	for _, a := range algorithms {
		if slices.Contains(offered, a) {
			m.algorithms = append(m.algorithms, a)
		}
	}
	if len(m.algorithms) == 0 {
		return nil, errors.New("the provider offers no signature algorithm that is accepted")
	}
	return m, nil
}
