// Package cursor owns the place where a list goes on: opaque text that only the caller who
// got it can use, and only for the same list.
package cursor

import (
	"encoding/base64"

	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/fault"
)

const (
	purpose = "cursor/v1"
	maxText = 2048
)

// Sealer makes and reads cursors.
type Sealer struct{ keys *crypt.Keys }

// New returns a Sealer. Every node of a deployment has the same keys.
func New(keys *crypt.Keys) *Sealer { return &Sealer{keys: keys} }

// Seal hides the position after which the next page begins. The binding names what the
// cursor is for: the account, the caller, the route and its query, each as one part.
func (s *Sealer) Seal(position string, binding ...string) string {
	return base64.RawURLEncoding.EncodeToString(s.keys.Seal(purpose, []byte(position), binding...))
}

// Open returns the position, or "" for no cursor. It fails with an Invalid fault for a cursor
// of another list, of another caller, or of nobody.
func (s *Sealer) Open(text string, binding ...string) (string, error) {
	if text == "" {
		return "", nil
	}
	if len(text) > maxText {
		return "", errCursor
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", errCursor.With(err)
	}
	position, err := s.keys.Open(purpose, sealed, binding...)
	if err != nil {
		return "", errCursor.With(err)
	}
	return string(position), nil
}

var errCursor = fault.New(fault.Invalid, fault.CodeInvalidRequest,
	"The cursor does not belong to this list. Start again without one.")
