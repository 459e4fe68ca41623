package connection

import (
	"context"
	"strings"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Events, and the kind of the change feed.
const (
	EventCreated = "connection.created"
	EventUpdated = "connection.updated"
	EventDeleted = "connection.deleted"
	FeedKind     = "connection"
)

// Deps is what the service needs.
type Deps struct {
	Runner  tx.Runner
	Store   Store
	Secrets Secrets
	// PlainLoopback allows http URLs to loopback hosts. It goes with an allowed loopback block
	// of the outbound client, and is for development only.
	PlainLoopback bool
}

// Service is the verbs. Whether the caller may is decided before, at the surface.
type Service struct{ d Deps }

// New returns the service.
func New(d Deps) *Service { return &Service{d} }

// Input is a connection as an administrator writes it.
type Input struct {
	ID ident.ConnectionID // empty: a random one
	Spec
	// Secret is the client secret. Empty keeps the one there is.
	Secret secret.Text
	// Active switches the connection. Nil keeps it as it is; a new one is on.
	Active *bool
	// AllowTrust judges whether the actor may make the account believe somebody else about who
	// people are: asked, inside the unit of work, when that is what the input does. It must not
	// wait for anything. Nil allows it, for the operator.
	AllowTrust func() error
}

// Create makes a connection in the actor's account. Faults: Invalid, Unprocessable, and
// Conflict for an id that is or was in use.
func (s *Service) Create(ctx context.Context, a actor.Actor, in Input) (Connection, error) {
	if in.ID == "" {
		in.ID = ident.ConnectionID(ident.New("con_"))
	}
	c, err := s.build(a.Account, in)
	if err != nil {
		return Connection{}, err
	}
	err = s.d.Runner.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		if err := in.judge(nil, c); err != nil {
			return err
		}
		return s.insert(ctx, t, a, &c)
	})
	return c.shown(), fault.Wrap("connection.Create", err)
}

// Put replaces a connection, or makes it with this id when there is none (the SDKs rely on
// it); created tells which. Faults: as Create.
func (s *Service) Put(ctx context.Context, a actor.Actor, in Input) (c Connection, created bool, err error) {
	if in.ID == Email {
		c, err = s.putEmail(ctx, a, in)
		return c, false, fault.Wrap("connection.Put", err)
	}
	next, err := s.build(a.Account, in)
	if err != nil {
		return Connection{}, false, err
	}
	err = s.d.Runner.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		c = next
		old, err := s.d.Store.Lock(ctx, t, a.Account, in.ID)
		if created = fault.Is(err, fault.NotFound); created {
			if err := in.judge(nil, c); err != nil {
				return err
			}
			return s.insert(ctx, t, a, &c)
		}
		if err != nil {
			return err
		}
		if err := replace(old, &c, in); err != nil {
			return err
		}
		if err := in.judge(&old, c); err != nil {
			return err
		}
		return s.update(ctx, t, a, &c)
	})
	return c.shown(), created, fault.Wrap("connection.Put", err)
}

// replace carries over what an update keeps, and refuses what an update must not change.
func replace(old Connection, c *Connection, in Input) error {
	was, is := old.Spec.filled(), c.Spec.filled()
	if was.Type != is.Type || was.Provider != is.Provider || was.UserIDExpression != is.UserIDExpression ||
		old.shown().Protocol() != c.shown().Protocol() {
		return fault.New(fault.Unprocessable, fault.CodeInvalidRequest, "type, provider, protocol and data.userIdExpression decide who a "+
			"person is and cannot change; make another connection")
	}
	c.CreatedAt = old.CreatedAt
	if in.Active == nil {
		c.Active = old.Active
	}
	if in.Secret.Empty() {
		moved := was.IssuerURL != is.IssuerURL || was.TokenURL != is.TokenURL || was.ClientID != is.ClientID
		if moved && len(old.SealedSecret) > 0 {
			return invalid("clientSecret", "must be given again when the issuer, the tokenUrl or the clientId changes, "+
				"so that it is never sent to somebody else")
		}
		c.SealedSecret = old.SealedSecret
	}
	return nil
}

// build makes a connection of valid input; times come with the write.
func (s *Service) build(account ident.AccountID, in Input) (Connection, error) {
	if !ValidID(in.ID) {
		return Connection{}, invalid("connectionId", "must be 1 to 64 letters, digits, _ and -, begin with a letter or digit, "+
			"and be neither %s nor begin with %s", Email, strings.Join(foreignPrefixes, ", "))
	}
	filled := in.Spec.filled()
	if err := filled.validate(s.d.PlainLoopback); err != nil {
		return Connection{}, err
	}
	if err := in.Spec.validateGiven(filled, in.Secret); err != nil {
		return Connection{}, err
	}
	c := Connection{Account: account, ID: in.ID, Spec: in.Spec, Active: in.Active == nil || *in.Active}
	if !in.Secret.Empty() {
		c.SealedSecret = s.d.Secrets.seal(c, in.Secret)
	}
	return c.clone(), nil
}

