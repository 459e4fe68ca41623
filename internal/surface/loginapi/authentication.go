package loginapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/redeem"
)

// texts is a list of texts. One text alone is taken for a list of one, as some callers send it.
type texts struct {
	list    []string
	present bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *texts) UnmarshalJSON(b []byte) error {
	var one string
	switch {
	case string(b) == "null":
		return nil
	case json.Unmarshal(b, &one) == nil:
		if one != "" {
			t.list, t.present = []string{one}, true
		}
		return nil
	}
	t.present = true
	return json.Unmarshal(b, &t.list)
}

// properties are texts by name; numbers and flags are taken as they are written.
type properties map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (p *properties) UnmarshalJSON(b []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*p = make(properties, len(raw))
	for name, v := range raw {
		var s string
		switch {
		case string(v) == "null":
			continue
		case json.Unmarshal(v, &s) == nil:
			(*p)[name] = s
		case v[0] == '{' || v[0] == '[':
			return errors.New("a connection property is not a text")
		default:
			(*p)[name] = string(v)
		}
	}
	return nil
}

type startBody struct {
	AntiAbuseHash          string     `json:"antiAbuseHash"`
	ApplicationID          string     `json:"applicationId"`
	RedirectURL            string     `json:"redirectUrl"`
	CodeChallengeMethod    string     `json:"codeChallengeMethod"`
	CodeChallenge          string     `json:"codeChallenge"`
	ConnectionID           string     `json:"connectionId"`
	TenantLookupIdentifier string     `json:"tenantLookupIdentifier"`
	InviteID               string     `json:"inviteId"`
	ConnectionProperties   properties `json:"connectionProperties"`
	Audiences              texts      `json:"audiences"`
	RequestedScopes        texts      `json:"requestedScopes"`
	ResponseLocation       string     `json:"responseLocation"`
	FlowType               string     `json:"flowType"`
	MultiAccount           bool       `json:"multiAccount"`
	LinkIdentity           bool       `json:"linkIdentity"`
}

type startedBody struct {
	AuthenticationURL       string `json:"authenticationUrl"`
	AuthenticationRequestID string `json:"authenticationRequestId"`
}

// start is POST /api/authentication.
func (s *Surface) start(w http.ResponseWriter, r *http.Request) error {
	var b startBody
	if err := web.DecodeJSON(r, &b, maxBody); err != nil {
		return err
	}
	proof, err := checkProof(b.AntiAbuseHash, s.deps.Clock.Now(), text(b.ConnectionID), text(b.TenantLookupIdentifier),
		text(b.InviteID), text(b.ApplicationID), value{strings.Join(b.Audiences.list, ","), b.Audiences.present})
	if err != nil {
		return err
	}
	var linker actor.Actor
	if b.LinkIdentity {
		if linker, err = s.linker(r); err != nil {
			return err
		}
	}
	started, err := s.deps.Logins.Start(r.Context(), login.StartRequest{
		Account: web.AccountOf(r), Actor: web.ActorOf(r), Application: ident.ApplicationID(b.ApplicationID),
		RedirectURL: b.RedirectURL, ChallengeMethod: b.CodeChallengeMethod, Challenge: b.CodeChallenge,
		Connection: ident.ConnectionID(b.ConnectionID), TenantLookup: b.TenantLookupIdentifier, Invite: b.InviteID,
		ConnectionProperties: b.ConnectionProperties, Audiences: b.Audiences.list, Scopes: b.RequestedScopes.list,
		ResponseLocation: b.ResponseLocation, FlowType: b.FlowType, MultiAccount: b.MultiAccount, LinkIdentity: b.LinkIdentity, Caller: linker,
		AntiAbuse: proof,
	})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, startedBody{started.URL, string(started.ID)})
}

type updateBody struct {
	AntiAbuseHash          string     `json:"antiAbuseHash"`
	ConnectionID           string     `json:"connectionId"`
	TenantLookupIdentifier string     `json:"tenantLookupIdentifier"`
	ConnectionProperties   properties `json:"connectionProperties"`
}

