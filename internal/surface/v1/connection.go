package v1

import (
	"context"
	"net/http"
	"time"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Connections is what connection.Service does.
type Connections interface {
	Create(ctx context.Context, a actor.Actor, in connection.Input) (connection.Connection, error)
	Get(ctx context.Context, account ident.AccountID, id ident.ConnectionID) (connection.Connection, error)
	Put(ctx context.Context, a actor.Actor, in connection.Input) (connection.Connection, bool, error)
	Delete(ctx context.Context, a actor.Actor, id ident.ConnectionID) error
	List(ctx context.Context, account ident.AccountID, q connection.Query) ([]connection.Connection, bool, error)
}

func (s *Surface) connectionRoutes() []web.Route {
	return []web.Route{
		s.api.Guarded(http.MethodPost, "/v1/connections", "CREATE Authress:Connections", s.createConnection),
		s.api.Guarded(http.MethodGet, "/v1/connections", "READ Authress:Connections/*", s.listConnections),
		// Some SDKs write a slash at the end.
		s.api.Guarded(http.MethodGet, "/v1/connections/{$}", "READ Authress:Connections/*", s.listConnections),
		s.api.Guarded(http.MethodGet, oneConnection, "READ Authress:Connections/{connectionId}", s.getConnection),
		s.api.Guarded(http.MethodPut, oneConnection, "UPDATE Authress:Connections/{connectionId}", s.putConnection),
		s.api.Guarded(http.MethodDelete, oneConnection, "UPDATE Authress:Connections/{connectionId}", s.deleteConnection),
	}
}

const oneConnection = "/v1/connections/{connectionId}"

func (s *Surface) createConnection(w http.ResponseWriter, r *http.Request) error {
	var body connectionWire
	if err := web.DecodeJSON(r, &body, web.DefaultMaxBody); err != nil {
		return err
	}
	in, err := body.input()
	if err != nil {
		return err
	}
	in.AllowTrust = s.allowTrust(r)
	c, err := s.d.Connections.Create(r.Context(), web.ActorOf(r), in)
	if err != nil {
		return err
	}
	return web.JSON(w, wire.Created(r), s.connectionWire(r, c))
}

// allowTrust judges whether the caller may say whom the account believes about who people are.
func (s *Surface) allowTrust(r *http.Request) func() error {
	return func() error { return s.d.Acting.AllowActingAsAnyone(web.ActorOf(r)) }
}

func (s *Surface) getConnection(w http.ResponseWriter, r *http.Request) error {
	c, err := s.d.Connections.Get(r.Context(), web.AccountOf(r), ident.ConnectionID(r.PathValue("connectionId")))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.connectionWire(r, c))
}

// putConnection answers 200 also when it makes the connection: the SDKs use PUT for both.
func (s *Surface) putConnection(w http.ResponseWriter, r *http.Request) error {
	var body connectionWire
	err := web.DecodeJSON(r, &body, web.DefaultMaxBody)
	if err != nil {
		return err
	}
	if body.ID, err = wire.SameID(ident.ConnectionID(r.PathValue("connectionId")), body.ID); err != nil {
		return err
	}
	in, err := body.input()
	if err != nil {
		return err
	}
	in.AllowTrust = s.allowTrust(r)
	c, _, err := s.d.Connections.Put(r.Context(), web.ActorOf(r), in)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.connectionWire(r, c))
}

func (s *Surface) deleteConnection(w http.ResponseWriter, r *http.Request) error {
	err := s.d.Connections.Delete(r.Context(), web.ActorOf(r), ident.ConnectionID(r.PathValue("connectionId")))
	if err != nil {
		return err
	}
	return wire.Done(w, r)
}

type connectionsWire struct {
	Connections []connectionWire `json:"connections"`
	Pagination  *wire.Pagination `json:"pagination,omitempty"`
	Links       *wire.Links      `json:"links"`
}

func (s *Surface) listConnections(w http.ResponseWriter, r *http.Request) error {
	p, err := s.api.ReadPage(r, r.URL.Query(), wire.PageLimits{Normal: connection.MaxPage, Most: connection.MaxPage}, "/v1/connections")
	if err != nil {
		return err
	}
	list, more, err := s.d.Connections.List(r.Context(), web.AccountOf(r),
		connection.Query{After: ident.ConnectionID(p.After), Limit: p.Limit, Filter: p.Filter})
	if err != nil {
		return err
	}
	out, ids := connectionsWire{Connections: make([]connectionWire, len(list))}, make([]ident.ConnectionID, len(list))
	for i, c := range list {
		out.Connections[i], ids[i] = s.connectionWire(r, c), c.ID
	}
	out.Links, out.Pagination = s.api.Finish(r, p, wire.NextAfter(ids, more))
	return web.JSON(w, http.StatusOK, out)
}

