package loginapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/holding"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/strictjson"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login/link"
	"github.com/admit-id/admit/internal/session"
)

// Devices are what a person has to prove themselves with. *holding.Service knows.
type Devices interface {
	Of(ctx context.Context, account ident.AccountID, user ident.UserID) (holding.Kept, error)
	ImportPasskey(ctx context.Context, o holding.Owner, f passkey.Foreign) (passkey.Registered, error)
	ImportTOTP(ctx context.Context, o holding.Owner, name string, seed secret.Text, code string) (totp.Device, factor.Result, error)
	RemovePasskey(ctx context.Context, o holding.Owner, id string) error
	RemoveTOTP(ctx context.Context, o holding.Owner, id string) error
}

// SessionByID finds the session that a token names. *self.Sessions does.
type SessionByID interface {
	ByID(ctx context.Context, account ident.AccountID, id ident.SessionID) (session.Session, error)
}

func (s *Surface) deviceRoutes() []web.Route {
	route := func(method, pattern string, limit web.LimitClass, h web.Handler) web.Route {
		return web.Route{Method: method, Pattern: pattern, Auth: web.BearerOrCookie, Permission: "self", Limit: limit, CORS: web.RegisteredOrigins, Handler: h}
	}
	return []web.Route{
		route("GET", "/api/session/devices", web.LimitSession, s.listDevices),
		route("POST", "/api/session/devices", web.LimitGuess, s.addDevice),
		route("DELETE", "/api/session/devices/{deviceId}", web.LimitSession, s.removeDevice),
	}
}

// The kinds of devices as the SDK names them.
const (
	deviceWebAuthn = "WebAuthN"
	deviceTOTP     = "TOTP"
)

type deviceBody struct {
	DeviceID string `json:"deviceId"`
	Name     string `json:"name"`
	Type     string `json:"type"`
}

type devicesBody struct {
	Devices []deviceBody `json:"devices"`
}

var errDelegated = fault.New(fault.Forbidden, fault.CodeForbidden, "A client's token cannot look after how a person signs in.")

// self is the person of the token or the cookie, and their session. Of a token that names none, or one that
// has ended, there is no session.
func (s *Surface) self(r *http.Request) (a actor.Actor, found session.Session, err error) {
	account := web.AccountOf(r)
	switch a = web.ActorOf(r); {
	case a.Kind == actor.User && a.Delegated:
		return a, found, errDelegated
	case a.Kind == actor.User && a.Session == "":
		return a, found, nil
	case a.Kind == actor.User:
		found, err = s.deps.SessionByID.ByID(r.Context(), account, a.Session)
		if fault.Is(err, fault.NotFound) || err == nil && string(found.User) != a.ID {
			return a, session.Session{}, nil
		}
		return a, found, err
	case a.Kind != actor.Anonymous:
		return a, found, fault.New(fault.Forbidden, fault.CodeForbidden, "Only a person has devices.")
	}
	if _, ok := s.caller(r); !ok && r.Method != http.MethodGet {
		return a, found, errOrigin
	}
	if found, err = s.deps.Sessions.Peek(r.Context(), account, s.cookie(r)); err != nil {
		return a, found, err
	}
	a.Kind, a.Account, a.ID, a.Session = actor.User, account, string(found.User), found.ID
	web.SetActor(r, a)
	return a, found, nil
}

// looker is self for a change: the session must have proved lately who the person is, as well as they can.
// The SDK cannot ask for a fresh proof, so that the answer says what to do.
func (s *Surface) looker(r *http.Request) (holding.Owner, holding.Kept, error) {
	a, found, err := s.self(r)
	if err != nil {
		return holding.Owner{}, holding.Kept{}, err
	}
	kept, err := s.deps.Devices.Of(r.Context(), a.Account, ident.UserID(a.ID))
	if err != nil {
		return holding.Owner{}, kept, err
	}
	if !session.Recent(found, kept.Held().Second(), s.deps.Clock.Now()) {
		return holding.Owner{}, kept, link.ErrNotRecent
	}
	return holding.Owner{By: a, Session: found.ID}, kept, nil
}

// listDevices is GET /api/session/devices.
func (s *Surface) listDevices(w http.ResponseWriter, r *http.Request) error {
	a, _, err := s.self(r)
	if err != nil {
		return err
	}
	kept, err := s.deps.Devices.Of(r.Context(), a.Account, ident.UserID(a.ID))
	if err != nil {
		return err
	}
	b := devicesBody{Devices: []deviceBody{}}
	for _, p := range kept.Passkeys {
		b.Devices = append(b.Devices, deviceBody{p.ID, p.Name, deviceWebAuthn})
	}
	for _, d := range kept.Devices {
		b.Devices = append(b.Devices, deviceBody{d.ID, d.Name, deviceTOTP})
	}
	return web.JSON(w, http.StatusOK, b)
}

