package authorize

import (
	"context"
	"net/url"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize/check"
)

// PushRequest is a pushed authorization request whose client has proved itself.
type PushRequest struct {
	Account ident.AccountID
	Client  oauth.Client
	Form    url.Values // no parameter twice but resource, none empty
	JKT     string     // of the DPoP proof that came with it, or empty
}

// Reference is the answer to a pushed request.
type Reference struct {
	URI  string
	Life time.Duration
}

// credentials are parameters that prove the client and are no part of the request.
var credentials = []string{"client_secret", "client_assertion", "client_assertion_type"}

// Push takes a request from its client, lets all checks look at it, and keeps it for one use
// (RFC 9126). Errors are *oauth.Error, or faults.
func (s *Service) Push(ctx context.Context, p PushRequest) (Reference, error) {
	params := url.Values{}
	for name, list := range p.Form {
		params[name] = list
	}
	for _, name := range credentials {
		params.Del(name)
	}
	if !params.Has("client_id") { // the client has said who it is by authenticating
		params.Set("client_id", p.Client.ID)
	}
	r, err := check.Run(ctx, &s.d.Tools, check.Sent{Account: p.Account, Stage: check.Push, Params: params, Client: p.Client})
	if err != nil {
		return Reference{}, err
	}
	if p.JKT != "" {
		if r.JKT != "" && r.JKT != p.JKT {
			return Reference{}, oauth.Fail(oauth.InvalidDPoPProof, "dpop_jkt is another key than that of the DPoP proof (RFC 9449 section 10.1).")
		}
		r.Params.Set("dpop_jkt", p.JKT)
	}
	uri := check.URN + secret.Random("").Reveal()
	err = s.d.DB.Write(ctx, tx.In(p.Account), func(ctx context.Context, t tx.Tx) error {
		return s.d.Store.InsertPushed(ctx, t, Pushed{
			Account: p.Account, Hash: pushedHash(uri), Client: p.Client.ID, Params: r.Params, Signed: r.Signed, ExpiresAt: t.Now().Add(oauth.PushedLife),
		})
	})
	return Reference{URI: uri, Life: oauth.PushedLife}, err
}

// takePushed uses a pushed request of a client up.
func (s *Service) takePushed(ctx context.Context, account ident.AccountID, client, uri string) (found check.Pushed, err error) {
	err = s.d.DB.Write(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		p, err := s.d.Store.TakePushed(ctx, t, account, client, pushedHash(uri))
		found = check.Pushed{Params: p.Params, Signed: p.Signed}
		return err
	})
	return found, err
}

func pushedHash(uri string) []byte { return secret.Hash(pushedPurpose, uri) }
