package check

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/admit-id/admit/internal/kit/strictjson"
	"github.com/admit-id/admit/internal/oauth"
)

const (
	maxDetails     = 20
	maxDetailsText = 8 << 10 // bytes
)

// detail is what RFC 9396 section 2.2 says of every type.
type detail struct {
	Type       string    `json:"type"`
	Locations  *[]string `json:"locations"`
	Actions    *[]string `json:"actions"`
	DataTypes  *[]string `json:"datatypes"`
	Privileges *[]string `json:"privileges"`
	Identifier *string   `json:"identifier"`
}

var details = Check{
	Name: "authorization_details", Standard: "RFC 9396 sections 2 and 5",
	Rule:  "authorization_details is a JSON array of at most 20 objects in 8 KiB, each of a type that the client may use, with the common members in their common form.",
	Codes: []oauth.Code{oauth.InvalidAuthorizationDetails},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		text := []byte(r.get("authorization_details"))
		if len(text) == 0 {
			return nil
		}
		var list []detail
		if len(text) > maxDetailsText || !bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) || strictjson.Unmarshal(text, &list) != nil || len(list) == 0 || len(list) > maxDetails {
			return refuse(oauth.InvalidAuthorizationDetails, "authorization_details must be a JSON array of 1 to 20 objects, at most 8 KiB.")
		}
		for _, d := range list {
			if !slices.Contains(r.Client.Settings.AuthorizationDetails, d.Type) {
				return refuse(oauth.InvalidAuthorizationDetails, "A type of authorization_details is missing, or is not one that this client may use.")
			}
		}
		var plain bytes.Buffer
		if err := json.Compact(&plain, text); err != nil {
			return refuse(oauth.InvalidAuthorizationDetails, "authorization_details cannot be read.")
		}
		r.Details = plain.Bytes()
		return nil
	},
}
