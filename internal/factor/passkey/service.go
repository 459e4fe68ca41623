package passkey

import (
	"context"
	"crypto/x509"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Deps is what the service needs.
type Deps struct {
	Store      Store
	Challenges Challenges
	Party      Parties
	// Roots are the certificates of makers of authenticators, for policies that name models. Nil: none
	// is trusted, and such a policy lets nothing be registered.
	Roots *x509.CertPool
}

// Service holds the verbs. All of them run in the caller's unit of work.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// ErrUnavailable says that the account's address can have no passkeys.
var ErrUnavailable = fault.New(fault.Unprocessable, "PasskeysUnavailable", "Passkeys need a host name: they do not work under an address or over plain http.")

var errBinding = fault.New(fault.Internal, fault.CodeInternal, "A ceremony must be bound to a login in a browser or to a session of a person.")

// The purposes of challenges.
const (
	purposeLogin    = "login"        // whoever holds a passkey
	purposeSecond   = "second"       // a known person
	purposeRegister = "registration" // of a known person
	hashPurpose     = "passkey/challenge"
)

// Available tells whether passkeys work in the account.
func (s *Service) Available(account ident.AccountID) bool {
	_, ok := s.d.Party(account)
	return ok
}

// Origins are those of the account that share its passkeys (WebAuthn 5.11, related origins).
func (s *Service) Origins(account ident.AccountID) []string {
	p, _ := s.d.Party(account)
	return p.Origins
}

// BeginLogin makes a challenge and the options for navigator.credentials.get. Without c.User they name
// no passkey, so that they tell nothing about anybody (I-23).
func (s *Service) BeginLogin(ctx context.Context, t tx.Tx, c Ceremony) ([]byte, error) {
	party, ok := s.d.Party(c.Account)
	if !ok {
		return nil, ErrUnavailable
	}
	var held []Passkey
	if c.User != "" {
		var err error
		if held, err = s.usable(ctx, t, c); err != nil {
			return nil, err
		}
		if len(held) == 0 {
			return nil, fault.New(fault.NotFound, fault.CodeNotFound, "There is no such passkey.")
		}
		party.ID = held[0].Party
	}
	challenge, err := s.open(ctx, t, c, party, purposeOf(c))
	if err != nil {
		return nil, err
	}
	return requestOptions(challenge, party, c, held)
}

func purposeOf(c Ceremony) string {
	if c.User == "" {
		return purposeLogin
	}
	return purposeSecond
}

// usable are the person's passkeys that may answer, all of one RP id: the account's own before any other.
func (s *Service) usable(ctx context.Context, t tx.Tx, c Ceremony) ([]Passkey, error) {
	all, err := s.d.Store.List(ctx, t, c.Account, c.User)
	if err != nil {
		return nil, err
	}
	party, _ := s.d.Party(c.Account)
	byParty := map[string][]Passkey{}
	for _, p := range all {
		if (c.Passkey == p.ID || c.Passkey == "") && (!p.Pending || (c.Passkey != "" && c.Session != "")) {
			byParty[p.Party] = append(byParty[p.Party], p)
		}
	}
	if own := byParty[party.ID]; len(own) > 0 {
		return own, nil
	}
	if parent := party.parent(); parent != "" {
		return byParty[parent], nil
	}
	return nil, nil
}

// open makes a challenge and keeps its hash with all that it is bound to.
func (s *Service) open(ctx context.Context, t tx.Tx, c Ceremony, party Party, purpose string) ([]byte, error) {
	if c.binding() == "" {
		return nil, errBinding
	}
	challenge := secret.Bytes(32)
	k := s.challenge(c, party.ID, purpose, challenge)
	k.Passkey, k.Verify = c.Passkey, c.UserVerification
	k.CreatedAt, k.ExpiresAt = t.Now(), t.Now().Add(ChallengeLife)
	return challenge, s.d.Challenges.Put(ctx, t, k, maxOpen)
}

func (s *Service) challenge(c Ceremony, party, purpose string, challenge []byte) Challenge {
	return Challenge{
		Account: c.Account, Hash: secret.Hash(hashPurpose, string(challenge)), Purpose: purpose,
		Binding: c.binding(), Browser: c.Browser, User: c.User, Party: party,
	}
}

// List returns a person's passkeys, the oldest first, pending ones among them.
func (s *Service) List(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) ([]Passkey, error) {
	return s.d.Store.List(ctx, t, account, user)
}

// Count is how many passkeys a person can prove themselves with.
func (s *Service) Count(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID) (int, error) {
	all, err := s.d.Store.List(ctx, t, account, user)
	n := 0
	for _, p := range all {
		if !p.Pending {
			n++
		}
	}
	return n, err
}

// Rename names a person's passkey. Errors: Invalid for a name without a character that can be seen, NotFound.
func (s *Service) Rename(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, id, name string) error {
	if name = cleanName(name); name == "" {
		return fault.New(fault.Invalid, fault.CodeInvalidRequest, "A passkey's name has 1 to 64 characters.")
	}
	if err := s.d.Store.Rename(ctx, t, by.Account, user, id, name); err != nil {
		return err
	}
	return t.Emit(ctx, event.New(by, EventRenamed, string(user), "passkey", id))
}

// Remove deletes a person's passkey. Errors: NotFound.
func (s *Service) Remove(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, id string) error {
	held, err := s.d.Store.List(ctx, t, by.Account, user)
	if err != nil {
		return err
	}
	if err := s.d.Store.Remove(ctx, t, by.Account, user, id); err != nil {
		return err
	}
	form, model := "", ""
	for _, p := range held {
		if p.ID == id {
			form, model = p.Form(), p.Model
		}
	}
	return t.Emit(ctx, event.New(by, EventRemoved, string(user), "passkey", id, "model", model, "form", form))
}

// ForgetUser is the reaction to the event "user.deleted".
func (s *Service) ForgetUser(ctx context.Context, t tx.Tx, e event.Event) error {
	return s.d.Store.Forget(ctx, t, e.Account, ident.UserID(e.Target))
}
