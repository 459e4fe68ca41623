package oauth

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/admit-id/admit/internal/user"
)

// Place is where claims about a person go.
type Place string

// The places, as the `claims` parameter names them (OpenID Connect Core section 5.5).
const (
	InIDToken  Place = "id_token"
	InUserinfo Place = "userinfo"
)

// PersonClaims are the standard claims about a person that scopes ask for (OpenID Connect Core
// section 5.4), and those that the `claims` parameter names for the place. What is not known is left out.
func PersonClaims(u user.User, scopes []string, requested json.RawMessage, place Place) map[string]any {
	out := map[string]any{}
	put := func(name string, value any) {
		if value != "" {
			out[name] = value
		}
	}
	wanted := requestedClaims(requested, place)
	for _, c := range []struct {
		name, scope string
		value       any
	}{
		{"name", "profile", u.Name}, {"picture", "profile", u.Picture}, {"locale", "profile", u.Locale},
		{"email", "email", u.Email},
	} {
		if slices.Contains(scopes, c.scope) || wanted[c.name] {
			put(c.name, c.value)
		}
	}
	if u.Email != "" && (slices.Contains(scopes, "email") || wanted["email_verified"]) {
		out["email_verified"] = u.EmailVerified
	}
	if !u.UpdatedAt.IsZero() && (slices.Contains(scopes, "profile") || wanted["updated_at"]) {
		out["updated_at"] = u.UpdatedAt.Unix()
	}
	return out
}

// scopeOf says which scope asks for a claim about a person.
var scopeOf = map[string]string{
	"name": "profile", "picture": "profile", "locale": "profile", "updated_at": "profile", "email": "email", "email_verified": "email",
}

// ClaimsWithin leaves out of a `claims` parameter the claims about a person whose scope is not among
// those given: it chooses what goes where, and is no way around the scopes that people are asked about.
func ClaimsWithin(requested json.RawMessage, scopes []string) json.RawMessage {
	if len(requested) == 0 {
		return nil
	}
	var all map[string]map[string]json.RawMessage
	if json.Unmarshal(requested, &all) != nil { // it was checked when it came
		return nil
	}
	for _, asked := range all {
		maps.DeleteFunc(asked, func(name string, _ json.RawMessage) bool {
			scope, personal := scopeOf[name]
			return personal && !slices.Contains(scopes, scope)
		})
	}
	out, err := json.Marshal(all)
	if err != nil {
		return nil
	}
	return out
}

func requestedClaims(requested json.RawMessage, place Place) map[string]bool {
	if len(requested) == 0 {
		return nil
	}
	var all map[string]map[string]json.RawMessage
	if json.Unmarshal(requested, &all) != nil { // it was checked when it came
		return nil
	}
	out := map[string]bool{}
	for name := range all[string(place)] {
		out[name] = true
	}
	return out
}
