package oidc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/admit-id/admit/internal/connection/document"
	"github.com/admit-id/admit/internal/connection/oauth2"
	"github.com/admit-id/admit/internal/kit/egress"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

const (
	maxBearer  = 16 << 10        // bytes of a token that somebody sends
	bearerWait = 5 * time.Second // how long a caller waits for an issuer's keys
)

// bearerTypes are the types of tokens that are good at an API. Many issuers say JWT of
// everything, and some nothing; what is left out are types that say they are something else.
var bearerTypes = []string{"", "jwt", "at+jwt", "application/at+jwt"}

// Bearers checks the signatures of tokens that issuers made without a trip of ours: a
// machine's, or a person's at another system. It remembers discovery documents and key sets as
// Upstream does, and asks for them as seldom.
type Bearers struct{ providers providers }

// NewBearers returns an empty memory of issuers.
func NewBearers(d oauth2.Deps) *Bearers {
	return &Bearers{providers{client: oauth2.NewClient(d), clock: d.Clock}}
}

// Claims returns what a token says that a key of the issuer has signed. Issuer, audience and
// times are the caller's to check. The caller has decided to trust the issuer: nothing in the
// token says where keys are. Errors: a fault of kind Unavailable when the keys cannot be had
// now, otherwise the token is no good.
func (b *Bearers) Claims(ctx context.Context, account ident.AccountID, issuer, raw string) (document.Object, error) {
	header, err := readHeader(raw, maxBearer)
	if err != nil {
		return nil, err
	}
	algorithm, kid := header.String("alg"), header.String("kid")
	switch {
	case !slices.Contains(algorithms, algorithm):
		return nil, errors.New("the token's algorithm is not accepted")
	case kid == "":
		return nil, errors.New("the token names no key")
	case header.Has("typ") && !slices.Contains(bearerTypes[1:], strings.ToLower(header.String("typ"))):
		return nil, errors.New("the token is of another type")
	}
	ctx, cancel := context.WithTimeout(ctx, bearerWait)
	defer cancel()
	p := b.providers.at(providerKey{account: account, issuer: issuer})
	m, err := p.keysOnly(ctx, issuer)
	if err != nil {
		return nil, unknowable(err)
	}
	k, err := p.key(ctx, m, kid, algorithm)
	if errors.Is(err, errNoKey) {
		return nil, err
	}
	if err != nil {
		return nil, unknowable(err)
	}
	jws, err := jose.ParseSignedCompact(raw, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(algorithm)})
	if err != nil {
		return nil, err
	}
	payload, err := jws.Verify(k.public)
	if err != nil {
		return nil, err
	}
	return document.Parse(payload)
}

// unknowable says that a token cannot be judged, whatever was wrong with the issuer.
func unknowable(err error) error {
	return fault.New(fault.Unavailable, fault.CodeUnavailable, "The issuer of this token cannot be asked for its keys now.").With(err)
}

// keysOnly returns what the issuer's discovery document says of its keys. Issuers that serve
// machines only have no other endpoints.
func (p *provider) keysOnly(ctx context.Context, issuer string) (*metadata, error) {
	return recall(ctx, p, &p.document, question[*metadata]{
		name: "discovery", fresh: documentFresh, every: askDocument,
		good: func(*metadata) bool { return true },
		fetch: func(ctx context.Context) (*metadata, error) {
			body, err := p.client.Get(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", nil)
			if err != nil {
				return nil, err
			}
			o, err := document.Parse(body)
			if err != nil {
				return nil, err
			}
			if o.String("issuer") != issuer {
				return nil, errors.New("the discovery document is another issuer's")
			}
			keys := o.String("jwks_uri")
			if err := egress.CheckURL(keys, strings.HasPrefix(issuer, "http://")); err != nil {
				return nil, fmt.Errorf("jwks_uri: %w", err)
			}
			return &metadata{keys: keys}, nil
		},
	})
}
