package signal

import (
	"cmp"
	"context"
	"slices"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// The events of this feature; the target is the stream.
const (
	EventCreated  = "signal.stream.created"  // details "client", "method", and "host" when it is pushed
	EventUpdated  = "signal.stream.updated"  // details "status", "method", and "host" when it is pushed
	EventDeleted  = "signal.stream.deleted"  // detail "client"; the target is the client when all its streams went with it
	EventDisabled = "signal.stream.disabled" // by Admit; detail "why"
	EventRefused  = "signal.event.refused"   // the receiver does not take events; details "problem", "events"
)

// Deps is what the service needs.
type Deps struct {
	DB      tx.Runner
	Streams Streams
	Queue   Queue
	Keys    *crypt.Keys
	// Provide makes the account's key for an algorithm if there is none.
	Provide func(ctx context.Context, t tx.Tx, account ident.AccountID, alg string) error
	Issuer  func(ident.AccountID) string
	// PlainLoopback lets receivers on this machine be reached over http, for development.
	PlainLoopback bool
	MaxPending    int // optional; how much may wait for a receiver, instead of MaxPending
}

// Service holds the verbs of streams. A stream is its client's alone: for everybody else there is none.
type Service struct {
	d       Deps
	waiting chan struct{}
}

// New makes the service.
func New(d Deps) *Service {
	d.MaxPending = cmp.Or(d.MaxPending, MaxPending)
	return &Service{d, make(chan struct{}, maxWaiting)}
}

// Create makes a stream for the service client that asks. Errors: Invalid; Conflict for one too many.
func (s *Service) Create(ctx context.Context, by actor.Actor, in Settings) (Stream, error) {
	one := Stream{
		Account: by.Account, ID: ident.New("stm_"), Client: ident.ServiceClientID(by.ID), Method: Poll, Kinds: kindsOf(nil),
		Alg: jose.EdDSA, Status: Enabled, Version: 1,
	}
	if err := own(by); err != nil {
		return one, err
	}
	if err := s.apply(&one, in); err != nil {
		return one, err
	}
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		one.CreatedAt = t.Now()
		if err := s.d.Provide(ctx, t, by.Account, one.Alg); err != nil {
			return err
		}
		ok, err := s.d.Streams.Insert(ctx, t, one, MaxPerClient, MaxPerAccount)
		if err == nil && !ok {
			err = errTooMany
		}
		if err != nil {
			return err
		}
		return t.Emit(ctx, event.New(by, EventCreated, one.ID, append(one.where(), "client", string(one.Client))...))
	})
	return one, fault.Wrap("signal.Create", err)
}

// own refuses who is no service client: nobody else has streams.
func own(by actor.Actor) error {
	if by.Kind != actor.ServiceClient || by.ID == "" {
		return fault.New(fault.Forbidden, fault.CodeForbidden, "Only service clients have streams.")
	}
	return nil
}

// Get returns a stream of the service client that asks. Errors: NotFound.
func (s *Service) Get(ctx context.Context, by actor.Actor, id string) (one Stream, err error) {
	if err := own(by); err != nil {
		return one, err
	}
	err = s.d.DB.Read(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		one, err = s.get(ctx, t, by, id)
		return err
	})
	return one, fault.Wrap("signal.Get", err)
}

func (s *Service) get(ctx context.Context, t tx.Tx, by actor.Actor, id string) (Stream, error) {
	one, err := s.d.Streams.Get(ctx, t, by.Account, ident.ServiceClientID(by.ID), id)
	if fault.Is(err, fault.NotFound) {
		return one, errNone
	}
	return one, err
}

// List returns the streams of the service client that asks.
func (s *Service) List(ctx context.Context, by actor.Actor) (all []Stream, err error) {
	if err := own(by); err != nil {
		return nil, err
	}
	err = s.d.DB.Read(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		all, err = s.d.Streams.Of(ctx, t, by.Account, ident.ServiceClientID(by.ID))
		return err
	})
	return all, fault.Wrap("signal.List", err)
}

// Change puts settings over those of a stream; whole first takes away whatever they do not name. Errors: NotFound, Invalid,
// Conflict.
func (s *Service) Change(ctx context.Context, by actor.Actor, id string, in Settings, whole bool) (Stream, error) {
	return s.change(ctx, by, id, func(t tx.Tx, one *Stream) error {
		if whole {
			fresh := Stream{Method: Poll, Kinds: kindsOf(nil), Alg: jose.EdDSA}
			one.Method, one.Endpoint, one.Header, one.Requested, one.Kinds, one.Description, one.Alg =
				fresh.Method, "", nil, nil, fresh.Kinds, "", fresh.Alg
		}
		if err := s.apply(one, in); err != nil {
			return err
		}
		return s.d.Provide(ctx, t, by.Account, one.Alg)
	})
}

