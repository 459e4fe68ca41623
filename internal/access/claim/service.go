package claim

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Deps is what the Service works with.
type Deps struct {
	Runner tx.Runner
	Store  Store
	Engine *access.Engine  // judges callers
	Access *access.Service // makes the records of claims
}

// Service configures resources and takes claims.
type Service struct{ d Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d: d} }

// Inside returns the Service with its units of work inside t.
func (s *Service) Inside(t tx.Tx) *Service {
	d := s.d
	d.Runner = tx.Join(t)
	return &Service{d: d}
}

// The events. Their target is the resource in canonical form.
const (
	EventConfigured = "access.resource.configured"
	EventClaimed    = "access.resource.claimed"
)

const kind = "ResourcePermissions"

// MaxClaims is how many resources in force somebody may have by claims alone.
const MaxClaims = 1000

const maxPart = 128 // characters of a collection, and of an id in it

var (
	errNotFound   = fault.New(fault.NotFound, fault.CodeNotFound, "This resource has no configuration.")
	errClaimed    = fault.New(fault.Conflict, "AlreadyClaimed", "Somebody has this resource, or something below it, already.")
	errNotOpen    = fault.New(fault.Forbidden, fault.CodeForbidden, "Nothing in this collection can be claimed.")
	errTooMany    = fault.New(fault.Unprocessable, "TooManyClaims", "You have claimed as many resources as one may.")
	errNoClaimant = fault.New(fault.Invalid, fault.CodeInvalidRequest, "Only users and service clients claim resources.")
)

// Get returns the configuration of a resource. Needs READ Authress:ResourcePermissions/{resource}.
func (s *Service) Get(ctx context.Context, a actor.Actor, resource string) (out Config, err error) {
	r, err := check.ParseResource(resource)
	if err != nil {
		return out, err
	}
	if err := s.d.Engine.Allow(a, "READ", access.System(kind, segments(&r)...)); err != nil {
		return out, err
	}
	err = s.d.Runner.Read(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		out, err = s.d.Store.Config(ctx, t, a.Account, r.String())
		if fault.Is(err, fault.NotFound) {
			return errNotFound
		}
		return err
	})
	return out, fault.Wrap("claim.Get", err)
}

// segments are the parts of the name of the resource's configuration: a right over
// Authress:ResourcePermissions/a is one over the configurations of all below a.
func segments(r *check.Resource) []string { return strings.Split(r.String(), "/") }

// List returns configurations in order of their resources. Needs READ Authress:ResourcePermissions/*.
func (s *Service) List(ctx context.Context, a actor.Actor, after string, limit int) (out []Config, more bool, err error) {
	if err := s.d.Engine.Allow(a, "READ", access.System(kind, "*")); err != nil {
		return nil, false, err
	}
	err = s.d.Runner.Read(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		out, err = s.d.Store.List(ctx, t, a.Account, after, limit+1)
		return err
	})
	if len(out) > limit {
		out, more = out[:limit], true
	}
	return out, more, fault.Wrap("claim.List", err)
}

// Configure replaces the configuration of a resource; what it does not name is off. It needs
// GRANT * Authress:ResourcePermissions/{resource}. Whoever makes it public must also be able to give everybody
// every action on it, and whoever opens it for claims to make others owners of everything
// below it. What was on may stay on. Errors: Invalid, Forbidden.
func (s *Service) Configure(ctx context.Context, a actor.Actor, c Config) (Config, error) {
	r, err := c.prepare()
	if err != nil {
		return Config{}, err
	}
	own := check.SystemResource(kind, segments(&r)...)
	if err := s.d.Engine.AllowHolding(a, check.Grant, "*", &own); err != nil {
		return Config{}, err
	}
	err = s.d.Runner.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		before, err := s.d.Store.Lock(ctx, t, a.Account, c.Resource)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := s.mayOpen(a, &before, &c, &r); err != nil {
			return err
		}
		c.LastUpdated = t.Now()
		if err := s.d.Store.Put(ctx, t, a.Account, c); err != nil {
			return err
		}
		t.Changed(access.ChangeResource, a.Account, c.Resource)
		now := c.Effective()
		return t.Emit(ctx, event.New(a, EventConfigured, c.Resource,
			"public", strconv.FormatBool(now.Public), "claim", strconv.FormatBool(now.Claim)))
	})
	return c, fault.Wrap("claim.Configure", err)
}

