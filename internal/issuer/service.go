package issuer

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/connection/document"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Deps is what the service works with.
type Deps struct {
	DB    tx.Runner
	Store Store
	// Own tells whether an issuer is this deployment: an account's, or a service client's.
	Own func(issuer string) bool
	// PlainLoopback lets issuers on this machine be reached over http, for development.
	PlainLoopback bool
}

// Service manages whom an account trusts. Who may call is decided by the surface: whoever may
// name an issuer can be anyone of its namespace, now or later.
type Service struct{ d Deps }

// New makes the service.
func New(d Deps) *Service { return &Service{d} }

// Input is a trust as an administrator writes it: the issuer, or one of its tokens to read issuer
// and audience from. The token proves nothing and is not kept.
type Input struct {
	Issuer, Audience, Expression string
	Token                        secret.Text
}

// Link makes the actor's account trust an issuer for one audience. The same again changes
// nothing. Errors: Invalid; Conflict when issuer and audience are trusted with another
// expression; Unprocessable for one too many.
func (s *Service) Link(ctx context.Context, by actor.Actor, in Input) (i Issuer, err error) {
	if err := in.readToken(); err != nil {
		return Issuer{}, err
	}
	if in.Expression == "" {
		in.Expression = DefaultExpression
	}
	i = Issuer{Account: by.Account, ID: ID(ident.New("idn_")), URL: in.Issuer, Audience: in.Audience, Expression: in.Expression}
	if err := i.validate(s.d.PlainLoopback); err != nil {
		return Issuer{}, err
	}
	if s.d.Own(i.URL) {
		return Issuer{}, invalid("This issuer is the server itself; its tokens need no link.")
	}
	err = s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		i.CreatedAt = t.Now()
		added, err := s.d.Store.Insert(ctx, t, i, MaxIssuers)
		if err != nil {
			return err
		}
		if !added {
			i, err = s.there(ctx, t, i)
			return err
		}
		t.Changed(ChangeKind, by.Account, string(i.ID))
		return t.Emit(ctx, event.New(by, EventLinked, string(i.ID), "issuer", i.URL, "audience", i.Audience, "userIdExpression", i.Expression))
	})
	if err != nil {
		return Issuer{}, fault.Wrap("issuer.Link", err)
	}
	return i, nil
}

// there returns the trust that stands in the way of a new one.
func (s *Service) there(ctx context.Context, t tx.Tx, i Issuer) (Issuer, error) {
	all, err := s.d.Store.List(ctx, t, i.Account)
	if err != nil {
		return Issuer{}, err
	}
	at := slices.IndexFunc(all, func(o Issuer) bool { return o.URL == i.URL && o.Audience == i.Audience })
	switch {
	case at < 0:
		return Issuer{}, fault.New(fault.Unprocessable, fault.CodeInvalidRequest, "An account links at most 100 identity issuers.")
	case all[at].Expression != i.Expression:
		return Issuer{}, fault.New(fault.Conflict, fault.CodeConflict, "This issuer and audience are linked with another userIdExpression. Delete that link first: its people get other ids.")
	}
	return all[at], nil
}

// Unlink ends a trust: bearers that it let in are refused at once on this node, and on the others
// as soon as they hear of it.
func (s *Service) Unlink(ctx context.Context, by actor.Actor, id ID) error {
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		ok, err := s.d.Store.Remove(ctx, t, by.Account, id)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.NotFound, fault.CodeNotFound, "There is no such linked identity.")
		}
		t.Changed(ChangeKind, by.Account, string(id))
		return t.Emit(ctx, event.New(by, EventUnlinked, string(id)))
	})
	return fault.Wrap("issuer.Unlink", err)
}

// List returns whom an account trusts, in the order in which it began to.
func (s *Service) List(ctx context.Context, account ident.AccountID) (all []Issuer, err error) {
	err = s.d.DB.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		all, err = s.d.Store.List(ctx, t, account)
		return err
	})
	return all, fault.Wrap("issuer.List", err)
}

// readToken takes issuer and audience from a token.
func (in *Input) readToken() error {
	if in.Token.Empty() {
		return nil
	}
	claims, err := peek(in.Token.Reveal())
	if err != nil {
		return invalid("jwt is not a JSON Web Token.")
	}
	said, ok := claims.Strings("aud")
	switch {
	case claims.String("iss") == "" || !ok || len(said) == 0:
		return invalid("The jwt has no iss or no aud.")
	case in.Issuer != "" && in.Issuer != claims.String("iss"):
		return invalid("The jwt is another issuer's than issuer.")
	case in.Audience == "" && len(said) > 1:
		return invalid("The jwt has several audiences. Name one of them as preferredAudience.")
	case in.Audience != "" && in.Audience != "*" && !slices.Contains(said, in.Audience):
		return invalid("The jwt does not have the preferredAudience in aud.")
	}
	in.Issuer = claims.String("iss")
	if in.Audience == "" {
		in.Audience = said[0]
	}
	return nil
}

// maxPeek is the longest token that is read, in bytes.
const maxPeek = 16 << 10

// peek reads the claims of a token that nobody has checked.
func peek(token string) (document.Object, error) {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, found := strings.Cut(rest, ".")
	if !found || len(token) > maxPeek || strings.ContainsAny(payload, "\r\n") {
		return nil, errNotToken
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(payload)
	if err != nil {
		return nil, errNotToken
	}
	return document.Parse(text)
}
