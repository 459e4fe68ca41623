package app

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/extension"
	"github.com/admit-id/admit/internal/extension/extensiondb"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize"
	"github.com/admit-id/admit/internal/oauth/consent"
	"github.com/admit-id/admit/internal/oauth/device"
	"github.com/admit-id/admit/internal/oauth/introspection"
	"github.com/admit-id/admit/internal/oauth/logout"
	"github.com/admit-id/admit/internal/oauth/oauthdb"
	"github.com/admit-id/admit/internal/oauth/party"
	"github.com/admit-id/admit/internal/oauth/party/partydb"
	"github.com/admit-id/admit/internal/oauth/pipeline"
	"github.com/admit-id/admit/internal/oauth/remote"
	"github.com/admit-id/admit/internal/surface/oidc/back"
	"github.com/admit-id/admit/internal/token"
)

// oauthFeatures are the parts of the authorization server.
type oauthFeatures struct {
	parties  *party.Parties
	families *pipeline.Families
	pipeline *pipeline.Service
	reader   *introspection.Reader
	people   *introspection.People
	codes    oauthdb.Codes
	facts    *introspection.Service
	requests *authorize.Service
	consents *consent.Service
	devices  *device.Service
	logouts  *logout.Service
}

func (a *App) buildOAuth() {
	x, o := &a.f, &a.f.oauth
	o.parties = party.New(party.Deps{
		DB: a.db, Applications: x.applicationDirectory, Services: x.clientDirectory, Extensions: a.extensionOf, Documents: a.newDocuments(), Fit: a.fitClient,
		Assertions: partydb.Store{}, Remote: remote.New(a.outbound), Issuer: x.accountDirectory.Issuer, Clock: a.clock,
	})
	o.devices = a.newDevices()
	grants := oauthdb.NewGrants()
	o.codes = oauthdb.NewCodes()
	o.families = pipeline.NewFamilies(grants, x.sessions, a.keys)
	o.reader = introspection.NewReader(introspection.ReaderDeps{
		DB: a.db, Opaques: oauthdb.Opaques{}, Tokens: x.tokens, Ended: x.revocations, Issuer: x.accountDirectory.Issuer,
		Published: x.tokens.Published, Client: a.clientThere, Fresh: a.follower.Fresh, Clock: a.clock,
	})
	o.pipeline = pipeline.New(pipeline.Deps{
		DB: a.db, Parties: o.parties, Proofs: x.proofs, Users: x.users, People: o.people, Sessions: x.sessions, Opaques: oauthdb.Opaques{},
		Families: o.families, Signer: x.tokens, Encryption: a.clientEncryption, Issuer: x.accountDirectory.Issuer, Life: a.tokenLife,
		Grants: []pipeline.Grant{
			pipeline.CodeGrant{Codes: o.codes, Families: o.families},
			pipeline.RefreshGrant{Store: grants, Families: o.families},
			pipeline.DeviceGrant{Devices: o.devices},
			pipeline.ClientGrant{},
			pipeline.ExchangeGrant{Subjects: introspection.Subjects{Reader: o.reader}},
			pipeline.AssertionGrant{Keys: o.parties, Used: partydb.Store{}, Linked: token.LinkedBearers{Verifier: x.verifier}, Issuer: x.accountDirectory.Issuer, Clock: a.clock},
		},
	})
	o.facts = introspection.New(introspection.Deps{
		DB: a.db, Reader: o.reader, People: o.people, Parties: o.parties, Signer: x.tokens,
		Grants: oauthdb.Grants{}, Families: o.families, Ender: x.sessions,
	})
}

func (a *App) oauthSurface() *back.Surface {
	o := &a.f.oauth
	return back.New(back.Deps{Tokens: o.pipeline, Facts: o.facts, Reader: o.reader, Nonces: a.f.proofs, Issuer: a.f.accountDirectory.Issuer})
}

// extensionOf tells which application an extension stands for.
func (a *App) extensionOf(ctx context.Context, account ident.AccountID, id string) (ident.ApplicationID, bool, error) {
	found, err := newExtensions(a.db).Get(ctx, account, extension.ID(id))
	if fault.Is(err, fault.NotFound) {
		return "", false, nil
	}
	return found.Application, err == nil, err
}

// startAgain ends what a client has that is trusted less now, and what the extensions have that stand
// for the same application: it is not bound, or not allowed, as it would be today.
func (a *App) startAgain(ctx context.Context, t tx.Tx, e event.Event) error {
	clients := []string{e.Target}
	for q := (extension.Query{Limit: 100}); ; {
		page, err := extensiondb.Store{}.List(ctx, t, e.Account, q)
		if err != nil {
			return err
		}
		for _, one := range page {
			if string(one.Application) == e.Target {
				clients = append(clients, string(one.ID))
			}
			q.After = one.ID
		}
		if len(page) < q.Limit {
			break
		}
	}
	for _, client := range clients {
		if err := a.f.oauth.devices.EndClient(ctx, t, e.Account, client); err != nil {
			return err
		}
		if err := a.f.oauth.families.EndForClient(ctx, t, e.Actor, client); err != nil {
			return err
		}
	}
	return nil
}

// clientThere tells, from memory, whether a client of tokens is there and active. Extensions and
// metadata documents are not in memory: the end of their tokens is a cut.
func (a *App) clientThere(account ident.AccountID, id string) bool {
	switch {
	case strings.HasPrefix(id, "sc_"):
		return a.f.clientDirectory.Active(account, ident.ServiceClientID(id))
	case strings.HasPrefix(id, "ext_"), strings.HasPrefix(id, "https://"):
		return true
	}
	found, ok := a.f.applicationDirectory.Get(account, ident.ApplicationID(id))
	return ok && found.Active
}

// clientEncryption finds the key to which a client wants its ID tokens encrypted.
func (a *App) clientEncryption(ctx context.Context, c oauth.Client) (*jose.Encryption, error) {
	key, err := a.f.oauth.parties.EncryptionKey(ctx, c, c.Settings.IDTokenEncAlg)
	if err != nil {
		return nil, err
	}
	return &jose.Encryption{
		Algorithm: c.Settings.IDTokenEncAlg, Method: c.Settings.IDTokenEncEnc,
		Key: jose.PublicJWK{KeyID: key.ID, Algorithm: key.Algorithm, Use: "enc", Key: key.Public},
	}, nil
}
