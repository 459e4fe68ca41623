package app

import (
	"context"
	"testing"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/extension"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/oauthdb"
	"github.com/admit-id/admit/internal/oauth/pipeline"
)

// Refresh tokens of a client that proves itself neither rotate nor are bound. When it need not prove
// itself any more, or becomes a third party's, what it has ends.
func TestALessTrustedClientStartsAgain(t *testing.T) {
	everywhere(t, func(p *testServer) {
		by := actor.ForOperator(ident.DefaultAccount)
		for what, c := range map[string]struct {
			change func(*application.OAuth)
			ends   bool
		}{
			"public":      {func(o *application.OAuth) { o.AuthMethod = application.AuthNone }, true},
			"third party": {func(o *application.OAuth) { o.ThirdParty = true }, true},
			"otherwise":   {func(o *application.OAuth) { o.AuthMethod = application.AuthSecretPost }, false},
		} {
			id, password := p.application(application.OAuth{AuthMethod: application.AuthSecretBasic})
			out := p.post("/oauth/token", "grant_type", "authorization_code", "Basic", id+":"+password, "code", p.code(id, "openid offline_access"),
				"redirect_uri", testBack, "code_verifier", testVerifier)
			if out.status != 200 {
				p.Fatalf("%s: %d %s", what, out.status, out.text)
			}
			pending := p.code(id, "openid offline_access")
			if _, err := p.f.applications.Update(p.Context(), by, ident.ApplicationID(id), func(a application.Application) (application.Application, error) {
				c.change(&a.OAuth)
				return a, nil
			}); err != nil {
				p.Fatal(what, err)
			}
			proof := map[string][]string{
				"public": {"client_id", id}, "third party": {"Basic", id + ":" + password}, "otherwise": {"client_id", id, "client_secret", password},
			}[what]
			again := p.post("/oauth/token", append(proof, "grant_type", "refresh_token", "refresh_token", text(out.body, "refresh_token"))...)
			if ended := again.body["error"] == "invalid_grant"; ended != c.ends {
				p.Errorf("%s: refresh: %d %s", what, again.status, again.text)
			}
			if got := p.get("/oauth/userinfo", text(out.body, "access_token")); (got.status == 401) != c.ends {
				p.Errorf("%s: userinfo: %d %s", what, got.status, got.text)
			}
			late := p.post("/oauth/token", append(proof, "grant_type", "authorization_code", "code", pending, "redirect_uri", testBack, "code_verifier", testVerifier)...)
			if ended := late.body["error"] == "invalid_grant"; ended != c.ends {
				p.Errorf("%s: a code from before: %d %s", what, late.status, late.text)
			}
		}
	})
}

// An extension is a client with the settings of its application.
func TestALessTrustedExtensionStartsAgain(t *testing.T) {
	everywhere(t, func(p *testServer) {
		by := actor.ForOperator(ident.DefaultAccount)
		e, err := newExtensions(p.db).Create(p.Context(), by, extension.Extension{Name: "Plugin", RedirectURLs: []string{testBack}},
			func(_, after application.Application) (application.Application, error) { return after, nil })
		if err != nil {
			p.Fatal(err)
		}
		update := func(method application.AuthMethod) {
			if _, err := p.f.applications.Update(p.Context(), by, e.Application, func(a application.Application) (application.Application, error) {
				a.OAuth.AuthMethod = method
				return a, nil
			}); err != nil {
				p.Fatal(err)
			}
		}
		update(application.AuthSecretBasic)
		g := oauth.Grant{Authorization: oauth.Authorization{Account: ident.DefaultAccount, Grant: pipeline.NewGrantID(), Client: string(e.ID), User: p.user.ID}, Salt: []byte("s"), Offline: true}
		if err := p.db.Write(p.Context(), tx.In(ident.DefaultAccount), func(ctx context.Context, t tx.Tx) error {
			g.ExpiresAt, g.IdleUntil = t.Now().AddDate(0, 1, 0), t.Now().AddDate(0, 1, 0)
			return oauthdb.Grants{}.InsertGrant(ctx, t, g)
		}); err != nil {
			p.Fatal(err)
		}
		update(application.AuthNone)
		if err := p.db.Read(p.Context(), tx.In(ident.DefaultAccount), func(ctx context.Context, t tx.Tx) error {
			g, err = oauthdb.Grants{}.Grant(ctx, t, ident.DefaultAccount, g.Authorization.Grant)
			return err
		}); err != nil || g.EndedAt.IsZero() {
			p.Error("the extension's grant lives", err)
		}
	})
}
