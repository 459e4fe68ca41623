package session

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// MaxDisabledTokens is how many single tokens of one person can be dead at once. Whoever
// disables more ends everything of that person: nothing is ever forgotten to make room.
const MaxDisabledTokens = 100

// tokenForm is the `jti` of Admit's access tokens, and foreignForm that of a linked issuer's: what fits
// into a path and a key of the change feed. Anything else is no token of a person.
var (
	tokenForm   = regexp.MustCompile(`^jti_[0-9a-z]{26}$`)
	foreignForm = regexp.MustCompile(`^[a-zA-Z0-9+._|~:@=-]{1,256}$`)
)

// foreignPeople begin the ids of whom linked issuers name.
const foreignPeople = "iss_"

// DisableToken makes one access token of a person dead, on every node and for as long as it
// could live. A token that is dead, or another person's, changes nothing. Errors: Invalid for a
// text that can be no token's id.
func (s *Service) DisableToken(ctx context.Context, a actor.Actor, user ident.UserID, token string) error {
	form := tokenForm
	if strings.HasPrefix(string(user), foreignPeople) {
		form = foreignForm
	}
	if !form.MatchString(token) {
		return fault.New(fault.Invalid, fault.CodeInvalidRequest, "A token's id is the jti of an access token.")
	}
	return s.d.DB.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		added, full, err := s.d.Tokens.DisableToken(ctx, t, DisabledToken{a.Account, user, token, t.Now()}, MaxDisabledTokens)
		switch {
		case err != nil:
			return err
		case full:
			return s.EndUser(ctx, t, a, user)
		case !added: // perhaps by somebody else a moment ago: answered when this node knows it, too
			t.Changed(KindToken, a.Account, tokenChange(user, token))
			return nil
		}
		t.Changed(KindToken, a.Account, tokenChange(user, token))
		return t.Emit(ctx, event.New(a, "session.token.disabled", string(user), "tokenId", token))
	})
}

// tokenChange is the key of a disabled token in the change feed. A token's id has no space.
func tokenChange(user ident.UserID, token string) string { return token + " " + string(user) }

func parseTokenChange(key string) (ident.UserID, string) {
	token, user, _ := strings.Cut(key, " ")
	return ident.UserID(user), token
}

// clientCut begins the key of what ends everything that a client has. No grant or token is called so.
const clientCut = "client "

// EndGrant makes every token of a grant of the authorization server dead, or the one token whose
// `jti` it is, on every node, in the caller's unit of work. Until is when the last of them expires.
func (s *Service) EndGrant(ctx context.Context, t tx.Tx, account ident.AccountID, id string, until time.Time) error {
	if limit := t.Now().Add(MaxTokenLife); until.IsZero() || until.After(limit) {
		until = limit
	}
	t.Changed(KindGrant, account, id)
	return s.d.Tokens.EndGrant(ctx, t, EndedGrant{Account: account, ID: id, At: t.Now(), Until: until})
}

// EndClient makes every token dead that a client was given until now.
func (s *Service) EndClient(ctx context.Context, t tx.Tx, account ident.AccountID, client string) error {
	return s.EndGrant(ctx, t, account, clientCut+client, time.Time{})
}

// Everybody stands for all people of an account where their tokens are cut off. Nobody is called so.
const Everybody = "* everybody"

// EndSome ends up to limit sessions of an account in the caller's unit of work, and every token of
// its people that was issued until now. It tells how many sessions it ended: less than limit means
// that none is left.
func (s *Service) EndSome(ctx context.Context, t tx.Tx, account ident.AccountID, limit int) (int, error) {
	t.Changed(KindUser, account, Everybody)
	return s.d.Tokens.EndSome(ctx, t, account, limit)
}
