package user

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

// About is what this feature holds about a person, for themselves to take along.
type About struct {
	ID            ident.UserID    `json:"userId"`
	Name          string          `json:"name"`
	Email         string          `json:"email"`
	EmailVerified bool            `json:"emailVerified"`
	Picture       string          `json:"picture"`
	Locale        string          `json:"locale"`
	Claims        Claims          `json:"claims"`
	CreatedAt     time.Time       `json:"createdTime"`
	UpdatedAt     time.Time       `json:"lastUpdated"`
	Identities    []AboutIdentity `json:"identities"`
}

// AboutIdentity is one way to sign in.
type AboutIdentity struct {
	Connection ident.ConnectionID `json:"connectionId"`
	Issuer     string             `json:"issuer"`
	Subject    string             `json:"subject"`
	CreatedAt  time.Time          `json:"createdTime"`
	LastLogin  time.Time          `json:"lastLoginTime"`
}

// About returns a person as they take themselves along.
func (s *Service) About(ctx context.Context, account ident.AccountID, id ident.UserID) (About, error) {
	u, err := s.Get(ctx, account, id)
	out := About{u.ID, u.Name, u.Email, u.EmailVerified, u.Picture, u.Locale, u.Claims, u.CreatedAt, u.UpdatedAt, []AboutIdentity{}}
	for _, i := range u.Identities {
		out.Identities = append(out.Identities, AboutIdentity(i))
	}
	return out, err
}
