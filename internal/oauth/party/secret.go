package party

import (
	"errors"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/serviceclient"
)

// secret compares a client secret with all that are alive, in the same time whichever matches.
func (p *Parties) secret(c oauth.Client, value string) error {
	if !c.Settings.SecretMatches(value, p.now()) {
		return errUnknown.With(errors.New("no secret that is alive matches"))
	}
	return nil
}

// dummy does the work of a comparison for a client that is not there (I-23).
func (p *Parties) dummy(value string) {
	application.OAuth{Secrets: []application.ClientSecret{{Hash: make([]byte, len(secret.Hash("", "")))}}}.SecretMatches(value, p.now())
}

// serviceSecret compares a secret with those that were made with the client's access keys.
func (p *Parties) serviceSecret(keys []serviceclient.Key, value string) error {
	found := false
	for _, k := range keys {
		if k.SecretMatches(value) {
			found = true
		}
	}
	if !found {
		return errUnknown.With(errors.New("no access key has this secret"))
	}
	return nil
}
