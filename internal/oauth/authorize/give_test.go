package authorize_test

import (
	"testing"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/oauth"
)

// A browser that was given a code before gets the next one by a single unit of work. Everything else
// goes the way of strangers, and leaves nothing behind.
func TestFamiliarSessionsCostOneUnitOfWork(t *testing.T) {
	each(t, func(w *world) {
		b := w.browser()
		b.signIn("ada@example.test")
		costs := func(reads, writes int64, do func()) {
			w.Helper()
			w.reads.reads.Store(0)
			w.reads.writes.Store(0)
			do()
			if r, n := w.reads.reads.Load(), w.reads.writes.Load(); r != reads || n != writes {
				w.Errorf("%d reads and %d writes; want %d and %d", r, n, reads, writes)
			}
		}
		silent := func() { b.code(b.begin(), "app_1") }
		costs(1, 1, silent)
		costs(0, 1, silent)
		costs(0, 1, silent)
		costs(1, 0, func() { // a stranger's cookie has no place in the writer
			stranger := w.browser()
			stranger.session = secret.Random("")
			stranger.refused(stranger.begin("prompt", "none"), oauth.LoginRequired)
		})
		// More than a code: nothing is made, and the session is looked at like a stranger's.
		costs(1, 2, func() { b.atLogin(b.begin("prompt", "login")) })
		costs(1, 1, silent)
		costs(1, 1, func() { b.refused(b.begin("prompt", "none", "max_age", "0"), oauth.LoginRequired) })
		silent()
		costs(1, 2, func() { b.atConsent(b.begin("client_id", "app_third")) })
		silent()
		// The end of a session holds at once.
		if _, err := w.sessions.EndCookie(ctx, actor.Actor{Account: acc}, b.session); err != nil {
			t.Fatal(err)
		}
		b.refused(b.begin("prompt", "none"), oauth.LoginRequired)
		b.atLogin(b.begin())
	})
}
