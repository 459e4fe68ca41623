package user

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/strictjson"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Claims are what an administrator has put into one person's tokens. Both are the compact JSON
// of an object, or empty. Admit decides nothing by them.
type Claims struct {
	Access   json.RawMessage `json:"access,omitempty"`   // of access tokens
	Identity json.RawMessage `json:"identity,omitempty"` // of ID tokens
}

// MaxClaims is below how many bytes the compact form of either stays.
const MaxClaims = 1024

// claimName is what a claim may be called. Outside of ASCII two names could look alike.
var claimName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:/#-]{0,127}$`)

// normal returns the compact form, or the first rule that is broken as a fault of kind Invalid.
func (c Claims) normal() (out Claims, err error) {
	if out.Access, err = normalClaims(c.Access, "defaultAccessTokenClaims"); err == nil {
		out.Identity, err = normalClaims(c.Identity, "defaultUserIdentityClaims")
	}
	return out, err
}

func normalClaims(text json.RawMessage, member string) (json.RawMessage, error) {
	if len(text) == 0 || string(text) == "null" {
		return nil, nil
	}
	var all map[string]json.RawMessage
	if strictjson.Unmarshal(text, &all) != nil {
		return nil, fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "%s is an object with unambiguous members.", member)
	}
	for name := range all {
		if !claimName.MatchString(name) {
			return nil, fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "A claim's name has 1 to 128 characters of a-z A-Z 0-9 _ . : / # -.")
		}
		if jose.Reserved(name) {
			return nil, fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "The claim %s has a meaning of its own in tokens and cannot be set.", name)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, fault.Wrap("user.normalClaims", err)
	}
	if compact.Len() >= MaxClaims {
		return nil, fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "%s has less than %d bytes.", member, MaxClaims)
	}
	return compact.Bytes(), nil
}

// SetClaims replaces what the tokens of a person carry from their next issue on. Errors:
// Invalid for claims that may not be set, NotFound.
func (s *Service) SetClaims(ctx context.Context, by actor.Actor, id ident.UserID, c Claims) (u User, err error) {
	if c, err = c.normal(); err != nil {
		return User{}, err
	}
	err = s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		ok, err := s.store.SetClaims(ctx, t, by.Account, id, c)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.NotFound, fault.CodeNotFound, "There is no such user.")
		}
		if u, err = s.store.Get(ctx, t, by.Account, id); err != nil {
			return err
		}
		t.Changed(ChangeKind, by.Account, string(id))
		return t.Emit(ctx, event.New(by, EventClaims, string(id)))
	})
	return u, fault.Wrap("user.SetClaims", err)
}
