package login

import (
	"context"
	"encoding/json"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// SetupOutcome is what the setup hook made for the first administrator.
type SetupOutcome struct {
	User      ident.UserID
	ClientID  ident.ServiceClientID
	AccessKey secret.Text
}

// StoredOutcome is SetupOutcome under a seal, between the login and its page.
type StoredOutcome struct {
	User      ident.UserID          `json:"user"`
	ClientID  ident.ServiceClientID `json:"client"`
	AccessKey string                `json:"key"`
}

// OutcomePurpose is the seal's. Its context is the account and the login.
const OutcomePurpose = "login/setup"

// setUp uses the setup link up and makes the first administrator.
func (s *Service) setUp(ctx context.Context, t tx.Tx, r Request, e ended) ([]byte, error) {
	ok, err := s.d.Grants.TakeSetup(ctx, t, r.Account, r.Setup)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errSetupDead
	}
	outcome, err := s.d.Setup(ctx, t, systemActor(r.Account), e.user.ID)
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(StoredOutcome{User: e.user.ID, ClientID: outcome.ClientID, AccessKey: outcome.AccessKey.Reveal()})
	if err != nil {
		return nil, err
	}
	return s.d.Keys.Seal(OutcomePurpose, plain, string(r.Account), string(r.ID)), nil
}
