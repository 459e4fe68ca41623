package app

import (
	"errors"

	"github.com/admit-id/admit/internal/kit/fault"
)

// Explain is what the command line says of an error: the sentence for people where there is one,
// else all that is known.
func Explain(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && f.Kind != fault.Internal && f.Kind != fault.Unavailable {
		return f.Public
	}
	return err.Error()
}
