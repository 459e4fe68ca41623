package v1

import (
	"context"
	"net/http"

	"github.com/admit-id/admit/internal/issuer"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// LinkedIssuers is what issuer.Service does.
type LinkedIssuers interface {
	Link(ctx context.Context, by actor.Actor, in issuer.Input) (issuer.Issuer, error)
	Unlink(ctx context.Context, by actor.Actor, id issuer.ID) error
	List(ctx context.Context, account ident.AccountID) ([]issuer.Issuer, error)
}

func (s *Surface) identityRoutes() []web.Route {
	return []web.Route{
		s.api.Guarded(http.MethodGet, "/v1/identities", "READ Authress:Configuration", s.listIdentities),
		s.api.Guarded(http.MethodPost, "/v1/identities", "UPDATE Authress:Configuration", s.linkIdentity),
		s.api.Guarded(http.MethodDelete, "/v1/identities/{identityId}", "UPDATE Authress:Configuration", s.unlinkIdentity),
	}
}

type identityWire struct {
	Issuer     string `json:"issuer"`
	Audience   string `json:"audience"`
	Expression string `json:"userIdExpression"`

	// Of Admit: what to delete it by, and what the ids of its people begin with.
	IdentityID   issuer.ID `json:"identityId"`
	UserIDPrefix string    `json:"userIdPrefix"`
	CreatedTime  string    `json:"createdTime"`
}

func newIdentityWire(i issuer.Issuer) identityWire {
	return identityWire{
		Issuer: i.URL, Audience: i.Audience, Expression: i.Expression,
		IdentityID: i.ID, UserIDPrefix: i.Namespace() + "|", CreatedTime: wire.Timestamp(i.CreatedAt),
	}
}

// linkIdentity makes the account believe a foreign issuer about who its people are. What such a
// person will be given later, the issuer has, so it takes the right to give everything (I-14).
func (s *Surface) linkIdentity(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		JWT        string `json:"jwt"`
		Issuer     string `json:"issuer"`
		Audience   string `json:"preferredAudience"`
		Expression string `json:"userIdExpression"`
	}
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	if err := s.d.Acting.AllowActingAsAnyone(web.ActorOf(r)); err != nil {
		return err
	}
	i, err := s.d.LinkedIssuers.Link(r.Context(), web.ActorOf(r), issuer.Input{
		Issuer: in.Issuer, Audience: in.Audience, Expression: in.Expression, Token: secret.New(in.JWT),
	})
	if err != nil {
		return err
	}
	return web.JSON(w, wire.Created(r), newIdentityWire(i))
}

func (s *Surface) unlinkIdentity(w http.ResponseWriter, r *http.Request) error {
	if err := s.d.LinkedIssuers.Unlink(r.Context(), web.ActorOf(r), issuer.ID(r.PathValue("identityId"))); err != nil {
		return err
	}
	return wire.Done(w, r)
}

// listIdentities answers all at once: there are no pages in the SDKs, and at most 100.
func (s *Surface) listIdentities(w http.ResponseWriter, r *http.Request) error {
	list, err := s.d.LinkedIssuers.List(r.Context(), web.AccountOf(r))
	if err != nil {
		return err
	}
	out := struct {
		Identities []identityWire `json:"identities"`
		Links      *wire.Links    `json:"links"`
	}{make([]identityWire, len(list)), s.api.SelfLinks(r, "identities")}
	for i, one := range list {
		out.Identities[i] = newIdentityWire(one)
	}
	return web.JSON(w, http.StatusOK, out)
}