// connectionWire is a connection in both directions. clientSecret only comes in.
type connectionWire struct {
	ID                ident.ConnectionID `json:"connectionId,omitempty"`
	Type              connection.Type    `json:"type,omitempty"`
	Provider          string             `json:"provider,omitempty"` // of Admit: a preset
	IssuerURL         string             `json:"issuerUrl,omitempty"`
	AuthenticationURL string             `json:"authenticationUrl,omitempty"`
	TokenURL          string             `json:"tokenUrl,omitempty"`
	Certificate       string             `json:"providerCertificate,omitempty"`
	ClientID          string             `json:"clientId,omitempty"`
	SecretID          string             `json:"clientSecretId,omitempty"`
	Secret            string             `json:"clientSecret,omitempty"`
	Directories       []string           `json:"allowedDirectories,omitempty"` // of Admit
	EmailDomains      []string           `json:"emailDomains,omitempty"`       // of Admit

	Data       connectionData       `json:"data"`
	Properties map[string]string    `json:"defaultConnectionProperties,omitempty"`
	UserData   *userDataWire        `json:"userDataConfiguration,omitempty"`
	Conditions *connectionCondition `json:"conditions,omitempty"`
	Tenants    *assignmentWire      `json:"tenantConfiguration,omitempty"`
	Linking    *linkingWire         `json:"linkingConfiguration,omitempty"`
	Tags       map[string]string    `json:"tags,omitempty"`

	Active      *bool       `json:"isActiveConnection,omitempty"`
	CreatedTime string      `json:"createdTime,omitempty"`
	LastUpdated string      `json:"lastUpdated,omitempty"`
	Links       *wire.Links `json:"links,omitempty"`
}

type connectionData struct {
	Name               string `json:"name,omitempty"`
	DeveloperAccountID string `json:"developerAccountId,omitempty"`
	ContentType        string `json:"supportedContentType,omitempty"`
	UserEndpointURL    string `json:"oidcUserEndpointUrl,omitempty"`
	UserIDExpression   string `json:"userIdExpression,omitempty"`
	TrustUserID        bool   `json:"trustIdentityUserId,omitempty"`
}

type userDataWire struct {
	Location string `json:"location,omitempty"`
}

type connectionCondition struct {
	RequireBusinessAccount bool           `json:"requireBusinessAccount,omitempty"`
	Leeway                 *wire.Duration `json:"authenticationLeewayDuration,omitempty"`
}

type assignmentWire struct {
	Type string `json:"assignmentType,omitempty"`
}

type linkingWire struct {
	Type string `json:"type,omitempty"`
}

// input reads what the caller wrote. What Admit cannot do is refused, not forgotten.
func (c *connectionWire) input() (connection.Input, error) {
	in := connection.Input{ID: c.ID, Secret: secret.New(c.Secret), Active: c.Active, Spec: connection.Spec{
		Type: c.Type, Provider: c.Provider, Name: c.Data.Name, IssuerURL: c.IssuerURL, Directories: c.Directories,
		AuthenticationURL: c.AuthenticationURL, TokenURL: c.TokenURL, UserEndpointURL: c.Data.UserEndpointURL,
		ClientID: c.ClientID, SecretID: c.SecretID, DeveloperAccountID: c.Data.DeveloperAccountID,
		ContentType: c.Data.ContentType, UserIDExpression: c.Data.UserIDExpression, EmailDomains: c.EmailDomains, Tags: c.Tags,
	}}
	for name, value := range c.Properties {
		if name == "scope" {
			in.Scope = value
			continue
		}
		if in.Properties == nil {
			in.Properties = map[string]string{}
		}
		in.Properties[name] = value
	}
	if c.UserData != nil {
		in.UserDataLocation = c.UserData.Location
	}
	if c.Tenants != nil {
		in.Assignment = c.Tenants.Type
	}
	if c.Linking != nil {
		in.Linking = c.Linking.Type
	}
	if c.Conditions != nil {
		if c.Conditions.Leeway != nil {
			in.Leeway = time.Duration(*c.Conditions.Leeway)
		}
		if c.Conditions.RequireBusinessAccount {
			return in, refuseMember("conditions.requireBusinessAccount")
		}
	}
	if c.Data.TrustUserID {
		return in, refuseMember("data.trustIdentityUserId")
	}
	if c.Certificate != "" {
		return in, refuseMember("providerCertificate")
	}
	return in, nil
}

func refuseMember(name string) error {
	return fault.Newf(fault.Unprocessable, fault.CodeInvalidRequest, "%s is not available; leave it out.", name)
}

func (s *Surface) connectionWire(r *http.Request, c connection.Connection) connectionWire {
	out := connectionWire{
		ID: c.ID, Type: c.Type, Provider: c.Provider, IssuerURL: c.IssuerURL, AuthenticationURL: c.AuthenticationURL, TokenURL: c.TokenURL,
		ClientID: c.ClientID, SecretID: c.SecretID, Directories: c.Directories, EmailDomains: c.EmailDomains, Tags: c.Tags, Active: &c.Active,
		Data: connectionData{Name: c.Name, DeveloperAccountID: c.DeveloperAccountID, ContentType: c.ContentType,
			UserEndpointURL: c.UserEndpointURL, UserIDExpression: c.UserIDExpression},
		CreatedTime: wire.Timestamp(c.CreatedAt), LastUpdated: wire.Timestamp(c.UpdatedAt), Links: s.api.SelfLinks(r, "connections", string(c.ID)),
	}
	if c.Scope != "" || len(c.Properties) > 0 {
		out.Properties = map[string]string{}
		for name, value := range c.Properties {
			out.Properties[name] = value
		}
		if c.Scope != "" {
			out.Properties["scope"] = c.Scope
		}
	}
	if c.UserDataLocation != "" {
		out.UserData = &userDataWire{c.UserDataLocation}
	}
	if c.Leeway > 0 {
		leeway := wire.Duration(c.Leeway)
		out.Conditions = &connectionCondition{Leeway: &leeway}
	}
	if c.Assignment != "" {
		out.Tenants = &assignmentWire{c.Assignment}
	}
	if c.Linking != "" {
		out.Linking = &linkingWire{c.Linking}
	}
	return out
}
