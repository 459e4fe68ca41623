package application

import (
	"context"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	// SecretPrefix begins every client secret.
	SecretPrefix = "acs_"
	// MaxSecrets is how many secrets of an application are alive at once, so that one can be
	// replaced while the other still works.
	MaxSecrets = 5
	// MaxSecretLife is how long a secret that ends may live.
	MaxSecretLife = 5 * 365 * 24 * time.Hour

	secretPurpose = "application.oauth.secret"
)

// The events of client secrets; the target is the application's id, the detail "secretId".
const (
	EventSecretCreated = "application.secret.created"
	EventSecretDeleted = "application.secret.deleted"
)

// CodeTooManySecrets is the error code of one secret too many.
const CodeTooManySecrets = "TooManyClientSecrets"

func (s ClientSecret) alive(now time.Time) bool {
	return s.ExpiresAt.IsZero() || now.Before(s.ExpiresAt)
}

// SecretMatches tells whether value is one of the secrets that are alive. Every hash is compared, in
// constant time.
func (o OAuth) SecretMatches(value string, now time.Time) bool {
	hash, found := secret.Hash(secretPurpose, value), false
	for _, s := range o.Secrets {
		if secret.Equal(hash, s.Hash) && s.alive(now) {
			found = true
		}
	}
	return found && secret.Checked(SecretPrefix, value)
}

// NewSecret makes a client secret and what is kept of it.
func NewSecret(now, expires time.Time) (ClientSecret, secret.Text) {
	value := secret.RandomChecked(SecretPrefix)
	return ClientSecret{
		ID: ident.New("sec_"), Hash: secret.Hash(secretPurpose, value.Reveal()), CreatedAt: now, ExpiresAt: expires,
	}, value
}

// AddSecret makes a client secret for an application and returns its value, which is kept nowhere.
// The zero expiry is none. Errors: Invalid for an expiry in the past or too far away and for a client
// that does not authenticate with secrets, Unprocessable with CodeTooManySecrets, NotFound.
func (s *Service) AddSecret(ctx context.Context, by actor.Actor, id ident.ApplicationID, expires time.Time) (made ClientSecret, value secret.Text, err error) {
	err = s.changeSecrets(ctx, by, id, func(t tx.Tx, o *OAuth) (string, error) {
		if !expires.IsZero() && (!expires.After(t.Now()) || expires.Sub(t.Now()) > MaxSecretLife) {
			return "", invalid("A client secret ends in the future, within five years, or not at all.")
		}
		if o.AuthMethod != AuthSecretBasic && o.AuthMethod != AuthSecretPost {
			return "", invalid("Only applications with oauth.tokenEndpointAuthMethod client_secret_basic or client_secret_post have secrets. Set that first.")
		}
		o.Secrets = slices.DeleteFunc(slices.Clone(o.Secrets), func(s ClientSecret) bool { return !s.alive(t.Now()) })
		if len(o.Secrets) >= MaxSecrets {
			return "", fault.New(fault.Unprocessable, CodeTooManySecrets, "An application has at most 5 client secrets. Remove one first.")
		}
		made, value = NewSecret(t.Now(), expires)
		o.Secrets = append(o.Secrets, made)
		return made.ID, nil
	}, EventSecretCreated)
	if err != nil {
		return ClientSecret{}, secret.Text{}, fault.Wrap("application.AddSecret", err)
	}
	return made, value, nil
}

// RemoveSecret takes a client secret away for good. It stops working at once on this node, and on the
// others as soon as they hear of it.
func (s *Service) RemoveSecret(ctx context.Context, by actor.Actor, id ident.ApplicationID, secretID string) error {
	err := s.changeSecrets(ctx, by, id, func(_ tx.Tx, o *OAuth) (string, error) {
		left := slices.DeleteFunc(slices.Clone(o.Secrets), func(s ClientSecret) bool { return s.ID == secretID })
		if len(left) == len(o.Secrets) {
			return "", fault.New(fault.NotFound, fault.CodeNotFound, "There is no such client secret.")
		}
		o.Secrets = left
		return secretID, nil
	}, EventSecretDeleted)
	return fault.Wrap("application.RemoveSecret", err)
}

// changeSecrets changes the secrets alone. change returns the id of the secret that it is about.
func (s *Service) changeSecrets(ctx context.Context, by actor.Actor, id ident.ApplicationID, change func(tx.Tx, *OAuth) (string, error), kind string) error {
	return s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		a, err := s.store.Lock(ctx, t, by.Account, id)
		if err != nil {
			return err
		}
		about, err := change(t, &a.OAuth)
		if err != nil {
			return err
		}
		a.UpdatedAt = t.Now()
		if ok, err := s.store.Update(ctx, t, a); err != nil || !ok {
			return err
		}
		t.Changed(ChangeKind, a.Account, string(a.ID))
		return t.Emit(ctx, event.New(by, kind, string(id), "secretId", about))
	})
}
