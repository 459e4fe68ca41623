package app

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/application/applicationdb"
	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/token"
)

// provideKeys makes the keys that an application's settings name and the account does not have.
func (a *App) provideKeys(ctx context.Context, t tx.Tx, e event.Event) error {
	found, err := applicationdb.Store{}.Get(ctx, t, e.Actor.Account, ident.ApplicationID(e.Target))
	if err != nil {
		return err
	}
	return a.f.signing.Provide(ctx, t, actor.ForSystem(e.Actor.Account), keyUses(found.OAuth)...)
}

// keyUses are the uses of keys by which a client's tokens and answers are signed. What introspection
// answers is never signed by the static key: it is for the API that asks, which knows the key set.
func keyUses(o application.OAuth) []keyring.Use {
	uses := token.Signing{Alg: o.AccessTokenAlg, Static: o.StaticKey}.Uses()[:1]
	for _, alg := range []string{o.IDTokenAlg, o.UserinfoAlg, o.AuthorizationAlg} {
		uses = append(uses, token.Signing{Alg: alg, Static: o.StaticKey}.Uses()[1])
	}
	return append(uses, token.Signing{Alg: o.IntrospectionAlg}.Uses()[1])
}

// RotateKeys publishes new signing keys in every account, which sign after a while. Static keys stay.
func (a *App) RotateKeys(ctx context.Context, after time.Duration) error {
	all, err := a.f.accounts.List(ctx)
	if err != nil {
		return err
	}
	var problems []error
	for _, found := range all {
		uses, err := a.f.signing.Rotating(ctx, found.ID)
		problems = append(problems, err)
		for _, use := range uses {
			_, err := a.f.signing.Rotate(ctx, actor.ForOperator(found.ID), use, after)
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// SigningKey is a signing key as an operator sees it.
type SigningKey struct {
	KID       string
	Use       string // "access", "id" or "static"
	Algorithm string
	State     string
	SignFrom  time.Time
	SignUntil time.Time // zero while no successor is planned
}

// SigningKeys lists the chosen account's keys; those that are over and withdrawn ones only when all are asked for.
func (a *App) SigningKeys(ctx context.Context, all bool) (out []SigningKey, err error) {
	keys, err := a.f.signing.List(ctx, a.chosen)
	for _, k := range keys {
		if !all && (k.State == keyring.Over || k.State == keyring.Withdrawn) {
			continue
		}
		out = append(out, SigningKey{
			KID: string(k.KID), Use: string(k.Use.Kind()), Algorithm: k.Use.Alg(), State: string(k.State), SignFrom: k.SignFrom, SignUntil: k.SignUntil,
		})
	}
	return out, err
}

// WithdrawKey takes a key of the chosen account out of use at once, and names the one that signs
// in its place, or "" when none is needed.
func (a *App) WithdrawKey(ctx context.Context, kid string) (string, error) {
	next, err := a.f.signing.Withdraw(ctx, a.operator(), ident.KeyID(kid))
	return string(next.KID), err
}

// ExportKey returns the public half of the chosen account's static key of an algorithm as PEM, and its kid.
func (a *App) ExportKey(ctx context.Context, alg string) (kid string, text []byte, err error) {
	k, err := a.f.signing.Static(ctx, a.operator(), alg)
	if err != nil {
		return "", nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(k.Public)
	if err != nil {
		return "", nil, fault.Wrap("app.ExportKey", err)
	}
	return string(k.KID), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
