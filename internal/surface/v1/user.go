package v1

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
	"github.com/admit-id/admit/internal/user"
)

// Users is what user.Service does for administrators.
type Users interface {
	Get(ctx context.Context, account ident.AccountID, id ident.UserID) (user.User, error)
	List(ctx context.Context, account ident.AccountID, q user.Query) ([]user.User, ident.UserID, error)
	ListAmong(ctx context.Context, account ident.AccountID, q user.Query, members user.Members) ([]user.User, ident.UserID, error)
	Delete(ctx context.Context, by actor.Actor, id ident.UserID) error
	SetClaims(ctx context.Context, by actor.Actor, id ident.UserID, c user.Claims) (user.User, error)
}

// Tokens ends single tokens of people; session.Service does.
type Tokens interface {
	DisableToken(ctx context.Context, a actor.Actor, user ident.UserID, token string) error
}

// TenantMembers knows who belongs to a tenant; tenant.Service does.
type TenantMembers interface {
	Members(ctx context.Context, account ident.AccountID, id ident.TenantID, after ident.UserID, limit int) ([]ident.UserID, error)
}

func (s *Surface) userRoutes() []web.Route {
	const one = "/v1/users/{userId}"
	return []web.Route{
		s.api.Guarded(http.MethodGet, "/v1/users", "READ Authress:Users/*", s.listUsers),
		{Method: http.MethodGet, Pattern: one, Permission: "READ Authress:Users/{userId} or self", Handler: s.getUser, Auth: web.Bearer,
			Scope: web.Account, Limit: web.LimitNone, CORS: web.RegisteredOrigins},
		// Published SDKs send the first, their documentation names the second.
		s.api.Guarded(http.MethodPut, one, "UPDATE Authress:Users/{userId}", s.configureTokens),
		s.api.Guarded(http.MethodPut, one+"/token-configuration", "UPDATE Authress:Users/{userId}", s.configureTokens),
		s.api.Guarded(http.MethodDelete, one, "UPDATE Authress:Users/{userId}", s.deleteUser),
		{Method: http.MethodDelete, Pattern: one + "/tokens/{tokenId}", Permission: "UPDATE Authress:Users/{userId} or self", Handler: s.disableToken,
			Auth: web.Bearer, Scope: web.Account, Limit: web.LimitNone, CORS: web.RegisteredOrigins},
	}
}

type userWire struct {
	UserID           ident.UserID         `json:"userId"`
	Name             string               `json:"name,omitempty"`
	Email            string               `json:"email,omitempty"`
	Picture          string               `json:"picture,omitempty"`
	CreatedTime      string               `json:"createdTime,omitempty"`
	LinkedIdentities []linkedIdentityWire `json:"linkedIdentities"`

	TokenConfiguration tokenConfigurationWire `json:"tokenConfiguration"`

	Links *wire.Links `json:"links,omitempty"`
}

type tokenConfigurationWire struct {
	DefaultClaims defaultClaimsWire `json:"defaultClaims"`
}

type defaultClaimsWire struct {
	AccessToken json.RawMessage `json:"defaultAccessTokenClaims"`
	Identity    json.RawMessage `json:"defaultUserIdentityClaims"`
}

func defaultClaims(c user.Claims) defaultClaimsWire {
	out := defaultClaimsWire{c.Access, c.Identity}
	for _, claims := range []*json.RawMessage{&out.AccessToken, &out.Identity} {
		if len(*claims) == 0 {
			*claims = json.RawMessage("{}")
		}
	}
	return out
}

type linkedIdentityWire struct {
	Connection linkedConnectionWire `json:"connection"`
}

type linkedConnectionWire struct {
	ConnectionID ident.ConnectionID `json:"connectionId"`
	UserID       string             `json:"userId"` // as the connection names the person
}

func (s *Surface) userWire(r *http.Request, u user.User) userWire {
	out := userWire{UserID: u.ID, Name: u.Name, Email: u.Email, Picture: u.Picture, CreatedTime: wire.Timestamp(u.CreatedAt),
		TokenConfiguration: tokenConfigurationWire{defaultClaims(u.Claims)}, LinkedIdentities: make([]linkedIdentityWire, len(u.Identities)), Links: s.api.SelfLinks(r, "users", string(u.ID))}
	for i, linked := range u.Identities {
		out.LinkedIdentities[i].Connection = linkedConnectionWire{linked.Connection, linked.Subject}
	}
	return out
}

