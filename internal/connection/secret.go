package connection

import (
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/secret"
)

// purpose separates the key of client secrets from all other keys.
const purpose = "connection client secret"

// Secrets keeps client secrets sealed at rest. A sealed secret is good for its connection only.
type Secrets struct{ keys *crypt.Keys }

// NewSecrets takes the keys of the deployment.
func NewSecrets(keys *crypt.Keys) Secrets { return Secrets{keys} }

func place(c Connection) []string {
	return []string{string(c.Account), "connection", string(c.ID), "clientSecret", "1"}
}

func (s Secrets) seal(c Connection, t secret.Text) []byte {
	return s.keys.Seal(purpose, []byte(t.Reveal()), place(c)...)
}

// Open returns the client secret of a connection, or an empty one when it has none. It fails
// with crypt.ErrOpen.
func (s Secrets) Open(c Connection) (secret.Text, error) {
	if len(c.SealedSecret) == 0 {
		return secret.Text{}, nil
	}
	plain, err := s.keys.Open(purpose, c.SealedSecret, place(c)...)
	if err != nil {
		return secret.Text{}, err
	}
	return secret.New(string(plain)), nil
}
