package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/admit-id/admit/internal/kit/strictjson"
)

// Read reads a policy that somebody wrote. A member that policies do not have is refused, and not passed over: a
// misspelled one would leave people less protected than its author thinks (I-28). Errors: Invalid.
func Read(text []byte) (p Policy, err error) {
	if err := strictjson.Check(text, p); err != nil {
		return Policy{}, invalid("That is no policy: %v.", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err = d.Decode(&p)
	if err == nil {
		return p, nil
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return Policy{}, invalid("That is no policy: there is no member %s.", name)
	}
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && mismatch.Field != "" {
		return Policy{}, invalid("That is no policy: %s has the wrong type.", mismatch.Field)
	}
	return Policy{}, invalid("That is no policy.")
}
