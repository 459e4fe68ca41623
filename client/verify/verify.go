package verify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// KeySetPath is where an issuer's key set is, below the issuer.
const KeySetPath = "/.well-known/openid-configuration/jwks"

// AllKeysPath is where the set of all of an issuer's keys is, of every algorithm.
const AllKeysPath = "/.well-known/jwks.json"

// Leeway is how far the clocks of the issuer and of this machine may be apart: how long
// after exp a token is still taken, and how far nbf and iat may lie ahead.
const Leeway = 10 * time.Second

// Config says which tokens an API takes. Issuer and one of Audience and InsecureAnyAudience
// are required.
type Config struct {
	// Issuer is the URL of the Admit account, exactly as its tokens name it in iss: https
	// (http only for localhost), no trailing slash. It is also where the keys come from.
	Issuer string
	// Audience must be among the token's aud. It is the account's id, "acc_default" on a
	// server with one account, or an audience that your applications ask for.
	Audience string
	// InsecureAnyAudience takes tokens made for any audience of the issuer.
	InsecureAnyAudience bool

	// Algorithms are those that tokens may be signed with: of EdDSA, ES256, RS256 and PS256. Nil means
	// EdDSA only, which is what Admit signs with unless an application asks for another. The key decides
	// which of them a token must have. With any but EdDSA the keys come from AllKeysPath.
	Algorithms []string

	// Keys replaces the issuer's key set. Nil means the key set.
	Keys KeySource
	// HTTPClient fetches the key set. Redirects are never followed. Nil means a client of
	// this package's own.
	HTTPClient *http.Client
	// Revocations is what the issuer tells of ended sessions, people and tokens. Nil means that a token is
	// taken until it expires.
	Revocations *Revocations
	// Now tells the time. Nil means time.Now.
	Now func() time.Time
}

// Verifier checks access tokens of one issuer. It is safe for concurrent use and keeps the
// issuer's keys, so make one and keep it.
type Verifier struct {
	issuer, audience string
	algorithms       []string
	keys             finder
	now              func() time.Time
	revocations      *Revocations
}

// New checks the configuration and returns a verifier. It does not use the network; keys
// are fetched when the first token comes.
func New(c Config) (*Verifier, error) {
	if err := checkIssuer(c.Issuer); err != nil {
		return nil, err
	}
	if (c.Audience == "") != c.InsecureAnyAudience {
		return nil, errors.New("verify: give either an Audience or InsecureAnyAudience")
	}
	v := &Verifier{issuer: c.Issuer, audience: c.Audience, algorithms: onlyEdDSA, now: c.Now, revocations: c.Revocations}
	if c.Revocations != nil && c.Revocations.issuer != c.Issuer {
		return nil, errors.New("verify: the revocations are of another issuer")
	}
	if v.now == nil {
		v.now = time.Now
	}
	path := KeySetPath
	if len(c.Algorithms) > 0 && !slices.Equal(c.Algorithms, onlyEdDSA) {
		for _, a := range c.Algorithms {
			if !slices.Contains([]string{Algorithm, ES256, RS256, PS256}, a) {
				return nil, errors.New("verify: the algorithms are EdDSA, ES256, RS256 and PS256")
			}
		}
		v.algorithms, path = slices.Clone(c.Algorithms), AllKeysPath
	}
	switch {
	case c.Keys == nil:
		v.keys = &remoteKeys{url: c.Issuer + path, client: fetcher(c.HTTPClient), now: v.now, algorithms: v.algorithms}
	case path != KeySetPath:
		return nil, errors.New("verify: Keys is for EdDSA only")
	default:
		v.keys = own{c.Keys}
	}
	return v, nil
}

// Issuer returns the issuer whose tokens are taken.
func (v *Verifier) Issuer() string { return v.issuer }

// Verify checks token, the text after "Bearer ", and returns its claims. The error says what
// is wrong (ErrExpired, ErrSignature, ...), for the log; tell the caller no more than that
// the token is not valid. ErrKeysUnavailable is not the token's fault: answer 503.
//
// A token that is bound to a key or a certificate is refused with ErrBound: whoever checks that too
// calls VerifyBound, as RequireToken of package middleware does.
func (v *Verifier) Verify(ctx context.Context, token string) (Claims, error) {
	c, err := v.VerifyBound(ctx, token)
	if err == nil && c.Confirmation.Bound() {
		return Claims{}, ErrBound
	}
	return c, err
}

// VerifyBound is Verify for those who check what the token is bound to: the claims are worth
// nothing before the request has proved their Confirmation.
func (v *Verifier) VerifyBound(ctx context.Context, token string) (Claims, error) {
	t, err := parse(token, v.algorithms)
	if err != nil {
		return Claims{}, err
	}
	if t.Type() != TypeAccessToken {
		return Claims{}, ErrType
	}
	key, err := v.keys.find(ctx, t.KeyID())
	if err != nil {
		return Claims{}, err
	}
	c, err := t.claims(key)
	if err != nil {
		return Claims{}, err
	}
	if c.Issuer != v.issuer {
		return Claims{}, ErrIssuer
	}
	if v.audience != "" && !c.HasAudience(v.audience) {
		return Claims{}, ErrAudience
	}
	if err := c.ValidAt(v.now(), Leeway, Leeway); err != nil {
		return Claims{}, err
	}
	if v.revocations != nil {
		if err := v.revocations.Check(c); err != nil {
			return Claims{}, err
		}
	}
	return c, nil
}

func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil {
		return fmt.Errorf("verify: the issuer is not a URL: %w", err)
	}
	switch {
	case u.Host == "" || u.Opaque != "" || u.User != nil || strings.ContainsAny(issuer, "?#"):
		return errors.New("verify: the issuer must be a URL of scheme, host and path only")
	case strings.HasSuffix(issuer, "/"):
		return errors.New("verify: the issuer must not end with a slash")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return errors.New("verify: the issuer must be https; http is for localhost only")
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// fetcher returns a client that follows no redirect and gives up in time. The caller's own
// client is copied, not changed.
func fetcher(own *http.Client) *http.Client {
	c := http.Client{}
	if own != nil {
		c = *own
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.Timeout == 0 || c.Timeout > fetchTime {
		c.Timeout = fetchTime
	}
	c.Jar = nil
	return &c
}
