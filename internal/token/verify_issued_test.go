package token

import (
	"context"
	"testing"
	"time"

	"github.com/admit-id/admit/client/verify"
	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/ident"
)

type oneSigner struct{ name string }

func (s oneSigner) Signer(ident.AccountID, keyring.Use) (keyring.Signer, error) {
	return keyring.Signer{KID: ident.KeyID(s.name), Private: keyFor(s.name)}, nil
}

// What the Service issues, the server's Verifier and the client library's take; an ID token
// is taken by neither, even if both kinds had the same key.
func TestIssuedTokensVerify(t *testing.T) {
	w := newWorld()
	service := NewService(ServiceDeps{Signers: oneSigner{"a1"}, Issuer: issuerOf})
	p := Params{
		At: w.clock.Now(), Account: accountA, User: "u_1", Session: "s_1", Application: "app_default", Connection: "con_email",
		AuthTime: w.clock.Now(), AMR: []string{"email"}, Profile: Profile{Name: "Ada <ada@example.test>", Email: "ada@example.test"},
	}
	access, err := service.Access(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	id, err := service.ID(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	v := w.verifier()
	expect(t, v, access.Token.Reveal(), "user:u_1")
	expect(t, v, id.Token.Reveal(), "refused")

	now := w.clock.Now
	outside, err := verify.New(verify.Config{
		Issuer: issuerOf(accountA), Audience: string(accountA), Keys: verify.StaticKeys{"a1": publicOf("a1")}, Now: func() time.Time { return now() },
	})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := outside.Verify(context.Background(), access.Token.Reveal()); err != nil || c.Subject != "u_1" || c.SessionID != "s_1" || !c.ExpiresAt.Equal(access.Expires) {
		t.Errorf("got %+v, %v", c, err)
	}
	if _, err := outside.Verify(context.Background(), id.Token.Reveal()); err == nil {
		t.Error("an ID token is taken for an access token")
	}
	w.clock.Advance(access.Life)
	expect(t, v, access.Token.Reveal(), "refused")
}