// SetStatus is the receiver's wish to be told, to be told later, or not to be told. What waits is dropped when a
// stream is disabled. Errors: NotFound, Invalid, Conflict.
func (s *Service) SetStatus(ctx context.Context, by actor.Actor, id string, to Status, reason string) (Stream, error) {
	reason, err := reasonOf(reason)
	if err == nil && !slices.Contains([]Status{Enabled, Paused, Disabled}, to) {
		err = invalid("status is enabled, paused or disabled.")
	}
	if err != nil {
		return Stream{}, err
	}
	return s.change(ctx, by, id, func(t tx.Tx, one *Stream) error {
		if to == Disabled || one.Status == Disabled {
			if err := s.d.Queue.Clear(ctx, t, *one); err != nil {
				return err
			}
		}
		one.Status, one.Reason = to, reason
		return nil
	})
}

func (s *Service) change(ctx context.Context, by actor.Actor, id string, fn func(tx.Tx, *Stream) error) (one Stream, err error) {
	if err := own(by); err != nil {
		return one, err
	}
	err = s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		if one, err = s.get(ctx, t, by, id); err != nil {
			return err
		}
		if err := fn(t, &one); err != nil {
			return err
		}
		ok, err := s.d.Streams.Update(ctx, t, one)
		if err == nil && !ok {
			err = errRaced
		}
		if err != nil {
			return err
		}
		return t.Emit(ctx, event.New(by, EventUpdated, one.ID, append(one.where(), "status", string(one.Status))...))
	})
	return one, fault.Wrap("signal.change", err)
}

// Delete ends a stream. Errors: NotFound.
func (s *Service) Delete(ctx context.Context, by actor.Actor, id string) error {
	if err := own(by); err != nil {
		return err
	}
	err := s.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		if _, err := s.get(ctx, t, by, id); err != nil {
			return err
		}
		n, err := s.d.Streams.Remove(ctx, t, by.Account, ident.ServiceClientID(by.ID), id)
		if err == nil && n == 0 {
			err = errNone
		}
		if err != nil {
			return err
		}
		return t.Emit(ctx, event.New(by, EventDeleted, id, "client", by.ID))
	})
	return fault.Wrap("signal.Delete", err)
}

// ForgetClient is the reaction to the end of a service client: its streams end with it.
func (s *Service) ForgetClient(ctx context.Context, t tx.Tx, e event.Event) error {
	n, err := s.d.Streams.Remove(ctx, t, e.Account, ident.ServiceClientID(e.Target), "")
	if err != nil || n == 0 {
		return err
	}
	return t.Emit(ctx, event.New(e.Actor, EventDeleted, e.Target, "client", e.Target))
}

// apply puts settings over a stream and checks the whole.
func (s *Service) apply(one *Stream, in Settings) error {
	header := ""
	if d := in.Delivery; d != nil {
		same := d.Method == one.Method && d.Endpoint == one.Endpoint
		one.Method, one.Endpoint = d.Method, d.Endpoint
		switch {
		case d.Header != nil:
			header, one.Header = *d.Header, nil
		case !same: // what one address may know, another must not
			one.Header = nil
		}
	}
	if one.Method == Poll {
		one.Endpoint, one.Header = "", nil
	}
	if in.Requested != nil {
		one.Requested = *in.Requested
		one.Kinds = kindsOf(one.Requested)
	}
	if in.Description != nil {
		one.Description = *in.Description
	}
	if in.Alg != nil {
		one.Alg = *in.Alg
	}
	if err := one.validate(header, s.d.PlainLoopback); err != nil {
		return err
	}
	if header != "" {
		one.Header = s.d.Keys.Seal(purposeHeader, []byte(header), place(*one)...)
	}
	return nil
}

const purposeHeader = "signal authorization header"

// place binds the header to the address that may hear it.
func place(s Stream) []string {
	return []string{string(s.Account), "stream", s.ID, "authorization", s.Endpoint, "1"}
}

// Authorization is the header that a stream is pushed with, or empty.
func (s *Service) Authorization(one Stream) (secret.Text, error) {
	if len(one.Header) == 0 {
		return secret.Text{}, nil
	}
	plain, err := s.d.Keys.Open(purposeHeader, one.Header, place(one)...)
	if err != nil {
		return secret.Text{}, fault.Wrap("signal.Authorization", err)
	}
	return secret.New(string(plain)), nil
}
