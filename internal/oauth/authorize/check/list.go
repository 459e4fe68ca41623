package check

import (
	"context"

	"github.com/admit-id/admit/internal/oauth"
)

// Check is one row of the matrix.
type Check struct {
	Name     string
	Standard string
	Rule     string       // a sentence for the documentation
	Codes    []oauth.Code // that it refuses with
	run      func(ctx context.Context, t *Tools, r *Request) error
}

// List is the matrix in its order. The checks up to and including redirectURI refuse on a page of
// ours; the others tell the client.
func List() []Check {
	return []Check{
		once, client, pushed, object, redirectURI,
		responseMode, repeated, requiredPushed, requiredObject, responseType, grantType, pkce, scope, resource, details,
		claims, nonce, dpop, prompt, maxAge, acrValues, idTokenHint, loginHint, locales,
	}
}

// Run lets every check look at a request. After an error the result tells by Trusted, RedirectURI,
// Mode and State who is to hear of it, and how.
func Run(ctx context.Context, t *Tools, s Sent) (*Request, error) {
	r := &Request{Sent: s}
	for _, c := range List() {
		if err := c.run(ctx, t, r); err != nil {
			return r, err
		}
	}
	return r, nil
}
