package begin

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/address"
)

// maxReturn is how long the path and query of an errand may be, in bytes.
const maxReturn = 1024

// StartErrand stores a login for a page of ours. A connection that is not offered is not followed,
// so that the person can choose another. Start says what happens then.
func (s *Service) StartErrand(ctx context.Context, e login.Errand) (started login.Started, err error) {
	err = s.d.DB.Write(ctx, tx.In(e.Account), func(ctx context.Context, t tx.Tx) error {
		started, err = s.StartErrandIn(ctx, t, e)
		return err
	})
	return started, err
}

// StartErrandIn is StartErrand inside the caller's unit of work.
func (s *Service) StartErrandIn(ctx context.Context, t tx.Tx, e login.Errand) (login.Started, error) {
	if !ours(e.Return) {
		return login.Started{}, fault.New(fault.Internal, fault.CodeInternal, "The sign-in has no way back.")
	}
	if e.Application != "" {
		if _, ok := s.d.Applications.Get(e.Account, e.Application); !ok {
			return login.Started{}, invalid("InvalidApplication", "There is no such application.")
		}
	}
	r := login.Request{
		Account: e.Account, ID: login.NewID(), Application: e.Application, Party: e.PartyName, Return: e.Return, Hint: e.Hint,
		Link: e.Link, Replaces: e.Replaces, Fresh: e.Fresh || e.Link != "", MultiAccount: e.Choose, CreatedAt: t.Now(), ExpiresAt: t.Now().Add(login.RequestLife),
	}
	if _, ok := s.d.Connections.Get(e.Account, e.Connection); ok && e.Connection != "" {
		r.Connection = e.Connection
	}
	if e.Link != "" && !s.doors().Offered(r, r.Connection) {
		return login.Started{}, errNotLinkable
	}
	if r.ACR = e.ACR; e.Wish {
		r.ACR = login.WishedACR(e.ACR)
	}
	issuer := s.d.Accounts.Issuer(e.Account)
	if len(e.Hint) > maxReference {
		r.Hint = ""
	}
	r.Twin = !address.SameHost(e.Host, issuer) && address.SameHost(e.Host, address.Twin(issuer))
	if err := s.d.Store.Insert(ctx, t, r); err != nil {
		return login.Started{}, err
	}
	return login.Started{ID: r.ID, URL: login.Address(s.d.Accounts, r)}, nil
}

// Finished tells who finished a login, and in which session; false when nobody has.
func (s *Service) Finished(ctx context.Context, t tx.Tx, account ident.AccountID, id ident.LoginID) (ident.UserID, ident.SessionID, bool, error) {
	r, err := s.d.Store.Get(ctx, t, account, id)
	if fault.Is(err, fault.NotFound) {
		return "", "", false, nil
	}
	return r.User, r.Session, err == nil && !r.DoneAt.IsZero(), err
}

// ours tells whether a browser reads a path, and not another host, out of it (I-2).
func ours(path string) bool {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || len(path) > maxReturn {
		return false
	}
	return !strings.ContainsFunc(path, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' || c == '#' })
}