type newDevice struct {
	Name     string          `json:"name"`
	Type     string          `json:"type"`
	Code     json.RawMessage `json:"code"` // a text of a TOTP device, an object of a WebAuthn one
	TOTPData struct {
		Secret           string `json:"secret"`
		VerificationCode string `json:"verificationCode"`
	} `json:"totpData"`
}

// credential is what the SDK makes of a WebAuthn registration.
type credential struct {
	ID          string `json:"credentialId"`
	Type        string `json:"type"`
	UserID      string `json:"userId"`
	Attestation string `json:"attestation"` // base64
	Client      string `json:"client"`      // base64
}

var (
	errDevice = fault.New(fault.Invalid, fault.CodeInvalidRequest, "A device has the type WebAuthN, with the code of a registration, or TOTP, with a six-digit code and totpData.")
	errCode   = fault.New(fault.Unprocessable, "InvalidCode", "The code is not the one that the secret makes now.")
)

// addDevice is POST /api/session/devices.
func (s *Surface) addDevice(w http.ResponseWriter, r *http.Request) error {
	var b newDevice
	if err := web.DecodeJSON(r, &b, maxBody); err != nil {
		return err
	}
	o, _, err := s.looker(r)
	if err != nil {
		return err
	}
	var made deviceBody
	switch b.Type {
	case deviceTOTP:
		made, err = s.addTOTP(r, o, b)
	case deviceWebAuthn, "":
		made, err = s.addPasskey(r, o, b)
	default:
		err = errDevice
	}
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, made)
}

// addTOTP registers an app whose secret the page has made.
func (s *Surface) addTOTP(r *http.Request, o holding.Owner, b newDevice) (deviceBody, error) {
	code := b.TOTPData.VerificationCode
	if len(b.Code) > 0 {
		if err := strictjson.Unmarshal(b.Code, &code); err != nil {
			return deviceBody{}, errDevice
		}
	}
	d, result, err := s.deps.Devices.ImportTOTP(r.Context(), o, b.Name, secret.New(b.TOTPData.Secret), code)
	switch {
	case err != nil:
		return deviceBody{}, err
	case result.Outcome == factor.Paused:
		return deviceBody{}, fault.New(fault.Limited, fault.CodeTooManyRequests, "Too many wrong codes. Wait.")
	case result.Outcome != factor.Right:
		return deviceBody{}, errCode
	}
	return deviceBody{d.ID, d.Name, deviceTOTP}, nil
}

// addPasskey keeps what an application's page registered. Its challenge is the person's id, which proves nothing,
// so that it waits for its first use on our own page.
func (s *Surface) addPasskey(r *http.Request, o holding.Owner, b newDevice) (deviceBody, error) {
	var c credential
	if len(b.Code) == 0 || strings.TrimSpace(string(b.Code))[0] != '{' || strictjson.Unmarshal(b.Code, &c) != nil {
		return deviceBody{}, errDevice
	}
	attestation, err1 := base64.StdEncoding.Strict().DecodeString(c.Attestation)
	client, err2 := base64.StdEncoding.Strict().DecodeString(c.Client)
	if err1 != nil || err2 != nil || c.Type != "public-key" || c.UserID != "" && c.UserID != o.By.ID {
		return deviceBody{}, errDevice
	}
	f := passkey.Foreign{Credential: c.ID, Attestation: attestation, ClientData: client, Name: b.Name}
	if _, ok := s.caller(r); ok {
		f.Origins = r.Header.Values("Origin")
	}
	out, err := s.deps.Devices.ImportPasskey(r.Context(), o, f)
	if err != nil {
		return deviceBody{}, err
	}
	switch out.Refused {
	case "":
		return deviceBody{out.Passkey.ID, out.Passkey.Name, deviceWebAuthn}, nil
	case passkey.RefusedTaken, passkey.RefusedFull:
		return deviceBody{}, fault.New(fault.Conflict, fault.CodeConflict, "This passkey is registered already, or the person has as many as one may have.")
	}
	return deviceBody{}, fault.Newf(fault.Unprocessable, fault.CodeInvalidRequest, "The registration cannot be accepted (%s).", out.Refused)
}

// removeDevice is DELETE /api/session/devices/{deviceId}.
func (s *Surface) removeDevice(w http.ResponseWriter, r *http.Request) error {
	o, kept, err := s.looker(r)
	if err != nil {
		return err
	}
	id := r.PathValue("deviceId")
	err = fault.New(fault.NotFound, fault.CodeNotFound, "There is no such device.")
	for _, p := range kept.Passkeys {
		if p.ID == id {
			err = s.deps.Devices.RemovePasskey(r.Context(), o, id)
		}
	}
	for _, d := range kept.Devices {
		if d.ID == id {
			err = s.deps.Devices.RemoveTOTP(r.Context(), o, id)
		}
	}
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, struct{}{})
}
