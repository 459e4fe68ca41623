package grant

import (
	"context"
	"net/http"
	"time"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/invite"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Invites is what invite.Service does.
type Invites interface {
	Create(ctx context.Context, a actor.Actor, i invite.Invite) (invite.Invite, secret.Text, error)
	Get(ctx context.Context, a actor.Actor, id secret.Text) (invite.Invite, error)
	Accept(ctx context.Context, a actor.Actor, id secret.Text) error
	Delete(ctx context.Context, a actor.Actor, id secret.Text) error
}

// Accounts is what account.Service tells of an account.
type Accounts interface {
	Get(ctx context.Context, id ident.AccountID) (account.Account, error)
}

func (s *Surface) inviteRoutes() []web.Route {
	route := func(method, pattern, needs string, h web.Handler) web.Route {
		return web.Route{Method: method, Pattern: pattern, Permission: needs, Handler: h, Auth: web.Bearer,
			Scope: web.Account, Limit: web.LimitNone, CORS: web.RegisteredOrigins, MaxBody: maxRecordBody}
	}
	const one = "/v1/invites/{inviteId}"
	return []web.Route{
		route(http.MethodPost, "/v1/invites", "GRANT and DELEGATE of all that the invite gives; CREATE Authress:Invites for one without "+
			"statements, with linkedUserId or with expiryTime", s.createInvite),
		route(http.MethodGet, one, "READ Authress:Invites, or to have made it", s.getInvite),
		route(http.MethodPatch, one, "self; what it gives is judged for whoever made it", s.acceptInvite),
		route(http.MethodDelete, one, "UPDATE Authress:Invites, or to have made it", s.deleteInvite),
	}
}

type inviteWire struct {
	InviteID   string          `json:"inviteId"`
	LinkedUser ident.UserID    `json:"linkedUserId,omitempty"`
	Tenant     ident.TenantID  `json:"defaultLoginTenantId,omitempty"`
	Statements []statementWire `json:"statements"`
	Strategy   invite.Strategy `json:"conflictResolutionStrategy"`
	Expires    string          `json:"expiryTime"`
	Links      *wire.Links     `json:"links"`
}

// inviteInput is what callers may set. tenantId is how older SDKs write defaultLoginTenantId.
type inviteInput struct {
	LinkedUser ident.UserID    `json:"linkedUserId"`
	Tenant     ident.TenantID  `json:"defaultLoginTenantId"`
	OldTenant  ident.TenantID  `json:"tenantId"`
	Statements []statementWire `json:"statements"`
	Strategy   invite.Strategy `json:"conflictResolutionStrategy"`
	Expires    string          `json:"expiryTime"`
}

func (in *inviteInput) invite() (invite.Invite, error) {
	out := invite.Invite{LinkedUser: in.LinkedUser, Tenant: in.Tenant, Strategy: in.Strategy, Statements: statements(in.Statements)}
	if out.Tenant == "" {
		out.Tenant = in.OldTenant
	}
	if in.Expires == "" {
		return out, nil
	}
	var err error
	if out.ExpiresAt, err = time.Parse(time.RFC3339Nano, in.Expires); err != nil {
		return out, fault.New(fault.Invalid, fault.CodeInvalidRequest, "expiryTime is a time such as 2030-01-31T12:00:00Z.")
	}
	return out, nil
}

func (s *Surface) inviteWire(r *http.Request, id string, i invite.Invite) inviteWire {
	return inviteWire{InviteID: id, LinkedUser: i.LinkedUser, Tenant: i.Tenant, Statements: statementWires(i.Statements), Strategy: i.Strategy,
		Expires: wire.Timestamp(i.ExpiresAt), Links: s.api.SelfLinks(r, "invites", id)}
}

// inviteID reads the path. It is a secret: nothing prints it.
func inviteID(r *http.Request) (secret.Text, error) {
	id := r.PathValue("inviteId")
	if len(id) > invite.MaxID {
		return secret.Text{}, fault.New(fault.Invalid, fault.CodeInvalidRequest, "An inviteId has at most 256 characters.")
	}
	return secret.New(id), nil
}

func (s *Surface) createInvite(w http.ResponseWriter, r *http.Request) error {
	var in inviteInput
	if err := web.DecodeJSON(r, &in, maxRecordBody); err != nil {
		return err
	}
	i, err := in.invite()
	if err != nil {
		return err
	}
	i, id, err := s.d.Invites.Create(r.Context(), web.ActorOf(r), i)
	if err != nil {
		return err
	}
	return web.JSON(w, wire.Created(r), s.inviteWire(r, id.Reveal(), i))
}

func (s *Surface) getInvite(w http.ResponseWriter, r *http.Request) error {
	id, err := inviteID(r)
	if err != nil {
		return err
	}
	i, err := s.d.Invites.Get(r.Context(), web.ActorOf(r), id)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.inviteWire(r, id.Reveal(), i))
}

// acceptedWire is an account: SDKs read the answer to an acceptance as one.
type acceptedWire struct {
	AccountID   ident.AccountID `json:"accountId"`
	CreatedTime string          `json:"createdTime"`
	Name        string          `json:"name"`
	Company     struct {
		Name string `json:"name"`
	} `json:"company"`
	Links *wire.Links `json:"links"`
}

func (s *Surface) acceptInvite(w http.ResponseWriter, r *http.Request) error {
	id, err := inviteID(r)
	if err != nil {
		return err
	}
	if err := s.d.Invites.Accept(r.Context(), web.ActorOf(r), id); err != nil {
		return err
	}
	a, err := s.d.Accounts.Get(r.Context(), web.AccountOf(r))
	if err != nil {
		return err
	}
	out := acceptedWire{AccountID: a.ID, CreatedTime: wire.Timestamp(a.CreatedAt), Name: a.Name, Links: s.api.SelfLinks(r, "accounts", string(a.ID))}
	out.Company.Name = a.Name
	return web.JSON(w, http.StatusOK, out)
}

func (s *Surface) deleteInvite(w http.ResponseWriter, r *http.Request) error {
	id, err := inviteID(r)
	if err != nil {
		return err
	}
	if err := s.d.Invites.Delete(r.Context(), web.ActorOf(r), id); err != nil {
		return err
	}
	return wire.Done(w, r)
}
