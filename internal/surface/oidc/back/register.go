package back

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"net/netip"
	"strings"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/registration"
	"github.com/admit-id/admit/internal/surface/oidc/wire"
)

// Registrar registers clients. *registration.Service does.
type Registrar interface {
	Register(ctx context.Context, by actor.Actor, from netip.Addr, bearer string, m registration.Metadata) (registration.Registered, error)
	Read(ctx context.Context, account ident.AccountID, id ident.ApplicationID, bearer string) (registration.Registered, error)
	Update(ctx context.Context, by actor.Actor, id ident.ApplicationID, bearer string, m registration.Metadata) (registration.Registered, error)
	Delete(ctx context.Context, by actor.Actor, id ident.ApplicationID, bearer string) error
}

// Registration answers the registration endpoint (RFC 7591) and the configuration endpoint of each
// client that has registered there (RFC 7592).
type Registration struct{ registrar Registrar }

// NewRegistration makes it.
func NewRegistration(r Registrar) *Registration { return &Registration{r} }

// maxMetadata is how large metadata may be, in bytes; a key set is the largest member.
const maxMetadata = 64 << 10

// Routes are the endpoints. What they compare are secrets of 256 bits.
func (g *Registration) Routes() []web.Route {
	const one = registration.Path + "/{clientId}"
	route := func(method, path string, h web.Handler) web.Route {
		return web.Route{Method: method, Pattern: path, Auth: web.Public, Scope: web.Account, Limit: web.LimitGuess,
			CORS: web.NoCORS, Handler: h, Errors: wire.Error, MaxBody: maxMetadata}
	}
	return []web.Route{
		route(http.MethodPost, registration.Path, g.register),
		route(http.MethodGet, one, g.read),
		route(http.MethodPut, one, g.update),
		route(http.MethodDelete, one, g.remove),
	}
}

// registeredWire is the client information response (RFC 7591 section 3.2.1, RFC 7592 section 3).
type registeredWire struct {
	ClientID      string `json:"client_id"`
	IssuedAt      int64  `json:"client_id_issued_at"`
	Secret        string `json:"client_secret,omitempty"`
	SecretExpires *int64 `json:"client_secret_expires_at,omitempty"` // 0: it does not end
	AccessToken   string `json:"registration_access_token"`
	Configuration string `json:"registration_client_uri"`
	registration.Metadata
}

func sendRegistered(w http.ResponseWriter, status int, r registration.Registered) error {
	out := registeredWire{
		ClientID: r.ClientID, IssuedAt: r.IssuedAt.Unix(), Secret: r.Secret.Reveal(), AccessToken: r.AccessToken.Reveal(),
		Configuration: r.Configuration, Metadata: r.Metadata,
	}
	if !r.Secret.Empty() {
		out.SecretExpires = new(int64)
	}
	wire.NoStore(w.Header())
	return web.JSON(w, status, out)
}

func (g *Registration) register(w http.ResponseWriter, r *http.Request) error {
	var m registration.Metadata
	if err := metadata(r, &m); err != nil {
		return err
	}
	bearer, err := bearerOf(r, false)
	if err != nil {
		return err
	}
	made, err := g.registrar.Register(r.Context(), web.ActorOf(r), web.ClientAddress(r), bearer, m)
	if err != nil {
		return err
	}
	return sendRegistered(w, http.StatusCreated, made)
}

func (g *Registration) read(w http.ResponseWriter, r *http.Request) error {
	bearer, err := bearerOf(r, true)
	if err != nil {
		return err
	}
	found, err := g.registrar.Read(r.Context(), web.AccountOf(r), clientOf(r), bearer)
	if err != nil {
		return err
	}
	return sendRegistered(w, http.StatusOK, found)
}

func (g *Registration) update(w http.ResponseWriter, r *http.Request) error {
	bearer, err := bearerOf(r, true)
	if err != nil {
		return err
	}
	var in struct {
		ClientID string `json:"client_id"`
		registration.Metadata
	}
	if err := metadata(r, &in); err != nil {
		return err
	}
	if in.ClientID != string(clientOf(r)) {
		return oauth.Fail(oauth.InvalidClientMetadata, "client_id must be the client's own, as in the address.")
	}
	now, err := g.registrar.Update(r.Context(), web.ActorOf(r), clientOf(r), bearer, in.Metadata)
	if err != nil {
		return err
	}
	return sendRegistered(w, http.StatusOK, now)
}

func (g *Registration) remove(w http.ResponseWriter, r *http.Request) error {
	bearer, err := bearerOf(r, true)
	if err != nil {
		return err
	}
	if err := g.registrar.Delete(r.Context(), web.ActorOf(r), clientOf(r), bearer); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func clientOf(r *http.Request) ident.ApplicationID {
	return ident.ApplicationID(web.PathValue(r, "clientId"))
}

// metadata reads a JSON body of exactly that type, which no page of another origin can send unasked.
func metadata(r *http.Request, into any) error {
	types := r.Header.Values("Content-Type")
	if len(types) != 1 {
		return errMetadataType
	}
	if kind, _, err := mime.ParseMediaType(types[0]); err != nil || kind != "application/json" {
		return errMetadataType
	}
	err := web.DecodeJSON(r, into, maxMetadata)
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind == fault.Invalid {
		return oauth.Fail(oauth.InvalidClientMetadata, "The body is not client metadata: one JSON object, each member once and of its type.").With(err)
	}
	return err
}

var (
	errMetadataType = oauth.Fail(oauth.InvalidClientMetadata, "The body must be application/json.")
	errBearer       = oauth.Fail(oauth.InvalidToken, "The token is missing, unknown, expired or used up.")
)

// bearerOf reads the token of these endpoints, which is none of ours that open anything else.
func bearerOf(r *http.Request, needed bool) (string, error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 && !needed {
		return "", nil
	}
	if len(values) != 1 {
		return "", errBearer
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", errBearer
	}
	return token, nil
}