func (s *Surface) getUser(w http.ResponseWriter, r *http.Request) error {
	a, id := web.ActorOf(r), ident.UserID(r.PathValue("userId"))
	if err := s.allowSelfOr(a, "READ", id); err != nil {
		return err
	}
	u, err := s.d.Users.Get(r.Context(), a.Account, id)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.userWire(r, u))
}

// allowSelfOr judges a caller who may be the person or somebody who may do that to people.
func (s *Surface) allowSelfOr(a actor.Actor, action string, id ident.UserID) error {
	if a.Kind == actor.User && a.ID == string(id) {
		return nil
	}
	return s.d.Guard.Allow(a, action, access.System("Users", string(id)))
}

// disableToken ends one access token. It tells nobody whether there was such a token. Nobody keeps
// a list of whom a linked issuer names.
func (s *Surface) disableToken(w http.ResponseWriter, r *http.Request) error {
	a, id := web.ActorOf(r), ident.UserID(r.PathValue("userId"))
	if err := s.allowSelfOr(a, "UPDATE", id); err != nil {
		return err
	}
	if !user.Foreign(id) {
		if _, err := s.d.Users.Get(r.Context(), a.Account, id); err != nil {
			return err
		}
	}
	if err := s.d.Tokens.DisableToken(r.Context(), a, id, r.PathValue("tokenId")); err != nil {
		return err
	}
	return wire.Done(w, r)
}

// configureTokens sets what the person's tokens carry. What the body leaves out is emptied, as
// with every PUT.
func (s *Surface) configureTokens(w http.ResponseWriter, r *http.Request) error {
	var in tokenConfigurationWire
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	u, err := s.d.Users.SetClaims(r.Context(), web.ActorOf(r), ident.UserID(r.PathValue("userId")),
		user.Claims{Access: in.DefaultClaims.AccessToken, Identity: in.DefaultClaims.Identity})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.userWire(r, u))
}

// deleteUser answers 202 as the contract says, though the person is gone when it answers.
func (s *Surface) deleteUser(w http.ResponseWriter, r *http.Request) error {
	if err := s.d.Users.Delete(r.Context(), web.ActorOf(r), ident.UserID(r.PathValue("userId"))); err != nil {
		return err
	}
	return web.JSONBytes(w, http.StatusAccepted, []byte("{}"))
}

// usersOf lists everybody, or a tenant's people.
func (s *Surface) usersOf(ctx context.Context, account ident.AccountID, q user.Query, tenant ident.TenantID) ([]user.User, ident.UserID, error) {
	if tenant == "" {
		return s.d.Users.List(ctx, account, q)
	}
	return s.d.Users.ListAmong(ctx, account, q, func(ctx context.Context, after ident.UserID, limit int) ([]ident.UserID, error) {
		return s.d.TenantMembers.Members(ctx, account, tenant, after, limit)
	})
}

type usersWire struct {
	Users      []userWire       `json:"users"`
	Pagination *wire.Pagination `json:"pagination,omitempty"`
	Links      *wire.Links      `json:"links"`
}

func (s *Surface) listUsers(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	tenant := ident.TenantID(wire.Value(query, "tenantId"))
	p, err := s.api.ReadPage(r, query, wire.PageLimits{Normal: user.DefaultLimit, Most: user.MaxLimit}, "/v1/users", "tenantId", string(tenant))
	if err != nil {
		return err
	}
	q := user.Query{After: ident.UserID(p.After), Limit: p.Limit, Filter: p.Filter}
	list, next, err := s.usersOf(r.Context(), web.AccountOf(r), q, tenant)
	if err != nil {
		return err
	}
	out := usersWire{Users: make([]userWire, len(list))}
	for i, u := range list {
		out.Users[i] = s.userWire(r, u)
	}
	out.Links, out.Pagination = s.api.Finish(r, p, string(next))
	return web.JSON(w, http.StatusOK, out)
}
