package pipeline_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/user"
)

// Who is remembered is not read again, and what changes is told at once.
func TestPeopleAreRemembered(t *testing.T) {
	everywhere(t, func(w *world) {
		text := w.first("app_public").RefreshToken.Reveal()
		read := w.finds
		next := func() map[string]any {
			out, err := w.refresh("app_public", text)
			if err != nil {
				w.Fatal(err)
			}
			text = out.RefreshToken.Reveal()
			payload, err := base64.RawURLEncoding.DecodeString(strings.Split(out.IDToken.Reveal(), ".")[1])
			if err != nil {
				w.Fatal(err)
			}
			var said map[string]any
			if err := json.Unmarshal(payload, &said); err != nil {
				w.Fatal(err)
			}
			return said
		}
		for range 3 {
			next()
		}
		w.first("app_public")
		if w.finds != read {
			w.Errorf("%d reads of a person who is remembered", w.finds-read)
		}
		w.in(func(ctx context.Context, t tx.Tx) error {
			_, _, err := w.users.SignIn(ctx, t, actor.ForSystem(account), user.Identity{Connection: "con_email", Issuer: "urn:admit:email", Subject: "ada@example.test"},
				user.Profile{Name: "Ada L.", Email: "ada@example.test"})
			return err
		})
		if said := next(); said["name"] != "Ada L." {
			w.Error("an old profile:", said)
		}
		if err := w.users.Delete(w.Context(), actor.ForSystem(account), w.person.ID); err != nil {
			w.Fatal(err)
		}
		_, err := w.refresh("app_public", text)
		w.want(err, oauth.InvalidGrant)
	})
}

// What was never given out is known without the database.
func TestGuessesAreNotLookedUp(t *testing.T) {
	everywhere(t, func(w *world) {
		text := w.first("app_public").RefreshToken.Reveal()
		if err := w.db.Close(); err != nil {
			w.Fatal(err)
		}
		for _, guess := range []string{"art_x", text + "A", changed(text), "art_" + strings.Repeat("A", len(text)-4)} {
			_, err := w.refresh("app_public", guess)
			w.want(err, oauth.InvalidGrant)
		}
		if _, err := w.refresh("app_public", text); err == nil || oauth.CodeOf(err) != "" {
			w.Error("used without a database:", err)
		}
	})
}
