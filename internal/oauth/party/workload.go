package party

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/jwks"
	"github.com/admit-id/admit/internal/oauth"
)

// workloadLife is how long a workload's token may be valid from now.
const workloadLife = 24 * time.Hour

// workloadAlgorithms are what the platforms sign with; ES384 is that of AWS.
var workloadAlgorithms = append(slices.Clone(Algorithms), "ES384")

// workloadTypes are those of the platforms' tokens; JOSE is that of SPIFFE.
var workloadTypes = []string{"", "jwt", "jose"}

// workload judges a token that somebody else has made for the client: its platform. It may be used
// again until it expires, because platforms hand out one for many minutes; RFC 7523 leaves that open.
func (p *Parties) workload(ctx context.Context, c oauth.Client, text string) error {
	t, err := parse(text, workloadAlgorithms, workloadTypes)
	if err != nil {
		return errUnknown.With(err)
	}
	said := t.peek()
	for _, w := range c.Settings.Workloads {
		if w.Subject != said.Text("sub") || !issuedBy(w, said) {
			continue
		}
		return p.workloadOf(ctx, c, w, t)
	}
	return errUnknown.With(errors.New("no such workload stands for the client"))
}

func (p *Parties) workloadOf(ctx context.Context, c oauth.Client, w application.Workload, t compact) error {
	set, err := p.workloadKeys(ctx, c, w, func(s *jwks.Set) bool {
		_, ok := s.Verifier(t.kid, t.alg)
		return ok
	})
	if err != nil {
		return refused(err)
	}
	claims, err := t.verify(set)
	if err != nil {
		return errUnknown.With(err)
	}
	audience := w.Audience
	if audience == "" {
		audience = p.d.Issuer(c.Account)
	}
	switch {
	case !issuedBy(w, claims) || claims.Text("sub") != w.Subject:
		return errUnknown.With(errors.New("iss or sub are not the workload's"))
	case audience == "" || claims.Sole("aud") != audience:
		return oauth.Fail(oauth.InvalidClient, "The workload's token must have exactly the registered audience in aud.")
	}
	if _, err := claims.within(p.now(), workloadLife); err != nil {
		return oauth.Fail(oauth.InvalidClient, "The workload's token needs an exp within the next day.").With(err)
	}
	return nil
}

// issuedBy compares the issuer. SPIFFE tokens need not name one: there the trust domain is in sub.
func issuedBy(w application.Workload, c Claims) bool {
	if strings.HasPrefix(w.Issuer, application.SPIFFE) && !c.Has("iss") {
		return strings.HasPrefix(c.Text("sub"), w.Issuer+"/")
	}
	return c.Text("iss") == w.Issuer
}

func (p *Parties) workloadKeys(ctx context.Context, c oauth.Client, w application.Workload, good func(*jwks.Set) bool) (*jwks.Set, error) {
	if len(w.JWKS) > 0 {
		return p.keys.inline(w.JWKS)
	}
	address := w.JWKSURI
	if address == "" {
		var err error
		if address, err = p.keys.of(ctx, c.Account, w.Issuer); err != nil {
			return nil, err
		}
	}
	return p.keys.at(ctx, c.Account, address, good)
}