// update is PATCH /api/authentication/{authenticationRequestId}.
func (s *Surface) update(w http.ResponseWriter, r *http.Request) error {
	var b updateBody
	if err := web.DecodeJSON(r, &b, maxBody); err != nil {
		return err
	}
	id := r.PathValue("authenticationRequestId")
	proof, err := checkProof(b.AntiAbuseHash, s.deps.Clock.Now(), text(b.ConnectionID), text(b.TenantLookupIdentifier), text(id))
	if err != nil {
		return err
	}
	started, err := s.deps.Logins.Update(r.Context(), login.UpdateRequest{
		Account: web.AccountOf(r), Actor: web.ActorOf(r), ID: ident.LoginID(id), Connection: ident.ConnectionID(b.ConnectionID),
		TenantLookup: b.TenantLookupIdentifier, ConnectionProperties: b.ConnectionProperties, AntiAbuse: proof,
	})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, startedBody{started.URL, string(started.ID)})
}

type exchangeBody struct {
	AntiAbuseHash string `json:"antiAbuseHash"`
	GrantType     string `json:"grant_type"`
	ClientID      string `json:"client_id"`
	RedirectURI   string `json:"redirect_uri"`
	Code          string `json:"code"`
	CodeVerifier  string `json:"code_verifier"`
}

// tokensBody is what the SDK stores. RFC 6749 section 5.1.
type tokensBody struct {
	AccessToken string `json:"access_token"`
	IDToken     string `json:"id_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"` // seconds
}

func tokensOf(t login.Tokens) tokensBody {
	return tokensBody{t.Access.Reveal(), t.ID.Reveal(), "Bearer", int(t.Life / time.Second)}
}

// exchange is POST /api/authentication/{authenticationRequestId}/tokens.
func (s *Surface) exchange(w http.ResponseWriter, r *http.Request) error {
	var b exchangeBody
	if err := web.DecodeJSON(r, &b, maxBody); err != nil {
		return err
	}
	if b.GrantType != "authorization_code" {
		return fault.New(fault.Invalid, "unsupported_grant_type", "The grant_type must be authorization_code.")
	}
	id := r.PathValue("authenticationRequestId")
	// Its single use is that of the code, which it is bound to.
	if _, err := checkProof(b.AntiAbuseHash, s.deps.Clock.Now(), text(b.ClientID), text(id), text(b.Code)); err != nil {
		return err
	}
	tokens, err := s.deps.Codes.Exchange(r.Context(), redeem.Request{
		Account: web.AccountOf(r), Actor: web.ActorOf(r), ID: ident.LoginID(id), Application: ident.ApplicationID(b.ClientID),
		RedirectURL: b.RedirectURI, Code: secret.New(b.Code), Verifier: secret.New(b.CodeVerifier),
	})
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, tokensOf(tokens))
}

type oauthErrorBody struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Title       string `json:"title"`
	ErrorCode   string `json:"errorCode"`
	ErrorID     string `json:"errorId"`
}

// oauthError writes errors as RFC 6749 section 5.2 does, beside the members of our other
// errors. A code that cannot be redeemed is invalid_request, not invalid_grant: the SDK knows
// only that one, and takes it for "sign in again".
func oauthError(w http.ResponseWriter, r *http.Request, err error) {
	f := web.Translate(r, err)
	b := oauthErrorBody{Description: f.Public, Title: f.Public, ErrorCode: f.Code, ErrorID: f.ErrorID}
	switch {
	case f.Code == "unsupported_grant_type":
		b.Error = f.Code
	case f.Status == http.StatusTooManyRequests:
		b.Error = "slow_down"
	case f.Status >= http.StatusInternalServerError:
		b.Error = "server_error"
	default:
		b.Error = "invalid_request"
	}
	if b.ErrorCode == b.Error {
		b.ErrorCode = fault.CodeInvalidRequest
	}
	w.Header().Set("Cache-Control", "no-store")
	if web.JSON(w, f.Status, b) != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}