// mayOpen is I-14 for a configuration.
func (s *Service) mayOpen(a actor.Actor, before, after *Config, r *check.Resource) error {
	if after.allows(Public) && !before.allows(Public) {
		if err := s.d.Engine.AllowHoldingOn(a, check.Grant, "*", r); err != nil {
			return err
		}
	}
	if after.allows(Claim) && !before.allows(Claim) {
		below := r.Children()
		for _, flag := range []check.Flag{check.Grant, check.Delegate} {
			if err := s.d.Engine.AllowHoldingOn(a, flag, "*", &below); err != nil {
				return err
			}
		}
	}
	return nil
}

// Claim makes the caller the owner of a resource directly below a collection that is open for
// claims, or on which the caller holds DELEGATE * (from now on and without an end). It can be claimed once: not while a record in force gives
// anybody anything on it or below it. Errors: Invalid, Forbidden, Conflict AlreadyClaimed.
func (s *Service) Claim(ctx context.Context, a actor.Actor, collection, id string) (access.Record, error) {
	from, resource, err := claimable(collection, id)
	if err != nil {
		return access.Record{}, err
	}
	delegates := s.d.Engine.AllowHoldingOn(a, check.Delegate, "*", &resource)
	if delegates != nil && !fault.Is(delegates, fault.Forbidden) {
		return access.Record{}, delegates
	}
	if a.ID == "" {
		return access.Record{}, errNoClaimant
	}
	rec := record(a, resource.String())
	err = s.d.Runner.Write(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) (err error) {
		if delegates != nil {
			if err := s.open(ctx, t, a, from.String()); err != nil {
				return err
			}
		}
		// The row first: whoever claims the same waits here until this is done, and then
		// sees the record.
		if err := s.d.Store.Claim(ctx, t, a.Account, Claimed{resource.String(), rec.ID, ident.UserID(a.ID)}); err != nil {
			return err
		}
		if taken, err := s.d.Store.Named(ctx, t, a.Account, resource.String()); err != nil {
			return err
		} else if taken {
			return errClaimed
		}
		if rec, err = s.d.Access.PutJudged(ctx, t, a, rec); err != nil {
			return err
		}
		return t.Emit(ctx, event.New(a, EventClaimed, resource.String(), "record", string(rec.ID)))
	})
	return rec, fault.Wrap("claim.Claim", err)
}

// claimable reads what is to be claimed. There is one spelling of an id: whatever is not exactly
// one plain segment is refused.
func claimable(collection, id string) (from, resource check.Resource, err error) {
	if collection == "" || len(collection) > maxPart || id == "" || len(id) > maxPart {
		return from, resource, invalid("collectionResource and resourceId have 1 to 128 characters.")
	}
	if from, err = configurable(collection); err != nil {
		return from, resource, err
	}
	one, err := check.ParseResource(id)
	if err != nil {
		return from, resource, err
	}
	if from.Pattern() || one.Pattern() || one.String() != id || strings.Contains(id, "/") {
		return from, resource, invalid("A claim names one collection, and one id without slashes and stars.")
	}
	resource, err = check.ParseResource(from.String() + "/" + id)
	return from, resource, err
}

// open refuses a collection that is not open for claims, and callers who have claimed too much.
func (s *Service) open(ctx context.Context, t tx.Tx, a actor.Actor, collection string) error {
	c, err := s.d.Store.Config(ctx, t, a.Account, collection)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if !c.allows(Claim) {
		return errNotOpen
	}
	n, err := s.d.Store.Count(ctx, t, a.Account, ident.UserID(a.ID), MaxClaims)
	if err == nil && n >= MaxClaims {
		err = errTooMany
	}
	return err
}

func record(a actor.Actor, resource string) access.Record {
	name := fmt.Sprintf("Claim of %s", resource)
	if len(name) > maxPart {
		name = name[:maxPart]
	}
	who := []ident.UserID{ident.UserID(a.ID)}
	return access.Record{
		ID: ident.RecordID(ident.New("rec_")), Name: name, Users: who, Admins: who,
		Statements: []access.Statement{{Roles: []ident.RoleID{access.Owner}, Resources: []string{resource}}},
	}
}

// ForgetUser is the reaction to the event "user.deleted". What the user claimed stays taken as long as its
// record is in force.
func (s *Service) ForgetUser(ctx context.Context, t tx.Tx, e event.Event) error {
	return fault.Wrap("claim.ForgetUser", s.d.Store.Forget(ctx, t, e.Account, ident.UserID(e.Target)))
}
