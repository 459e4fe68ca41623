package pipeline_test

import (
	"context"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// What ends a person, a chain of sessions, an account, a client or a consent while a code is redeemed
// waits for the grant that is made, and ends it. Without that, a refresh token would live on.
func TestAnEndWaitsForWhatBegins(t *testing.T) {
	by := actor.ForSystem(account)
	for name, end := range map[string]func(w *world, ctx context.Context, t tx.Tx) error{
		"person": func(w *world, ctx context.Context, t tx.Tx) error {
			if err := w.sessions.EndUser(ctx, t, by, w.person.ID); err != nil {
				return err
			}
			return w.families.EndForUser(ctx, t, by, w.person.ID)
		},
		"account": func(w *world, ctx context.Context, t tx.Tx) error {
			if _, err := w.sessions.EndSome(ctx, t, account, 100); err != nil {
				return err
			}
			return w.families.EndForAccount(ctx, t, by)
		},
		"client": func(w *world, ctx context.Context, t tx.Tx) error {
			return w.families.EndForClient(ctx, t, by, "app_secret")
		},
		"consent": func(w *world, ctx context.Context, t tx.Tx) error {
			return w.families.EndForConsent(ctx, t, by, w.person.ID, "app_secret")
		},
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(w *world) {
				done := make(chan error, 1)
				w.before = func() {
					go func() {
						done <- w.db.Write(context.Background(), tx.In(account), func(ctx context.Context, t tx.Tx) error { return end(w, ctx, t) })
					}()
					select {
					case err := <-done:
						done <- err
						w.Error("the end did not wait")
					case <-time.After(300 * time.Millisecond):
					}
				}
				out, err := w.redeem("app_secret", w.code("app_secret", nil))
				if err != nil {
					w.Fatal(err)
				}
				if err := <-done; err != nil {
					w.Fatal(err)
				}
				_, err = w.refresh("app_secret", out.RefreshToken.Reveal())
				w.want(err, oauth.InvalidGrant)
				if w.alive(out.AccessToken.Reveal()) {
					w.Error("the access token lives")
				}
			})
		})
	}
}

// The other way round: a redemption that comes while a session ends waits, and begins nothing.
func TestABeginningWaitsForAnEnd(t *testing.T) {
	by := actor.ForSystem(account)
	everywhere(t, func(w *world) {
		code := w.code("app_secret", nil)
		type answer struct {
			refresh string
			err     error
		}
		done := make(chan answer, 1)
		w.in(func(ctx context.Context, t tx.Tx) error {
			if err := w.sessions.EndUser(ctx, t, by, w.person.ID); err != nil {
				return err
			}
			if err := w.families.EndForUser(ctx, t, by, w.person.ID); err != nil {
				return err
			}
			go func() {
				out, err := w.redeem("app_secret", code)
				done <- answer{out.RefreshToken.Reveal(), err}
			}()
			select {
			case a := <-done:
				done <- a
				w.Error("the redemption did not wait")
			case <-time.After(300 * time.Millisecond):
			}
			return nil
		})
		a := <-done
		w.want(a.err, oauth.InvalidGrant)
		if a.refresh != "" {
			_, err := w.refresh("app_secret", a.refresh)
			w.want(err, oauth.InvalidGrant)
		}
	})
}
