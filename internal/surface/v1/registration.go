package v1

import (
	"context"
	"net/http"
	"time"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth/registration"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// RegistrationTokens is what registration.Service does with initial access tokens.
type RegistrationTokens interface {
	CreateToken(ctx context.Context, by actor.Actor, uses int, expires time.Time) (registration.InitialToken, secret.Text, error)
	DeleteToken(ctx context.Context, by actor.Actor, id string) error
	ListTokens(ctx context.Context, account ident.AccountID) ([]registration.InitialToken, error)
}

func (s *Surface) registrationRoutes() []web.Route {
	const list = "/v1/accounts/{accountId}/registration-tokens"
	const update = "UPDATE Authress:Accounts/{accountId}"
	return []web.Route{
		s.api.Guarded(http.MethodPost, list, update, s.createRegistrationToken),
		s.api.Guarded(http.MethodGet, list, update, s.listRegistrationTokens),
		s.api.Guarded(http.MethodDelete, list+"/{tokenId}", update, s.deleteRegistrationToken),
	}
}

// accountOAuthWire is what an account allows OAuth clients that it did not make itself.
type accountOAuthWire struct {
	Registration  *string   `json:"dynamicRegistration,omitempty"` // off, token or open
	DocumentHosts *[]string `json:"clientMetadataHosts,omitempty"`
	Scopes        *[]string `json:"thirdPartyScopes,omitempty"`
	Resources     *[]string `json:"thirdPartyResources,omitempty"`
}

func newAccountOAuthWire(o account.OAuthSettings) *accountOAuthWire {
	mode := string(o.Registration)
	if o.Registration == account.RegistrationOff {
		mode = "off"
	}
	list := func(of []string) *[]string {
		if of == nil {
			of = []string{}
		}
		return &of
	}
	return &accountOAuthWire{&mode, list(o.DocumentHosts), list(o.Scopes), list(o.Resources)}
}

// onto puts what is there over the settings.
func (in *accountOAuthWire) onto(o *account.OAuthSettings) {
	if in == nil {
		return
	}
	if in.Registration != nil {
		if o.Registration = account.Registration(*in.Registration); *in.Registration == "off" {
			o.Registration = account.RegistrationOff
		}
	}
	wire.Set(&o.DocumentHosts, in.DocumentHosts)
	wire.Set(&o.Scopes, in.Scopes)
	wire.Set(&o.Resources, in.Resources)
}

type registrationTokenWire struct {
	TokenID     string `json:"tokenId"`
	Uses        int    `json:"uses"`
	CreatedTime string `json:"createdTime"`
	ExpiresTime string `json:"expiresTime"`
	Token       string `json:"token,omitempty"`
}

func newRegistrationTokenWire(k registration.InitialToken) registrationTokenWire {
	return registrationTokenWire{TokenID: k.ID, Uses: k.Uses, CreatedTime: wire.Timestamp(k.CreatedAt), ExpiresTime: wire.Timestamp(k.ExpiresAt)}
}

// createRegistrationToken answers with the one look at a new token.
func (s *Surface) createRegistrationToken(w http.ResponseWriter, r *http.Request) error {
	if _, err := ownAccount(r); err != nil {
		return err
	}
	in := struct {
		Uses        int    `json:"uses"`
		ExpiresTime string `json:"expiresTime"`
	}{Uses: 1}
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	expires, err := time.Parse(time.RFC3339Nano, in.ExpiresTime)
	if err != nil {
		return fault.New(fault.Invalid, fault.CodeInvalidRequest, "expiresTime is a time as in 2030-12-31T00:00:00Z.")
	}
	k, value, err := s.d.RegistrationTokens.CreateToken(r.Context(), web.ActorOf(r), in.Uses, expires.UTC())
	if err != nil {
		return err
	}
	out := newRegistrationTokenWire(k)
	out.Token = value.Reveal()
	return web.JSON(w, wire.Created(r), out)
}

func (s *Surface) listRegistrationTokens(w http.ResponseWriter, r *http.Request) error {
	id, err := ownAccount(r)
	if err != nil {
		return err
	}
	list, err := s.d.RegistrationTokens.ListTokens(r.Context(), id)
	if err != nil {
		return err
	}
	out := struct {
		Tokens []registrationTokenWire `json:"registrationTokens"`
		Links  *wire.Links             `json:"links"`
	}{make([]registrationTokenWire, len(list)), s.api.SelfLinks(r, "accounts", string(id), "registration-tokens")}
	for i, k := range list {
		out.Tokens[i] = newRegistrationTokenWire(k)
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *Surface) deleteRegistrationToken(w http.ResponseWriter, r *http.Request) error {
	if _, err := ownAccount(r); err != nil {
		return err
	}
	if err := s.d.RegistrationTokens.DeleteToken(r.Context(), web.ActorOf(r), r.PathValue("tokenId")); err != nil {
		return err
	}
	return wire.Done(w, r)
}
