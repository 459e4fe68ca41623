package serviceclient

import "github.com/admit-id/admit/internal/kit/secret"

// SecretPrefix begins every client secret of a service client.
const SecretPrefix = "scs_"

const secretPurpose = "serviceclient.secret"

// newSecret makes the client secret that goes with an access key, and what is kept of it.
func newSecret() (value secret.Text, hash []byte) {
	value = secret.RandomChecked(SecretPrefix)
	return value, secret.Hash(secretPurpose, value.Reveal())
}

// SecretMatches tells whether value is the client secret that was made with the key.
func (k Key) SecretMatches(value string) bool {
	return secret.Equal(secret.Hash(secretPurpose, value), k.SecretHash) && secret.Checked(SecretPrefix, value)
}
