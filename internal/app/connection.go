package app

import (
	"context"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/catalog"
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
	return a.f.accountDirectory.Issuer(a.chosen) + "/login"
}

// AddConnection makes a connection in the chosen account and returns its id. Without an id it
// gets a random one.
func (a *App) AddConnection(ctx context.Context, in ConnectionInput, id, clientSecret string) (string, error) {
	in.ID, in.Secret = ident.ConnectionID(id), secret.New(clientSecret)
	c, err := a.f.connections.Create(ctx, a.operator(), in)
	return string(c.ID), err
}

// Connections lists the connections of the chosen account.
func (a *App) Connections(ctx context.Context) (out []ConnectionLine, err error) {
	for q, more := (connection.Query{}), true; more; {
		var page []connection.Connection
		if page, more, err = a.f.connections.List(ctx, a.chosen, q); err != nil {
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

// SwitchConnection turns a connection of the chosen account on or off.
func (a *App) SwitchConnection(ctx context.Context, id string, active bool) error {
	return a.f.connections.Switch(ctx, a.operator(), ident.ConnectionID(id), active)
}

// RemoveConnection deletes a connection of the chosen account for good.
func (a *App) RemoveConnection(ctx context.Context, id string) error {
	return a.f.connections.Delete(ctx, a.operator(), ident.ConnectionID(id))
}
