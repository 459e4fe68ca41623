package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/dpop"
	"github.com/admit-id/admit/internal/oauth/party"
	"github.com/admit-id/admit/internal/token"
	"github.com/admit-id/admit/internal/user"
)

// Request is a token request whose form the surface has checked: no parameter twice, none from the query.
type Request struct {
	Actor     actor.Actor // anonymous, in the account; for the audit trail
	Presented party.Presented
	Proof     dpop.Request
}

// Account is whose authorization server is asked.
func (r Request) Account() ident.AccountID { return r.Actor.Account }

// Asked is a request whose client has proved itself: what a grant judges.
type Asked struct {
	Account ident.AccountID
	Actor   actor.Actor
	Client  oauth.Client
	Form    url.Values
	Holder  Holder
	// Endpoint is the absolute URL of the token endpoint, which assertions may name as audience.
	Endpoint string
}

// Holder names the keys that the caller has proved to hold; empty where none.
type Holder struct{ JKT, X5T string }

// Grant is the variable part of the pipeline.
type Grant interface {
	// Name is the grant_type.
	Name() string
	// Prove judges what can be judged outside of a unit of work, where it may fetch, and returns the
	// rest. Errors are *oauth.Error, or faults when it cannot be known now.
	Prove(ctx context.Context, a Asked) (Take, error)
}

// Take uses the grant's proof up, in the unit of work that issues. It may run again after a
// serialization failure. An error undoes the unit of work; to refuse and keep what was written,
// such as the end of a family, set Outcome.Refused.
type Take func(ctx context.Context, t tx.Tx) (Outcome, error)

// Outcome is what a grant proved.
type Outcome struct {
	oauth.Authorization
	// Begin makes the authorization a new family, with refresh tokens if its scopes and the client allow them.
	Begin bool
	// Family is one that goes on, as it is after the use of its refresh token.
	Family *oauth.Grant
	// Until bounds the life of what is issued; zero for no bound.
	Until time.Time
	// Audience is what the token is for where the grant has narrowed it itself. Nil: by the resources.
	Audience []string
	// Own says that the client acts for itself: what it is registered for is what it was granted.
	Own bool
	// Anew says that no resources were granted before: those that the client is registered for can be asked for.
	Anew bool
	// Code is the authorization code, for the hash in the ID token.
	Code string
	// NoID leaves the ID token out, where the grant has none (RFC 8693, RFC 7523).
	NoID bool
	// Type is the issued_token_type of the answer, or empty.
	Type string
	// Detail goes into the event, as pairs.
	Detail []string
	// Refused ends the request with an error after the unit of work has been committed.
	Refused error
}

// Result is the answer of the token endpoint (RFC 6749 section 5.1).
type Result struct {
	AccessToken  secret.Text
	TokenType    string // Bearer or DPoP
	ExpiresIn    time.Duration
	RefreshToken secret.Text // or empty
	IDToken      secret.Text // or empty
	Scope        string
	IssuedType   string // RFC 8693, or empty
	Details      json.RawMessage
	Nonce        string // DPoP-Nonce of the answer, or empty
}

// What the pipeline needs of others.
type (
	// Parties authenticates clients. *party.Parties does.
	Parties interface {
		Authenticate(ctx context.Context, account ident.AccountID, r party.Presented) (oauth.Client, error)
	}
	// Proofs judges proofs of possession. *dpop.Service does.
	Proofs interface {
		Read(account ident.AccountID, r dpop.Request, w dpop.Want) (dpop.Proof, error)
		Spend(ctx context.Context, t tx.Tx, account ident.AccountID, p dpop.Proof) error
	}
	// Users finds people. *user.Service does.
	Users interface {
		Find(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.UserID) (user.User, error)
	}
	// People remembers people as they are now, following the change feed. *introspection.People does.
	People interface {
		// Recall returns a person who is remembered, or nil. They are shared and must not be changed.
		Recall(account ident.AccountID, id ident.UserID) *user.User
		// Mark goes before a unit of work that reads people, and Remember after its commit: in between,
		// they may have changed.
		Mark() uint64
		Remember(account ident.AccountID, u user.User, mark uint64)
	}
	// Sessions knows living sessions. *session.Service does.
	Sessions interface {
		// Alive tells whether a session lives.
		Alive(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID) (bool, error)
		// Hold is Alive, and makes those wait who end the session meanwhile.
		Hold(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.SessionID) (bool, error)
	}
	// Signer signs tokens, from memory. *token.Service does.
	Signer interface {
		AccessToken(ctx context.Context, p token.AccessParams) (token.Issued, error)
		IDToken(ctx context.Context, p token.IDParams) (token.Issued, error)
	}
	// Encryption finds how a client wants its ID tokens encrypted; nil: not at all. It may fetch.
	Encryption func(ctx context.Context, c oauth.Client) (*jose.Encryption, error)
)

