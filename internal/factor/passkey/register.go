package passkey

import (
	"context"
	"slices"
	"strconv"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// BeginRegistration makes a challenge and the options for navigator.credentials.create. The caller has looked
// for recent strong proof (I-7).
func (s *Service) BeginRegistration(ctx context.Context, t tx.Tx, c Ceremony) ([]byte, error) {
	party, ok := s.d.Party(c.Account)
	if !ok {
		return nil, ErrUnavailable
	}
	if c.User == "" {
		return nil, errBinding
	}
	handle, err := s.d.Store.Handle(ctx, t, c.Account, c.User, secret.Bytes(32))
	if err != nil {
		return nil, err
	}
	held, err := s.d.Store.List(ctx, t, c.Account, c.User)
	if err != nil {
		return nil, err
	}
	challenge, err := s.open(ctx, t, c, party, purposeRegister)
	if err != nil {
		return nil, err
	}
	return creationOptions(challenge, handle, party, c, held)
}

// FinishRegistration verifies what an authenticator made, uses the challenge up, and keeps the passkey under a
// name, or under one that fits when name is empty.
func (s *Service) FinishRegistration(ctx context.Context, t tx.Tx, c Ceremony, name string, response []byte) (Registered, error) {
	party, ok := s.d.Party(c.Account)
	if !ok {
		return Registered{}, ErrUnavailable
	}
	a, ok := read(response)
	if !ok || c.User == "" {
		return Registered{Refused: RefusedResponse}, nil
	}
	k, refused, err := s.take(ctx, t, c, party, purposeRegister, a)
	if err != nil || refused != "" {
		return Registered{Refused: refused}, err
	}
	p, o, refused := verifyRegistration(a, expected{party: party, verify: k.Verify})
	if refused != "" {
		return Registered{Refused: refused}, nil
	}
	p.Attested = s.attested(o, t.Now())
	if len(c.Models) > 0 && (!p.Attested || !slices.Contains(c.Models, p.Model)) {
		return Registered{Refused: RefusedModel}, nil
	}
	p.Account, p.User = c.Account, c.User
	return s.keep(ctx, t, c.actor(), p, name, nil)
}

// Foreign is a registration whose challenge the browser SDK made itself: the person's id.
type Foreign struct {
	Account     ident.AccountID
	User        ident.UserID // who is signed in
	Origins     []string     // of the account's applications, where the SDK runs
	Credential  string       // base64url
	Attestation []byte
	ClientData  []byte
	Name        string
	By          actor.Actor
}

// RegisterPending keeps such a passkey as pending. Anybody who has seen one answer can send it again, so it
// proves nothing: a FinishLogin in the person's session that names it, against a challenge of ours, makes it good.
func (s *Service) RegisterPending(ctx context.Context, t tx.Tx, f Foreign) (Registered, error) {
	party, ok := s.d.Party(f.Account)
	if !ok {
		return Registered{}, ErrUnavailable
	}
	refused := Registered{Refused: RefusedResponse}
	a := answer{clientData: f.ClientData, attestation: f.Attestation}
	if a.credential, ok = decode(f.Credential); !ok || len(a.credential) == 0 || len(a.credential) > MaxID || f.User == "" ||
		len(f.ClientData)+len(f.Attestation) > MaxResponse || !a.readClientData() || string(a.challenge) != string(f.User) {
		return refused, nil
	}
	ids := []string{party.ID}
	if parent := party.parent(); parent != "" {
		ids = append(ids, parent)
	}
	for _, id := range ids {
		p, _, why := verifyRegistration(a, expected{party: Party{ID: id, Origins: slices.Concat(f.Origins, party.Origins)}})
		if why != "" {
			refused.Refused = why
			continue
		}
		p.Account, p.User, p.Pending = f.Account, f.User, true
		by := f.By
		by.Account = f.Account
		return s.keep(ctx, t, by, p, f.Name, []byte(f.User))
	}
	return refused, nil
}

// keep stores a verified passkey. The handle is the person's own, unless another was used.
func (s *Service) keep(ctx context.Context, t tx.Tx, by actor.Actor, p Passkey, name string, handle []byte) (Registered, error) {
	own, err := s.d.Store.Handle(ctx, t, p.Account, p.User, secret.Bytes(32))
	if err != nil {
		return Registered{}, err
	}
	if p.Handle = own; handle != nil {
		p.Handle = handle
	}
	held, err := s.d.Store.List(ctx, t, p.Account, p.User)
	if err != nil {
		return Registered{}, err
	}
	if len(held) >= MaxPerPerson {
		return Registered{Refused: RefusedFull}, nil
	}
	p.ID, p.CreatedAt = ident.New("pky_"), t.Now()
	if p.Name = cleanName(name); p.Name == "" {
		p.Name = unused(suggest(p), held)
	}
	fresh, err := s.d.Store.Insert(ctx, t, p)
	if err != nil {
		return Registered{}, err
	}
	if !fresh {
		return Registered{Refused: RefusedTaken}, nil
	}
	kind := EventRegistered
	if p.Pending {
		kind = EventPending
	}
	return Registered{Passkey: p}, t.Emit(ctx, event.New(by, kind, string(p.User), "passkey", p.ID, "model", p.Model, "form", p.Form()))
}

// unused adds a number to a name that the person has already.
func unused(name string, held []Passkey) string {
	for i := 1; ; i++ {
		try := name
		if i > 1 {
			try += " " + strconv.Itoa(i)
		}
		if !slices.ContainsFunc(held, func(p Passkey) bool { return p.Name == try }) {
			return try
		}
	}
}
