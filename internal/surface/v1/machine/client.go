package machine

import (
	"context"
	"crypto/ed25519"
	"net/http"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/serviceclient"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Clients is what serviceclient.Service does with clients.
type Clients interface {
	Create(ctx context.Context, by actor.Actor, c serviceclient.Client) (serviceclient.Client, error)
	Get(ctx context.Context, account ident.AccountID, id ident.ServiceClientID) (serviceclient.Client, error)
	Update(ctx context.Context, by actor.Actor, c serviceclient.Client, allow func(before, after serviceclient.Options) error) (serviceclient.Client, error)
	Delete(ctx context.Context, by actor.Actor, id ident.ServiceClientID) error
	List(ctx context.Context, account ident.AccountID, q serviceclient.Query) ([]serviceclient.Client, ident.ServiceClientID, error)
}

// AccessKeys is what serviceclient.Service does with access keys.
type AccessKeys interface {
	CreateKey(ctx context.Context, by actor.Actor, id ident.ServiceClientID) (serviceclient.MadeKey, error)
	BringKey(ctx context.Context, by actor.Actor, id ident.ServiceClientID, public ed25519.PublicKey) (serviceclient.Key, error)
	DeleteKey(ctx context.Context, by actor.Actor, id ident.ServiceClientID, key ident.KeyID) error
}

func (s *Surface) clientRoutes() []web.Route {
	const one, key = "/v1/clients/{clientId}", "/v1/clients/{clientId}/access-keys"
	const read, update = "READ Authress:ServiceClients/{clientId}", "UPDATE Authress:ServiceClients/{clientId}"
	return []web.Route{
		s.api.Guarded(http.MethodPost, "/v1/clients", "CREATE Authress:ServiceClients", s.createClient),
		s.api.Guarded(http.MethodGet, "/v1/clients", "READ Authress:ServiceClients/*", s.listClients),
		s.api.Guarded(http.MethodGet, one, read, s.getClient),
		s.api.Guarded(http.MethodPut, one, update, s.updateClient),
		s.api.Guarded(http.MethodDelete, one, update, s.deleteClient),
		s.api.Guarded(http.MethodPost, key, update, s.createAccessKey),
		s.api.Guarded(http.MethodDelete, key+"/{keyId}", update, s.deleteAccessKey),
	}
}

type clientOptionsWire struct {
	GrantUserPermissionsAccess bool `json:"grantUserPermissionsAccess"`
	GrantTokenGeneration       bool `json:"grantTokenGeneration"`
}

type rateLimitWire struct {
	Duration string `json:"duration"`
	Quota    int    `json:"quota"`
}

type verificationKeyWire struct {
	KeyID          ident.KeyID           `json:"keyId"`
	ClientID       ident.ServiceClientID `json:"clientId"`
	PublicKey      string                `json:"publicKey"`
	GenerationDate string                `json:"generationDate"`
}

type clientWire struct {
	ClientID         ident.ServiceClientID `json:"clientId"`
	CreatedTime      string                `json:"createdTime"`
	Name             string                `json:"name,omitempty"`
	Options          clientOptionsWire     `json:"options"`
	RateLimits       []rateLimitWire       `json:"rateLimits"`
	VerificationKeys []verificationKeyWire `json:"verificationKeys"`
	Tags             map[string]string     `json:"tags,omitempty"`
	Links            *wire.Links           `json:"links,omitempty"`
}

// clientInput is what a caller may set. Ids, times and keys in the body are ignored.
type clientInput struct {
	Name       string            `json:"name"`
	Options    clientOptionsWire `json:"options"`
	RateLimits []rateLimitWire   `json:"rateLimits"`
	Tags       map[string]string `json:"tags"`
}

func (in *clientInput) client() serviceclient.Client {
	c := serviceclient.Client{Name: in.Name, Options: serviceclient.Options(in.Options), Tags: in.Tags}
	for _, l := range in.RateLimits {
		c.RateLimits = append(c.RateLimits, serviceclient.RateLimit(l))
	}
	return c
}

func keyWire(client ident.ServiceClientID, k serviceclient.Key) verificationKeyWire {
	return verificationKeyWire{KeyID: k.KeyID, ClientID: client, PublicKey: serviceclient.FormatPublicKey(k.PublicKey), GenerationDate: wire.Timestamp(k.CreatedAt)}
}

func (s *Surface) clientWire(r *http.Request, c serviceclient.Client) clientWire {
	out := clientWire{
		ClientID: c.ID, CreatedTime: wire.Timestamp(c.CreatedAt), Name: c.Name, Options: clientOptionsWire(c.Options), Tags: c.Tags,
		RateLimits: []rateLimitWire{}, VerificationKeys: []verificationKeyWire{}, Links: s.api.SelfLinks(r, "clients", string(c.ID)),
	}
	for _, l := range c.RateLimits {
		out.RateLimits = append(out.RateLimits, rateLimitWire(l))
	}
	for _, k := range c.Keys {
		out.VerificationKeys = append(out.VerificationKeys, keyWire(c.ID, k))
	}
	return out
}

// allowOptions judges the powers that a client gains: nobody gives what they may not give.
func (s *Surface) allowOptions(a actor.Actor, before, after serviceclient.Options) error {
	if after.GrantTokenGeneration && !before.GrantTokenGeneration {
		if err := s.d.Acting.AllowActingAsAnyone(a); err != nil {
			return err
		}
	}
	if after.GrantUserPermissionsAccess && !before.GrantUserPermissionsAccess {
		return s.d.Acting.AllowLasting(a, "READ", "Authress:UserPermissions/*")
	}
	return nil
}

func (s *Surface) createClient(w http.ResponseWriter, r *http.Request) error {
	var in clientInput
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	c, a := in.client(), web.ActorOf(r)
	if err := s.allowOptions(a, serviceclient.Options{}, c.Options); err != nil {
		return err
	}
	c, err := s.d.Clients.Create(r.Context(), a, c)
	if err != nil {
		return err
	}
	return web.JSON(w, wire.Created(r), s.clientWire(r, c))
}

func (s *Surface) getClient(w http.ResponseWriter, r *http.Request) error {
	c, err := s.d.Clients.Get(r.Context(), web.AccountOf(r), ident.ServiceClientID(r.PathValue("clientId")))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.clientWire(r, c))
}

