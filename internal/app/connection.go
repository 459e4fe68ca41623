package app

import (
	"context"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/catalog"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
)

// ConnectionInput is a connection as the command line writes it.
type ConnectionInput = connection.Input

// ConnectionLine is a connection in one line.
type ConnectionLine struct {
	ID, Name, Protocol, Server string
	Active                     bool
}

// Providers names the identity providers that are known beforehand.
func Providers() []string { return catalog.Names() }

// CallbackURL is the address that every provider must be told to send people back to.
func (a *App) CallbackURL() string {
	return a.f.accountDirectory.Issuer(ident.DefaultAccount) + "/login"
}

// AddConnection makes a connection in the default account and returns its id. Without an id it
// gets a random one.
func (a *App) AddConnection(ctx context.Context, in ConnectionInput, id, clientSecret string) (string, error) {
	in.ID, in.Secret = ident.ConnectionID(id), secret.New(clientSecret)
	c, err := a.f.connections.Create(ctx, actor.ForOperator(ident.DefaultAccount), in)
	return string(c.ID), err
}

// Connections lists the connections of the default account.
func (a *App) Connections(ctx context.Context) (out []ConnectionLine, err error) {
	for q, more := (connection.Query{}), true; more; {
		var page []connection.Connection
		if page, more, err = a.f.connections.List(ctx, ident.DefaultAccount, q); err != nil {
			return nil, err
		}
		for _, c := range page {
			server := c.IssuerURL
			if server == "" {
				server = c.AuthenticationURL
			}
			out = append(out, ConnectionLine{string(c.ID), c.Name, string(c.Protocol()), server, c.Active})
			q.After = c.ID
		}
	}
	return out, nil
}

// SwitchConnection turns a connection of the default account on or off.
func (a *App) SwitchConnection(ctx context.Context, id string, active bool) error {
	return a.f.connections.Switch(ctx, actor.ForOperator(ident.DefaultAccount), ident.ConnectionID(id), active)
}

// RemoveConnection deletes a connection of the default account for good.
func (a *App) RemoveConnection(ctx context.Context, id string) error {
	return a.f.connections.Delete(ctx, actor.ForOperator(ident.DefaultAccount), ident.ConnectionID(id))
}
