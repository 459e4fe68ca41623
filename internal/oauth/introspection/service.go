package introspection

import (
	"context"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/party"
	"github.com/admit-id/admit/internal/oauth/pipeline"
	"github.com/admit-id/admit/internal/token"
)

// Parties authenticates clients and finds them. *party.Parties does.
type Parties interface {
	oauth.Clients
	Authenticate(ctx context.Context, account ident.AccountID, r party.Presented) (oauth.Client, error)
}

// Signer signs answers, from memory. *token.Service does.
type Signer interface {
	Response(ctx context.Context, p token.ResponseParams) (secret.Text, error)
}

// Deps is what a Service works with.
type Deps struct {
	DB       tx.Runner
	Reader   *Reader
	People   *People
	Parties  Parties
	Signer   Signer
	Grants   oauth.Grants
	Families *pipeline.Families
	Ender    pipeline.Ender
}

// Service answers what tokens say.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// Request is a question about a token, or its end, by a client.
type Request struct {
	Actor     actor.Actor // anonymous, in the account; for the audit trail
	Presented party.Presented
}

func (r Request) account() ident.AccountID { return r.Actor.Account }

func (r Request) token() (string, error) {
	text := r.Presented.Form.Get("token")
	if text == "" {
		return "", oauth.Fail(oauth.InvalidRequest, "token is missing.")
	}
	return text, nil
}