func (s *Surface) updateClient(w http.ResponseWriter, r *http.Request) error {
	var in clientInput
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	c, a := in.client(), web.ActorOf(r)
	c.ID = ident.ServiceClientID(r.PathValue("clientId"))
	c, err := s.d.Clients.Update(r.Context(), a, c, func(before, after serviceclient.Options) error {
		return s.allowOptions(a, before, after)
	})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.clientWire(r, c))
}

func (s *Surface) deleteClient(w http.ResponseWriter, r *http.Request) error {
	if err := s.d.Clients.Delete(r.Context(), web.ActorOf(r), ident.ServiceClientID(r.PathValue("clientId"))); err != nil {
		return err
	}
	return wire.Done(w, r)
}

type clientsWire struct {
	Clients    []clientWire     `json:"clients"`
	Pagination *wire.Pagination `json:"pagination,omitempty"`
	Links      *wire.Links      `json:"links"`
}

func (s *Surface) listClients(w http.ResponseWriter, r *http.Request) error {
	p, err := s.api.ReadPage(r, r.URL.Query(), wire.PageLimits{Normal: serviceclient.DefaultLimit, Most: serviceclient.MaxLimit}, "/v1/clients")
	if err != nil {
		return err
	}
	list, next, err := s.d.Clients.List(r.Context(), web.AccountOf(r),
		serviceclient.Query{After: ident.ServiceClientID(p.After), Limit: p.Limit, Filter: p.Filter})
	if err != nil {
		return err
	}
	out := clientsWire{Clients: make([]clientWire, len(list))}
	for i, c := range list {
		out.Clients[i] = s.clientWire(r, c)
	}
	out.Links, out.Pagination = s.api.Finish(r, p, string(next))
	return web.JSON(w, http.StatusOK, out)
}

// accessKeyWire is an access key on its only way out. AccessKey and ClientSecret are empty for a brought key.
type accessKeyWire struct {
	verificationKeyWire
	AccessKey    string      `json:"accessKey,omitempty"`
	ClientSecret string      `json:"clientSecret,omitempty"`
	Links        *wire.Links `json:"links,omitempty"`
}

// createAccessKey makes a key, or keeps the public one that the caller brings. SDKs send an
// empty body for the first.
func (s *Surface) createAccessKey(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		PublicKey string `json:"publicKey"`
	}
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody, web.AllowEmpty); err != nil {
		return err
	}
	a, id := web.ActorOf(r), ident.ServiceClientID(r.PathValue("clientId"))
	client, err := s.d.Clients.Get(r.Context(), a.Account, id)
	if err != nil {
		return err
	}
	// A key is everything that its client has, options included.
	if err := s.d.Acting.AllowActing(a, string(id)); err != nil {
		return err
	}
	if a.ID != string(id) {
		if err := s.allowOptions(a, serviceclient.Options{}, client.Options); err != nil {
			return err
		}
	}
	var made serviceclient.MadeKey
	if in.PublicKey == "" {
		made, err = s.d.AccessKeys.CreateKey(r.Context(), a, id)
	} else {
		var public ed25519.PublicKey
		if public, err = serviceclient.ParsePublicKey(in.PublicKey); err == nil {
			made.Key, err = s.d.AccessKeys.BringKey(r.Context(), a, id, public)
		}
	}
	if err != nil {
		return err
	}
	return web.JSON(w, wire.Created(r), accessKeyWire{
		verificationKeyWire: keyWire(id, made.Key), AccessKey: made.AccessKey.Reveal(), ClientSecret: made.ClientSecret.Reveal(),
		Links: s.api.SelfLinks(r, "clients", string(id), "access-keys", string(made.KeyID)),
	})
}

func (s *Surface) deleteAccessKey(w http.ResponseWriter, r *http.Request) error {
	err := s.d.AccessKeys.DeleteKey(r.Context(), web.ActorOf(r), ident.ServiceClientID(r.PathValue("clientId")), ident.KeyID(r.PathValue("keyId")))
	if err != nil {
		return err
	}
	return wire.Done(w, r)
}
