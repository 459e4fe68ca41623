package holding

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

// About is what a person has registered, for themselves to take along. No secret is in it.
type About struct {
	Passkeys      []Registered `json:"passkeys"`
	Authenticator []Registered `json:"authenticatorApps"`
	RecoveryCodes int          `json:"recoveryCodesLeft"`
	Password      bool         `json:"password"`
}

// Registered is a passkey or an authenticator app.
type Registered struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Model string    `json:"model,omitempty"` // AAGUID of a passkey's authenticator
	Added time.Time `json:"createdTime"`
	Used  time.Time `json:"lastUsedTime,omitzero"`
}

// About returns what a person has registered.
func (s *Service) About(ctx context.Context, account ident.AccountID, user ident.UserID) (About, error) {
	k, err := s.Of(ctx, account, user)
	out := About{Passkeys: []Registered{}, Authenticator: []Registered{}, RecoveryCodes: k.Codes, Password: k.Password}
	for _, p := range k.Passkeys {
		out.Passkeys = append(out.Passkeys, Registered{p.ID, p.Name, p.Model, p.CreatedAt, p.UsedAt})
	}
	for _, d := range k.Devices {
		out.Authenticator = append(out.Authenticator, Registered{ID: d.ID, Name: d.Name, Added: d.CreatedAt, Used: d.LastUsedAt})
	}
	return out, err
}
