package consent

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

// About is what a person has allowed a client, for themselves to take along.
type About struct {
	Client    string    `json:"clientId"`
	Name      string    `json:"name"`
	Answers   []Answer  `json:"answers"`
	CreatedAt time.Time `json:"createdTime"`
	UpdatedAt time.Time `json:"lastUpdated"`
}

// About returns everything that a person has allowed.
func (s *Service) About(ctx context.Context, account ident.AccountID, user ident.UserID) ([]About, error) {
	all, err := s.All(ctx, account, user)
	out := []About{}
	for _, c := range all {
		out = append(out, About{c.Client, c.Name, c.Answers, c.CreatedAt, c.UpdatedAt})
	}
	return out, err
}
