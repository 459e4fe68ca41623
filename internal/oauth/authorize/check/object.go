package check

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/oauth"
)

const (
	maxObject     = 32 << 10 // bytes
	maxObjectLife = time.Hour
	objectLeeway  = 10 * time.Second
)

// objectTypes are the values of typ that are taken (RFC 9101 section 10.8), in lower case.
var objectTypes = []string{"oauth-authz-req+jwt", "jwt", ""}

var object = Check{
	Name: "request", Standard: "RFC 9101, FAPI 2.0 Message Signing section 5.3",
	Rule:  "A request object is signed with a registered key of the client, by its registered algorithm, from the client (iss, client_id) to this issuer (aud); it ends within an hour (exp) and began at most an hour ago (nbf, which a client that must sign its requests always says). Its parameters replace those of the address; nothing is merged. Encrypted, unsigned and nested ones are refused.",
	Codes: []oauth.Code{oauth.InvalidRequestObject},
	run: func(ctx context.Context, t *Tools, r *Request) error {
		text := r.get("request")
		if text == "" || r.Stage == Return || r.Pushed {
			return nil
		}
		if len(text) > maxObject {
			return badObject("The request object is larger than 32 KiB.", nil)
		}
		if strings.Count(text, ".") == 4 {
			return badObject("The request object is encrypted. Only signed ones are taken.", nil)
		}
		algorithms := jose.ForeignAlgorithms()
		if alg := r.Client.Settings.RequestObjectAlg; alg != "" {
			algorithms = []string{alg}
		}
		claims, err := t.VerifySigned(ctx, r.Client, text, algorithms, objectTypes)
		if fault.Is(err, fault.Unavailable) {
			return err
		}
		if err != nil {
			return badObject("The request object is not signed with a registered key and algorithm of the client, or has another form.", err)
		}
		if err := judgeObject(claims, r.Client, t.Issuer(r.Account), t.Clock.Now()); err != nil {
			return err
		}
		params, err := objectParams(claims)
		if err != nil {
			return err
		}
		r.Params, r.Signed = params, true
		return nil
	},
}

func badObject(description string, cause error) error {
	return oauth.Fail(oauth.InvalidRequestObject, description).With(cause)
}

// judgeObject checks whom the object is from and for, and its times.
func judgeObject(claims map[string]any, c oauth.Client, issuer string, now time.Time) error {
	client := c.ID
	exp, hasExp := seconds(claims["exp"])
	nbf, hasNbf := seconds(claims["nbf"])
	_, nested := claims["request"]
	_, nestedURI := claims["request_uri"]
	switch {
	case claims["iss"] != client, claims["client_id"] != client:
		return badObject("iss and client_id of the request object must be the client_id.", nil)
	case claims["sub"] != nil && claims["sub"] == client:
		return badObject("The request object has the client for its sub, as an assertion of the client has (RFC 9101 section 10.8).", nil)
	case !hasAudience(claims["aud"], issuer):
		return badObject("aud of the request object must name the issuer of this server.", nil)
	case nested || nestedURI:
		return badObject("A request object holds neither request nor request_uri.", nil)
	case !hasExp || !now.Before(exp.Add(objectLeeway)):
		return badObject("The request object has no exp, or has expired.", nil)
	case !hasNbf && c.Settings.RequireSignedRequest:
		return badObject("The request object has no nbf, which FAPI 2.0 Message Signing wants of clients that must sign.", nil)
	case claims["nbf"] != nil && (!hasNbf || nbf.After(now.Add(objectLeeway)) || nbf.Before(now.Add(-maxObjectLife-objectLeeway))):
		return badObject("nbf of the request object must be within the last hour.", nil)
	}
	from := now
	if hasNbf {
		from = nbf
	}
	if exp.After(from.Add(maxObjectLife + objectLeeway)) {
		return badObject("The request object must end within an hour.", nil)
	}
	return nil
}

func hasAudience(aud any, issuer string) bool {
	if list, ok := aud.([]any); ok {
		return slices.Contains(list, any(issuer))
	}
	return aud == issuer
}

// seconds reads a NumericDate.
func seconds(v any) (time.Time, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	whole, _, _ := strings.Cut(n.String(), ".")
	sec, err := json.Number(whole).Int64()
	if err != nil || sec < 0 || sec > 1e11 || strings.ContainsAny(n.String(), "eE") {
		return time.Time{}, false
	}
	return time.Unix(sec, 0), true
}

// objectParams makes parameters of the claims of an object.
func objectParams(claims map[string]any) (url.Values, error) {
	out := url.Values{}
	for name, v := range claims {
		switch name {
		case "iss", "aud", "exp", "nbf", "iat", "jti", "sub":
			continue
		}
		switch v := v.(type) {
		case nil:
		case string:
			if strings.ContainsFunc(v, control) {
				return nil, badObject("A member of the request object holds control characters.", nil)
			}
			if v != "" {
				out.Set(name, v)
			}
		case json.Number:
			out.Set(name, v.String())
		default:
			if err := addStructured(out, name, v); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// addStructured takes the parameters that are JSON (claims, authorization_details) and the one that
// may be a list (resource); a list or an object anywhere else is nothing that we know.
func addStructured(out url.Values, name string, v any) error {
	switch name {
	case "claims", "authorization_details":
		text, err := json.Marshal(v)
		if err != nil {
			return badObject("A member of the request object cannot be read.", err)
		}
		out.Set(name, string(text))
	case "resource":
		list, ok := v.([]any)
		for _, one := range list {
			s, isText := one.(string)
			if ok = ok && isText && s != ""; ok {
				out.Add(name, s)
			}
		}
		if !ok {
			return badObject("resource of the request object must be a text or a list of texts.", nil)
		}
	case "client_id", "redirect_uri", "response_type", "response_mode", "state", "scope", "code_challenge", "code_challenge_method",
		"nonce", "dpop_jkt", "prompt", "max_age", "acr_values", "id_token_hint", "login_hint", "ui_locales":
		return badObject("A member of the request object has another type than its parameter.", nil)
	}
	return nil
}
