package back

import (
	"context"
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize/check"
	"github.com/admit-id/admit/internal/oauth/device"
	"github.com/admit-id/admit/internal/oauth/dpop"
	"github.com/admit-id/admit/internal/oauth/party"
	"github.com/admit-id/admit/internal/surface/oidc/wire"
)

// PathDevice is the device authorization endpoint.
const PathDevice = "/oauth/device"

// DeviceDeps is what the device authorization endpoint works with.
type DeviceDeps struct {
	// Clients is party.Parties.
	Clients interface {
		Authenticate(ctx context.Context, account ident.AccountID, p party.Presented) (oauth.Client, error)
	}
	// Proofs is dpop.Service.
	Proofs interface {
		Check(ctx context.Context, account ident.AccountID, r dpop.Request, w dpop.Want) (jkt string, err error)
		Nonce(account ident.AccountID, kind dpop.Kind) string
	}
	// Devices is device.Service.
	Devices interface {
		Start(ctx context.Context, by actor.Actor, r device.Request) (device.Started, error)
	}
	Issuer func(ident.AccountID) string
}

// Device answers the device authorization endpoint (RFC 8628 section 3.1).
type Device struct{ d DeviceDeps }

// NewDevice makes it.
func NewDevice(d DeviceDeps) *Device { return &Device{d} }

// Routes is the endpoint.
func (s *Device) Routes() []web.Route {
	return []web.Route{{
		Method: http.MethodPost, Pattern: PathDevice, Auth: web.Public, Scope: web.Account, Limit: web.LimitLogin, CORS: web.RegisteredOrigins,
		Handler: s.start, Errors: wire.Error, MaxBody: wire.MaxForm,
	}}
}

// deviceBody is the answer of RFC 8628 section 3.2.
type deviceBody struct {
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code"`
	URI        string `json:"verification_uri"`
	Complete   string `json:"verification_uri_complete"`
	ExpiresIn  int64  `json:"expires_in"`
	Interval   int64  `json:"interval"`
}

func (s *Device) start(w http.ResponseWriter, r *http.Request) error {
	wire.NoStore(w.Header())
	form, err := wire.Form(r, "resource")
	if err != nil {
		return err
	}
	account := web.AccountOf(r)
	issuer := s.d.Issuer(account)
	c, err := s.d.Clients.Authenticate(r.Context(), account, wire.Presented(r, form, issuer+PathDevice))
	if err != nil {
		return err
	}
	jkt, err := s.d.Proofs.Check(r.Context(), account, wire.Proof(r), dpop.Want{})
	if len(r.Header.Values("Dpop")) > 0 {
		w.Header().Set("DPoP-Nonce", s.d.Proofs.Nonce(account, dpop.ForServer))
	}
	if err != nil {
		return err
	}
	want, err := check.Want(r.Context(), c, form)
	if err != nil {
		return err
	}
	started, err := s.d.Devices.Start(r.Context(), web.ActorOf(r), device.Request{
		Client: c, Scopes: want.Scopes, Resources: want.Resources, Details: want.Details, JKT: jkt,
		Challenge: form.Get("code_challenge"), ChallengeMethod: form.Get("code_challenge_method"),
	})
	if err != nil {
		return err
	}
	page := issuer + "/device"
	return web.JSON(w, http.StatusOK, deviceBody{
		DeviceCode: started.DeviceCode.Reveal(), UserCode: started.UserCode, URI: page,
		Complete: page + "?" + url.Values{"user_code": {started.UserCode}}.Encode(), ExpiresIn: int64(started.Expires.Seconds()), Interval: int64(started.Interval.Seconds()),
	})
}
