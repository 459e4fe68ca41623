package dpop

import (
	"context"
	"errors"
	"strings"
	"time"

	proof "github.com/admit-id/admit/client/dpop"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// Kind says whose endpoints a nonce is for.
type Kind string

// The kinds.
const (
	ForServer Kind = "server" // token, pushed authorization requests: the authorization server
	ForAPI    Kind = "api"    // userinfo and the API: resources
)

// Store keeps what proofs were used.
type Store interface {
	// SpendProof notes a proof by one INSERT. A fault of kind Conflict says that it was noted before.
	SpendProof(ctx context.Context, t tx.Tx, account ident.AccountID, hash []byte, until time.Time) error
	// PurgeProofs deletes up to limit proofs that are too old by now. It needs the system scope.
	PurgeProofs(ctx context.Context, t tx.Tx, limit int) (int64, error)
}

// Request is what a proof is about.
type Request struct {
	Headers []string // all values of the header DPoP
	Method  string
	URL     string // absolute, web.TargetURL
}

// Want is what the endpoint wants of a proof.
type Want struct {
	Required bool   // a request without a proof is refused
	JKT      string // the key that it must be of; empty takes any
}

// Proof is a good proof that has not been used up yet. The zero value is no proof.
type Proof struct {
	JKT   string // the key's thumbprint, for cnf.jkt
	hash  []byte
	until time.Time
}

// Deps is what a Service works with.
type Deps struct {
	DB    tx.Runner
	Store Store
	Keys  *crypt.Keys
	Clock clock.Clock
	// RequireNonce demands a nonce in every proof.
	RequireNonce bool
}

// Service judges proofs.
type Service struct {
	deps Deps
	seen *proof.Memory
}

// New returns a Service.
func New(d Deps) *Service { return &Service{deps: d, seen: proof.NewMemory(0)} }

var (
	errReplay = oauth.Fail(oauth.InvalidDPoPProof, "This DPoP proof was used before. Make a new one, with a new jti, for every request.")
	errKey    = oauth.Fail(oauth.InvalidDPoPProof, "The DPoP proof is of another key than the one that this is bound to.")
	errNone   = oauth.Fail(oauth.InvalidDPoPProof, "This needs a DPoP proof: send one in the header DPoP.")
	errFull   = fault.New(fault.Unavailable, fault.CodeUnavailable, "The server cannot remember more DPoP proofs now. Try again in a moment.")
	errNonce  = oauth.Fail(oauth.UseDPoPNonce, "Make a new DPoP proof with the nonce of the header DPoP-Nonce.")
)

// Read judges the proof of a request to an endpoint of the authorization server. Without a proof,
// and with none required, it returns the zero Proof. The error is an *oauth.Error with
// InvalidDPoPProof, or UseDPoPNonce: then the answer carries Nonce in the header DPoP-Nonce. The
// proof still has to be spent.
func (s *Service) Read(account ident.AccountID, r Request, w Want) (Proof, error) {
	if len(r.Headers) == 0 {
		if w.Required || w.JKT != "" {
			return Proof{}, errNone
		}
		return Proof{}, nil
	}
	return s.read(account, ForServer, r, w, "")
}

func (s *Service) read(account ident.AccountID, kind Kind, r Request, w Want, token string) (Proof, error) {
	got, err := proof.Verify(r.Headers, proof.Expect{
		Method: r.Method, URL: r.URL, AccessToken: token, Now: s.deps.Clock.Now(),
		Nonce: func(nonce string) bool {
			if nonce == "" {
				return !s.deps.RequireNonce
			}
			return s.Knows(account, kind, nonce)
		},
	})
	switch {
	case errors.Is(err, proof.ErrMissing):
		return Proof{}, errNone
	case errors.Is(err, proof.ErrNonce):
		return Proof{}, errNonce
	case err != nil:
		return Proof{}, describe(err)
	case w.JKT != "" && w.JKT != got.JKT:
		return Proof{}, errKey
	}
	return Proof{JKT: got.JKT, hash: hash(got.JKT, got.ID, r), until: got.Until}, nil
}

// describe tells the developer what is wrong; the texts of client/dpop repeat nothing that was sent.
func describe(err error) error {
	_, why, _ := strings.Cut(err.Error(), proof.ErrProof.Error()+": ")
	return oauth.Fail(oauth.InvalidDPoPProof, printable("The DPoP proof is not valid: "+why+".")).With(err)
}

// printable leaves what RFC 6749 section 5.2 allows in a description.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return '\''
		}
		return c
	}, s)
}

// hash names a proof: its key, its jti, and what it is for.
func hash(jkt, id string, r Request) []byte {
	target, _, _ := strings.Cut(r.URL, "?")
	return secret.Hash("oauth.dpop", strings.Join([]string{jkt, r.Method, target, id}, "\n"))
}

// Spend uses a proof up, in the caller's unit of work. The zero Proof costs nothing.
func (s *Service) Spend(ctx context.Context, t tx.Tx, account ident.AccountID, p Proof) error {
	if p.JKT == "" {
		return nil
	}
	err := s.deps.Store.SpendProof(ctx, t, account, p.hash, p.until)
	if fault.Is(err, fault.Conflict) {
		return errReplay
	}
	return err
}

// Check is Read and Spend, in a unit of work of its own. It returns the thumbprint of the key, or "".
func (s *Service) Check(ctx context.Context, account ident.AccountID, r Request, w Want) (jkt string, err error) {
	p, err := s.Read(account, r, w)
	if err != nil || p.JKT == "" {
		return "", err
	}
	err = s.deps.DB.Write(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		return s.Spend(ctx, t, account, p)
	})
	return p.JKT, err
}

// CheckToken judges the proof that came with an access token to the API, and remembers it. It uses
// no database. The errors are those of Read, and a fault of kind Unavailable.
func (s *Service) CheckToken(account ident.AccountID, r Request, jkt, token string) error {
	p, err := s.read(account, ForAPI, r, Want{Required: true, JKT: jkt}, token)
	if err != nil {
		return err
	}
	fresh, full := s.seen.Take(string(p.hash)+string(account), p.until, s.deps.Clock.Now())
	switch {
	case full:
		return errFull
	case !fresh:
		return errReplay
	}
	return nil
}

// Purge deletes proofs that are too old to be taken again.
func (s *Service) Purge(ctx context.Context, limit int) (n int64, err error) {
	err = s.deps.DB.Write(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		n, err = s.deps.Store.PurgeProofs(ctx, t, limit)
		return err
	})
	return n, err
}
