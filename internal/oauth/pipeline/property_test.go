package pipeline_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/pipeline"
)

// family is what the model knows of one authorization.
type family struct {
	client  string
	code    string
	used    bool
	dead    bool
	scopes  []string
	living  string   // the refresh token that is due
	old     []string // those before
	access  []string
	expires time.Time
}

// TestInvariants does what clients, thieves and administrators might do, in any order, and holds after every
// step: a code is redeemed once, no token outlives its family, and no refresh widens.
func TestInvariants(t *testing.T) {
	bus := &tx.Bus{}
	db, clk := sqldbtest.SQLite(t, migrations(), bus)
	w := newWorld(t, db, clk, bus)
	all := []string{"openid", "profile", "email", "offline_access", "read", "write"}
	rapid.Check(t, func(rt *rapid.T) {
		var families []*family
		pick := func(rt *rapid.T) *family {
			if len(families) == 0 {
				rt.Skip("nothing yet")
			}
			return rapid.SampledFrom(families).Draw(rt, "family")
		}
		note := func(rt *rapid.T, f *family, out pipeline.Result) {
			for one := range strings.FieldsSeq(out.Scope) {
				if !slices.Contains(f.scopes, one) {
					rt.Fatalf("%s was never granted", one)
				}
			}
			f.access = append(f.access, out.AccessToken.Reveal())
		}
		die := func(f *family) { f.dead = true }
		rt.Repeat(map[string]func(*rapid.T){
			"authorize": func(rt *rapid.T) {
				f := &family{client: rapid.SampledFrom([]string{"app_public", "app_secret", "app_opaque"}).Draw(rt, "client")}
				f.scopes = append([]string{"openid", "offline_access"}, rapid.SliceOfNDistinct(rapid.SampledFrom(all[4:]), 0, 2, rapid.ID).Draw(rt, "scopes")...)
				f.code = w.code(f.client, func(c *oauth.AuthorizationCode) { c.Scopes = f.scopes })
				f.expires = clk.Now().Add(oauth.CodeLife)
				families = append(families, f)
			},
			"redeem": func(rt *rapid.T) {
				f := pick(rt)
				alive := clk.Now().Before(f.expires)
				out, err := w.redeem(f.client, f.code)
				switch {
				case f.used || f.dead || !alive:
					if err == nil {
						rt.Fatal("a code was redeemed twice, or too late")
					}
					if f.used {
						die(f)
					}
				case err != nil:
					rt.Fatal(err)
				default:
					f.used, f.living = true, out.RefreshToken.Reveal()
					note(rt, f, out)
				}
			},
			"refresh": func(rt *rapid.T) {
				f := pick(rt)
				if f.living == "" {
					return
				}
				asked := rapid.SliceOfNDistinct(rapid.SampledFrom(all), 0, 3, rapid.ID).Draw(rt, "asked")
				var more []string
				if len(asked) > 0 {
					more = []string{"scope", strings.Join(asked, " ")}
				}
				out, err := w.refresh(f.client, f.living, more...)
				wide := slices.ContainsFunc(asked, func(s string) bool { return !slices.Contains(f.scopes, s) })
				if (err == nil) != (!f.dead && !wide) {
					rt.Fatalf("dead %v, wide %v: %v", f.dead, wide, err)
				}
				if err != nil {
					return
				}
				note(rt, f, out)
				if next := out.RefreshToken.Reveal(); next != f.living {
					f.old, f.living = append(f.old, f.living), next
				}
			},
			"steal": func(rt *rapid.T) {
				f := pick(rt)
				if len(f.old) == 0 {
					return
				}
				i := rapid.IntRange(0, len(f.old)-1).Draw(rt, "which")
				clk.Advance(pipeline.Window + time.Second)
				if _, err := w.refresh(f.client, f.old[i]); err == nil {
					rt.Fatal("an old refresh token was taken")
				}
				die(f)
			},
			"another client": func(rt *rapid.T) {
				f := pick(rt)
				if f.living == "" {
					return
				}
				if _, err := w.refresh("app_other", f.living); err == nil {
					rt.Fatal("another client's refresh token was taken")
				}
			},
			"withdraw": func(rt *rapid.T) {
				f := pick(rt)
				w.in(func(ctx context.Context, t tx.Tx) error {
					return w.families.EndForConsent(ctx, t, actor.ForSystem(account), w.person.ID, f.client)
				})
				for _, one := range families {
					if one.client == f.client { // also the codes that are not redeemed yet
						die(one)
					}
				}
			},
			"wait": func(rt *rapid.T) { clk.Advance(time.Duration(rapid.IntRange(0, 20).Draw(rt, "seconds")) * time.Second) },
			"": func(rt *rapid.T) {
				for _, f := range families {
					if f.dead {
						for _, text := range f.access {
							if w.alive(text) {
								rt.Fatal("a token outlives its family")
							}
						}
					}
				}
			},
		})
	})
}
