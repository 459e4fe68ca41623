package app

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// DefaultAccount is the account that the public URL serves.
const DefaultAccount = string(ident.DefaultAccount)

// AccountLine is an account in one line.
type AccountLine struct {
	ID, Name, URL string
	Hosts         string // custom domains, separated by blanks
}

// Choose makes the commands after it work on an account of the deployment.
func (a *App) Choose(ctx context.Context, id string) error {
	_, err := a.f.accounts.Get(ctx, ident.AccountID(id))
	if fault.Is(err, fault.NotFound) {
		return fault.Newf(fault.NotFound, fault.CodeNotFound, "There is no account %q. admit account list shows them.", id)
	}
	a.chosen = ident.AccountID(id)
	return err
}

// operator is the person at the command line, in the chosen account.
func (a *App) operator() actor.Actor { return actor.ForOperator(a.chosen) }

// CreateAccount makes an account that answers on a custom domain and returns its id.
func (a *App) CreateAccount(ctx context.Context, name, host string) (string, error) {
	made, err := a.f.accounts.Create(ctx, a.operator(), name, host)
	if err == nil {
		awaitOthers(ctx)
	}
	return string(made.ID), err
}

// Accounts lists the accounts of the deployment.
func (a *App) Accounts(ctx context.Context) ([]AccountLine, error) {
	all, err := a.f.accounts.List(ctx)
	out := make([]AccountLine, 0, len(all))
	for _, found := range all {
		out = append(out, line(a, found))
	}
	return out, err
}

func line(a *App, found account.Account) AccountLine {
	return AccountLine{
		ID: string(found.ID), Name: found.Name, URL: a.f.accountDirectory.Issuer(found.ID), Hosts: strings.Join(found.Hosts, " "),
	}
}

// AddHost lets the chosen account answer on one more custom domain.
func (a *App) AddHost(ctx context.Context, host string) error {
	return a.f.accounts.AddHost(ctx, a.operator(), a.chosen, host)
}

// RemoveHost takes a custom domain from the chosen account.
func (a *App) RemoveHost(ctx context.Context, host string) error {
	return a.f.accounts.RemoveHost(ctx, a.operator(), a.chosen, host)
}
