package back

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/dpop"
	"github.com/admit-id/admit/internal/oauth/pipeline"
	"github.com/admit-id/admit/internal/surface/oidc/wire"
)

// many are the parameters that may stand there more than once (RFC 8707 section 2, RFC 8693 section 2.1).
var many = []string{"resource", "audience"}

// answer is RFC 6749 section 5.1 with its extensions.
type answer struct {
	AccessToken  string          `json:"access_token"`
	TokenType    string          `json:"token_type"`
	ExpiresIn    int64           `json:"expires_in"`
	RefreshToken string          `json:"refresh_token,omitempty"`
	IDToken      string          `json:"id_token,omitempty"`
	Scope        string          `json:"scope,omitempty"`
	IssuedType   string          `json:"issued_token_type,omitempty"`
	Details      json.RawMessage `json:"authorization_details,omitempty"`
}

func (s *Surface) token(w http.ResponseWriter, r *http.Request) error {
	wire.NoStore(w.Header())
	form, err := wire.Form(r, many...)
	if err != nil {
		return err
	}
	return s.run(w, r, form, PathToken)
}

// tokenJSON is the same endpoint for the SDKs, which send JSON. Forms are taken, too.
func (s *Surface) tokenJSON(w http.ResponseWriter, r *http.Request) error {
	wire.NoStore(w.Header())
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind == "application/x-www-form-urlencoded" {
		form, err := wire.Form(r, many...)
		if err != nil {
			return err
		}
		return s.run(w, r, form, PathJSONToken)
	}
	if r.URL.RawQuery != "" {
		return oauth.Fail(oauth.InvalidRequest, "The parameters belong into the body, not into the address.")
	}
	var body map[string]any
	if err := web.DecodeJSON(r, &body, wire.MaxForm); err != nil {
		return err
	}
	form, err := formOf(body)
	if err != nil {
		return err
	}
	return s.run(w, r, form, PathJSONToken)
}

// formOf turns the members of a JSON body into parameters. One that is null counts as left out.
func formOf(body map[string]any) (url.Values, error) {
	form := make(url.Values, len(body))
	for name, value := range body {
		switch v := value.(type) {
		case nil:
		case string:
			form[name] = []string{v}
		case []any:
			for _, one := range v {
				text, ok := one.(string)
				if !ok {
					return nil, errMember
				}
				form[name] = append(form[name], text)
			}
		default:
			return nil, errMember
		}
	}
	return wire.Clean(form, many...)
}

var errMember = oauth.Fail(oauth.InvalidRequest, "Every member of the body is a text.")

func (s *Surface) run(w http.ResponseWriter, r *http.Request, form url.Values, path string) error {
	ctx, stop := context.WithTimeout(r.Context(), web.HandlerTimeout) // the route is Hot, so it has none; keys of clients may be fetched
	defer stop()
	out, err := s.d.Tokens.Run(ctx, pipeline.Request{
		Actor: web.ActorOf(r), Presented: s.presented(r, form, path),
		Proof: dpop.Request{Headers: r.Header["Dpop"], Method: r.Method, URL: web.TargetURL(r)},
	})
	s.nonce(w, r, err)
	if err != nil {
		return refused{err}
	}
	return web.JSON(w, http.StatusOK, answer{
		AccessToken: out.AccessToken.Reveal(), TokenType: out.TokenType, ExpiresIn: int64(out.ExpiresIn.Seconds()),
		RefreshToken: out.RefreshToken.Reveal(), IDToken: out.IDToken.Reveal(), Scope: out.Scope, IssuedType: out.IssuedType, Details: out.Details,
	})
}

// refused is a refusal of tokens. What an administrator has set up wrongly shows here first, so that it
// is logged; what a client asks again by itself is not.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

// Noted tells kit/web to log it.
func (r refused) Noted() bool {
	switch oauth.CodeOf(r.error) {
	case oauth.AuthorizationPending, oauth.SlowDown, oauth.UseDPoPNonce:
		return false
	}
	return true
}
