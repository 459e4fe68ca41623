package party

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/egress"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jwks"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/remote"
)

// Remote fetches what clients publish; remote.Client does.
type Remote interface {
	// Get returns the body of a JSON document of at most limit bytes.
	Get(ctx context.Context, address string, limit int64) ([]byte, error)
}

// How long what a host said is good for, and how often it is asked.
const (
	keysFresh  = 10 * time.Minute // then a key set is asked for again
	placeFresh = time.Hour        // then a discovery document is
	staleLimit = 24 * time.Hour   // how long an old answer serves while there is no new one
	askKeys    = time.Minute      // a host is asked this seldom, besides the first times
)

// maxKeySet is how large a key set or a discovery document may be, in bytes.
const maxKeySet = 256 << 10

// VerifySigned returns the claims of a token that a client has signed with a key that it registered: a
// request object (RFC 9101). Algorithms is what is taken, types the values of the header's typ in lower
// case, with "" for none. Who the token is from, to whom, and its times are the caller's to check.
// Errors: a fault of kind Unavailable when the keys cannot be had now; otherwise the token is no good.
// It may fetch, and so must not be called inside a unit of work.
func (p *Parties) VerifySigned(ctx context.Context, c oauth.Client, text string, algorithms, types []string) (Claims, error) {
	if c.Kind == oauth.Service {
		return nil, errNoKey
	}
	t, err := parse(text, algorithms, types)
	if err != nil {
		return nil, err
	}
	return p.verify(ctx, c, t)
}

// EncryptionKey returns the client's key for an algorithm of RFC 7518 section 4, such as RSA-OAEP-256.
// It may fetch, as VerifySigned.
func (p *Parties) EncryptionKey(ctx context.Context, c oauth.Client, algorithm string) (jwks.Key, error) {
	set, err := p.registered(ctx, c, func(s *jwks.Set) bool {
		_, ok := s.Encrypter(algorithm)
		return ok
	})
	if err != nil {
		return jwks.Key{}, err
	}
	k, ok := set.Encrypter(algorithm)
	if !ok {
		return jwks.Key{}, errNoKey
	}
	return k, nil
}

// registered returns the keys of a client, fetching them when they are at an address and those that
// are remembered will not do.
func (p *Parties) registered(ctx context.Context, c oauth.Client, good func(*jwks.Set) bool) (*jwks.Set, error) {
	switch {
	case len(c.Settings.JWKS) > 0:
		return p.keys.inline(c.Settings.JWKS)
	case c.Settings.JWKSURI != "":
		return p.keys.at(ctx, c.Account, c.Settings.JWKSURI, good)
	}
	return nil, errNoKey
}

// keyCache remembers key sets, and where issuers say that theirs are.
type keyCache struct {
	remote Remote
	clock  clock.Clock
	sets   remote.Memory[*jwks.Set]
	places remote.Memory[string]

	mu     sync.Mutex
	parsed map[[sha256.Size]byte]*jwks.Set // of keys that stand in settings
}

// maxParsed is how many key sets of settings are remembered; beyond, all are forgotten.
const maxParsed = 1024

// inline reads a key set that stands in a client's settings. The same text gives the same set, whosever it is.
func (k *keyCache) inline(text []byte) (*jwks.Set, error) {
	sum := sha256.Sum256(text)
	k.mu.Lock()
	found := k.parsed[sum]
	k.mu.Unlock()
	if found != nil {
		return found, nil
	}
	found, err := jwks.Parse(text)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.parsed == nil || len(k.parsed) >= maxParsed {
		k.parsed = map[[sha256.Size]byte]*jwks.Set{}
	}
	k.parsed[sum] = found
	return found, nil
}

// at returns the key set at an address.
func (k *keyCache) at(ctx context.Context, account ident.AccountID, address string, good func(*jwks.Set) bool) (*jwks.Set, error) {
	set, err := k.sets.Recall(ctx, remote.Question[*jwks.Set]{
		Place: remote.Place{Account: account, Address: address}, Clock: k.clock, Every: askKeys, Good: good, Stale: staleLimit,
		Fresh: func(*jwks.Set) time.Duration { return keysFresh },
		Fetch: func(ctx context.Context) (*jwks.Set, error) {
			body, err := k.remote.Get(ctx, address, maxKeySet)
			if err != nil {
				return nil, err
			}
			return jwks.Parse(body)
		},
	})
	if err != nil {
		return nil, fault.New(fault.Unavailable, fault.CodeUnavailable, "The keys of this client cannot be had now.").With(err)
	}
	return set, nil
}

// of returns the address of an issuer's keys, by its discovery document.
func (k *keyCache) of(ctx context.Context, account ident.AccountID, issuer string) (string, error) {
	address, err := k.places.Recall(ctx, remote.Question[string]{
		Place: remote.Place{Account: account, Address: issuer}, Clock: k.clock, Every: askKeys, Stale: staleLimit,
		Fresh: func(string) time.Duration { return placeFresh },
		Fetch: func(ctx context.Context) (string, error) {
			body, err := k.remote.Get(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", maxKeySet)
			if err != nil {
				return "", err
			}
			o, err := object(body)
			if err != nil {
				return "", err
			}
			if o.Text("issuer") != issuer {
				return "", errors.New("the discovery document is another issuer's")
			}
			return o.Text("jwks_uri"), egress.CheckURL(o.Text("jwks_uri"), strings.HasPrefix(issuer, "http://"))
		},
	})
	if err != nil {
		return "", fault.New(fault.Unavailable, fault.CodeUnavailable, "The issuer of this assertion cannot be asked for its keys now.").With(err)
	}
	return address, nil
}