func (s Spec) validateGiven(filled Spec, t secret.Text) error {
	if t.Empty() {
		return nil
	}
	return filled.validateSecret(t)
}

func (s *Service) insert(ctx context.Context, t tx.Tx, a actor.Actor, c *Connection) error {
	if c.Spec.filled().signed() && len(c.SealedSecret) == 0 {
		return invalid("clientSecret", "is missing; this provider needs the private key file (.p8)")
	}
	c.CreatedAt, c.UpdatedAt = t.Now(), t.Now()
	ok, err := s.d.Store.Insert(ctx, t, *c)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.Conflict, fault.CodeConflict, "This connectionId is in use or was used by a connection that was deleted; "+
			"an id is never used twice.")
	}
	t.Changed(FeedKind, c.Account, string(c.ID))
	return t.Emit(ctx, event.New(a, EventCreated, string(c.ID), "protocol", string(c.shown().Protocol()), "provider", c.Provider))
}

func (s *Service) update(ctx context.Context, t tx.Tx, a actor.Actor, c *Connection) error {
	c.UpdatedAt = t.Now()
	ok, err := s.d.Store.Update(ctx, t, *c)
	if err != nil {
		return err
	}
	if !ok {
		return notFound()
	}
	t.Changed(FeedKind, c.Account, string(c.ID))
	active := "false"
	if c.Active {
		active = "true"
	}
	return t.Emit(ctx, event.New(a, EventUpdated, string(c.ID), "active", active))
}

// putEmail switches or renames the built-in connection.
func (s *Service) putEmail(ctx context.Context, a actor.Actor, in Input) (c Connection, err error) {
	if in.Type != "" && in.Type != TypeEmail || in.ClientID != "" || in.IssuerURL != "" || in.Provider != "" || !in.Secret.Empty() {
		return c, unsupported("connectionId", "%s is the built-in e-mail connection; only its name, its linkingConfiguration and whether it is active can change", Email)
	}
	if err := validateLinking(in.Linking); err != nil {
		return c, err
	}
	if name := in.Name; name != "" && (PlainText(name, MaxName) != name || len([]rune(name)) > MaxName) {
		return c, invalid("data.name", "must be text of 1 to %d characters", MaxName)
	}
	err = s.d.Runner.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		c, err = s.d.Store.Lock(ctx, t, a.Account, Email)
		missing := fault.Is(err, fault.NotFound)
		if err != nil && !missing {
			return err
		}
		if missing {
			c = emailConnection(a.Account)
		}
		c.Spec = Spec{Type: TypeEmail, Name: first(in.Name, c.Name), Linking: in.Linking}
		if in.Active != nil {
			c.Active = *in.Active
		}
		if missing {
			return s.insert(ctx, t, a, &c)
		}
		return s.update(ctx, t, a, &c)
	})
	return c.shown(), err
}

// Switch turns a connection, also the built-in one, on or off. Faults: NotFound.
func (s *Service) Switch(ctx context.Context, a actor.Actor, id ident.ConnectionID, active bool) error {
	if id == Email {
		_, _, err := s.Put(ctx, a, Input{ID: Email, Active: &active})
		return err
	}
	err := s.d.Runner.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		c, err := s.d.Store.Lock(ctx, t, a.Account, id)
		if fault.Is(err, fault.NotFound) {
			return notFound()
		}
		if err != nil {
			return err
		}
		c.Active = active
		return s.update(ctx, t, a, &c)
	})
	return fault.Wrap("connection.Switch", err)
}

// Get returns one connection. Faults: NotFound.
func (s *Service) Get(ctx context.Context, account ident.AccountID, id ident.ConnectionID) (c Connection, err error) {
	err = s.d.Runner.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		c, err = s.d.Store.Get(ctx, t, account, id)
		if fault.Is(err, fault.NotFound) {
			if id != Email {
				return notFound()
			}
			c, err = emailConnection(account), nil
		}
		return err
	})
	if err != nil {
		return Connection{}, fault.Wrap("connection.Get", err)
	}
	return c.shown(), nil
}

// Delete forgets a connection. People who signed in with it stay, but cannot sign in with it
// again, not even with a later connection to the same provider. Faults: NotFound, Unprocessable.
func (s *Service) Delete(ctx context.Context, a actor.Actor, id ident.ConnectionID) error {
	if id == Email {
		return fault.New(fault.Unprocessable, fault.CodeInvalidRequest,
			"The built-in e-mail connection cannot be deleted; switch it off with isActiveConnection false.")
	}
	err := s.d.Runner.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		ok, err := s.d.Store.Delete(ctx, t, a.Account, id)
		if err != nil {
			return err
		}
		if !ok {
			return notFound()
		}
		t.Changed(FeedKind, a.Account, string(id))
		return t.Emit(ctx, event.New(a, EventDeleted, string(id)))
	})
	return fault.Wrap("connection.Delete", err)
}

// shown is the connection as everybody outside the store sees it.
func (c Connection) shown() Connection {
	c.Spec = c.Spec.filled()
	return c
}

func notFound() error {
	return fault.New(fault.NotFound, fault.CodeNotFound, "There is no such connection.")
}
