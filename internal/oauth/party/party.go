package party

import (
	"context"
	"crypto/x509"
	"net/netip"
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/serviceclient"
)

// Presented is what a request to an endpoint says about its client. Form has no parameter twice
// and none from the query; the surface has seen to that.
type Presented struct {
	Form          url.Values
	Authorization []string // the values of the header
	// Certificate is the one that the caller has proved to hold in the TLS handshake, or that a
	// trusted proxy passes on. Trusted tells whether a configured authority vouches for it.
	Certificate *x509.Certificate
	Trusted     bool
	Endpoint    string      // absolute URL of the endpoint, which assertions may name as audience
	Address     netip.Addr  // of the caller, for the limit on guesses
	By          actor.Actor // of the request, for the audit trail
}

// Applications is application.Directory.
type Applications interface {
	Get(account ident.AccountID, id ident.ApplicationID) (application.Application, bool)
}

// Services is serviceclient.Directory.
type Services interface {
	Keys(account ident.AccountID, id ident.ServiceClientID) ([]serviceclient.Key, bool)
}

// Documents resolves client ids that are URLs of metadata documents. It may fetch.
type Documents interface {
	Client(ctx context.Context, account ident.AccountID, id string) (oauth.Client, error)
}

// Extensions tells which application an extension's id means.
type Extensions func(ctx context.Context, account ident.AccountID, id string) (ident.ApplicationID, bool, error)

// errUnknown is the one answer to a client that is not there and to a proof that is none (I-23).
var errUnknown = oauth.Fail(oauth.InvalidClient, "There is no such client here, or it has not proved itself in its registered way.")

// Client implements oauth.Clients. It proves nothing.
func (p *Parties) Client(ctx context.Context, account ident.AccountID, id string) (oauth.Client, error) {
	switch {
	case strings.HasPrefix(id, "app_"):
		return p.application(account, id, ident.ApplicationID(id))
	case strings.HasPrefix(id, "sc_"):
		if _, ok := p.d.Services.Keys(account, ident.ServiceClientID(id)); !ok {
			return oauth.Client{}, errUnknown
		}
		return service(account, id), nil
	case strings.HasPrefix(id, "ext_"):
		app, ok, err := p.d.Extensions(ctx, account, id)
		if err != nil {
			return oauth.Client{}, err
		}
		if !ok {
			return oauth.Client{}, errUnknown
		}
		return p.application(account, id, app)
	case strings.HasPrefix(id, "https://"):
		return p.d.Documents.Client(ctx, account, id)
	}
	return oauth.Client{}, errUnknown
}

func (p *Parties) application(account ident.AccountID, id string, app ident.ApplicationID) (oauth.Client, error) {
	a, ok := p.d.Applications.Get(account, app)
	if !ok || !a.Active {
		return oauth.Client{}, errUnknown
	}
	c := oauth.Client{
		Account: account, ID: id, Kind: oauth.Application, Application: app, Name: a.Name,
		RedirectURIs: a.RedirectURLs, Settings: a.OAuth.Filled(),
	}
	if a.OAuth.Registered != "" {
		c = p.d.Fit(c)
	}
	if id != string(app) { // an extension is always somebody else's product
		c.Settings.ThirdParty = true
	}
	return c, nil
}

// service is what a service client may: get tokens for itself. Its ways to prove itself are its
// access keys (private_key_jwt) and, where one was made with the key, a secret.
func service(account ident.AccountID, id string) oauth.Client {
	return oauth.Client{
		Account: account, ID: id, Kind: oauth.Service, Name: id,
		Settings: application.OAuth{
			AuthMethod: application.AuthPrivateKeyJWT, GrantTypes: []string{application.GrantClientCredentials},
		}.Filled(),
	}
}