// Deps is what a Service works with.
type Deps struct {
	DB         tx.Runner
	Parties    Parties
	Proofs     Proofs
	Users      Users
	People     People
	Sessions   Sessions
	Opaques    oauth.Opaques
	Families   *Families
	Signer     Signer
	Encryption Encryption
	Issuer     func(ident.AccountID) string
	// Life returns how long the account's tokens live at most; 0 for no bound.
	Life func(ident.AccountID) time.Duration
	// Grants are the variable parts.
	Grants []Grant
}

// Service runs the pipeline.
type Service struct {
	d      Deps
	grants map[string]Grant
	over   over
}

// New makes the service.
func New(d Deps) *Service {
	s := &Service{d: d, grants: make(map[string]Grant, len(d.Grants)), over: over{all: map[overKey]struct{}{}}}
	for _, g := range d.Grants {
		s.grants[g.Name()] = g
	}
	return s
}

// GrantTypes lists what the endpoint knows, for discovery.
func (s *Service) GrantTypes() []string {
	out := make([]string, 0, len(s.d.Grants))
	for _, g := range s.d.Grants {
		out = append(out, g.Name())
	}
	return out
}

// Run turns a request into tokens. Errors: *oauth.Error, or faults of kind Limited, Unavailable or Internal.
func (s *Service) Run(ctx context.Context, r Request) (Result, error) {
	c, err := s.d.Parties.Authenticate(ctx, r.Account(), r.Presented)
	if err != nil {
		return Result{}, err
	}
	proof, holder, err := s.holder(r, c)
	if err != nil {
		return Result{}, err
	}
	g, err := s.grant(c, r.Presented.Form)
	if err != nil {
		return Result{}, err
	}
	by := r.Actor
	by.Kind, by.ID = actor.ServiceClient, c.ID // the audit trail's client:ID, an application's too
	a := Asked{Account: r.Account(), Actor: by, Client: c, Form: r.Presented.Form, Holder: holder, Endpoint: r.Presented.Endpoint}
	take, err := g.Prove(ctx, a)
	if err != nil {
		return Result{}, err
	}
	encryption, err := s.encryption(ctx, c)
	if err != nil {
		return Result{}, err
	}
	var made issue
	mark := s.d.People.Mark()
	err = s.d.DB.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) (err error) {
		if err = s.d.Proofs.Spend(ctx, t, a.Account, proof); err == nil {
			made, err = s.write(ctx, t, a, take)
		}
		return err
	})
	if err == nil {
		err = made.refused
	}
	if err != nil {
		return Result{}, err
	}
	s.over.add(a.Account, made.over)
	if made.read {
		s.d.People.Remember(a.Account, made.person, mark)
	}
	// Signing takes longer than all of the above, and others wait for the writer.
	made.encryption = encryption
	return s.sign(ctx, made)
}

// holder finds out which keys the caller holds. A client that must be bound cannot go without.
func (s *Service) holder(r Request, c oauth.Client) (dpop.Proof, Holder, error) {
	proof, err := s.d.Proofs.Read(r.Account(), r.Proof, dpop.Want{Required: c.Settings.DPoPBound})
	if err != nil {
		return dpop.Proof{}, Holder{}, err
	}
	h := Holder{JKT: proof.JKT}
	if c.Settings.CertificateBound {
		if r.Presented.Certificate == nil {
			return dpop.Proof{}, Holder{}, errCertificate
		}
		sum := sha256.Sum256(r.Presented.Certificate.Raw)
		h.X5T = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return proof, h, nil
}

// grant finds the variable part, if the client has it now (I-11).
func (s *Service) grant(c oauth.Client, form url.Values) (Grant, error) {
	name := form.Get("grant_type")
	g, known := s.grants[name]
	switch {
	case name == "":
		return nil, oauth.Fail(oauth.InvalidRequest, "grant_type is missing.")
	case !known:
		return nil, oauth.Fail(oauth.UnsupportedGrantType, "This server does not know that grant_type. Its metadata lists those that it knows.")
	case !c.MayUse(name):
		return nil, oauth.Fail(oauth.UnauthorizedClient, "The client is not registered for this grant_type. Add it to the application's grantTypes.")
	}
	return g, nil
}

func (s *Service) encryption(ctx context.Context, c oauth.Client) (*jose.Encryption, error) {
	if s.d.Encryption == nil || c.Settings.IDTokenEncAlg == "" {
		return nil, nil
	}
	return s.d.Encryption(ctx, c)
}

// The refusals that several parts share. What exactly is wrong with a code or token is not told.
var (
	errCertificate = oauth.Fail(oauth.InvalidRequest, "This client's tokens are bound to its certificate: make the request over mutual TLS.")
	errGone        = oauth.Fail(oauth.InvalidGrant, "What this was granted by is over: the person, their sign-in or the grant has ended. Start again.")
)

// gone turns a thing that is not there any more into a refusal.
func gone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return errGone.With(err)
	}
	return err
}
