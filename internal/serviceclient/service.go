package serviceclient

import (
	"context"
	"crypto/ed25519"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/cursor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Page sizes of List.
const (
	DefaultLimit = 20
	MaxLimit     = 20
	MaxFilter    = 64
)

var bounds = cursor.Bounds{Default: DefaultLimit, Max: MaxLimit, Filter: MaxFilter}

// CodeTooManyKeys is the error code of a sixth access key.
const CodeTooManyKeys = "TooManyAccessKeys"

// Service manages service clients. Who may call is decided by the surface.
type Service struct {
	db    tx.Runner
	store Store
	keys  KeyStore
}

// New makes the service.
func New(db tx.Runner, store Store, keys KeyStore) *Service {
	return &Service{db: db, store: store, keys: keys}
}

// Create adds a client to the actor's account, with a random id and no keys.
func (s *Service) Create(ctx context.Context, by actor.Actor, c Client) (Client, error) {
	c = c.clone()
	c.AccountID, c.ID, c.Keys = by.Account, ident.ServiceClientID(ident.New("sc_")), nil
	if err := c.Validate(); err != nil {
		return Client{}, err
	}
	err := s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		c.CreatedAt, c.UpdatedAt = t.Now(), t.Now()
		if err := s.store.Insert(ctx, t, c); err != nil {
			return err
		}
		t.Changed(ChangeKind, c.AccountID, string(c.ID))
		return t.Emit(ctx, event.New(by, EventCreated, string(c.ID), optionDetail(c.Options)...))
	})
	if err != nil {
		return Client{}, fault.Wrap("serviceclient.Create", err)
	}
	return c, nil
}

// Update replaces name, options, rate limits and tags. Keys stay as they are. allow judges
// the options that the client has against those that it would get, on a state that cannot
// change before the update is done; it must not wait for anything.
func (s *Service) Update(ctx context.Context, by actor.Actor, c Client, allow func(before, after Options) error) (Client, error) {
	c = c.clone()
	c.AccountID = by.Account
	if err := c.Validate(); err != nil {
		return Client{}, err
	}
	err := s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		there, err := s.keys.Lock(ctx, t, c.AccountID, c.ID)
		if err != nil {
			return err
		}
		if !there {
			return noClient()
		}
		old, err := s.store.Get(ctx, t, c.AccountID, c.ID)
		if err != nil {
			return err
		}
		if err := allow(old.Options, c.Options); err != nil {
			return err
		}
		c.CreatedAt, c.UpdatedAt, c.Keys = old.CreatedAt, t.Now(), old.Keys
		if _, err := s.store.Update(ctx, t, c); err != nil {
			return err
		}
		t.Changed(ChangeKind, c.AccountID, string(c.ID))
		return t.Emit(ctx, event.New(by, EventUpdated, string(c.ID), optionDetail(c.Options)...))
	})
	return c, fault.Wrap("serviceclient.Update", err)
}

// Delete removes a client and its keys. Its tokens stop working at once on this node, and
// on the others as soon as they hear of it.
func (s *Service) Delete(ctx context.Context, by actor.Actor, id ident.ServiceClientID) error {
	err := s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		ok, err := s.store.Remove(ctx, t, by.Account, id)
		if err != nil {
			return err
		}
		if !ok {
			return noClient()
		}
		t.Changed(ChangeKind, by.Account, string(id))
		return t.Emit(ctx, event.New(by, EventDeleted, string(id)))
	})
	return fault.Wrap("serviceclient.Delete", err)
}

// MadeKey is a key that was made here, with its two secrets on their only way out: both are kept nowhere.
type MadeKey struct {
	Key
	AccessKey    secret.Text
	ClientSecret secret.Text // for OAuth's client_secret_basic and client_secret_post; it lives as long as the key
}

// CreateKey makes an access key for a client. When more than MaxActiveKeys would be active it fails
// with Unprocessable, CodeTooManyKeys.
func (s *Service) CreateKey(ctx context.Context, by actor.Actor, id ident.ServiceClientID) (MadeKey, error) {
	made := newAccessKey(by.Account, id)
	value, hash := newSecret()
	k, err := s.addKey(ctx, by, id, Key{KeyID: made.KeyID, PublicKey: made.Public(), SecretHash: hash}, false)
	if err != nil {
		return MadeKey{}, err
	}
	return MadeKey{k, made.Text(), value}, nil
}

// BringKey keeps a public key whose private half the caller has, for example in a key
// management service. Errors as CreateKey.
func (s *Service) BringKey(ctx context.Context, by actor.Actor, id ident.ServiceClientID, public ed25519.PublicKey) (Key, error) {
	if len(public) != ed25519.PublicKeySize || weak(public) {
		return Key{}, invalid("The public key cannot be used.")
	}
	return s.addKey(ctx, by, id, Key{KeyID: ident.KeyID(ident.New("")), PublicKey: public}, true)
}

func (s *Service) addKey(ctx context.Context, by actor.Actor, id ident.ServiceClientID, k Key, brought bool) (Key, error) {
	err := s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		k.CreatedAt = t.Now()
		added, err := s.keys.AddKey(ctx, t, by.Account, id, k, MaxActiveKeys)
		if err != nil {
			return err
		}
		switch added {
		case NoClient:
			return noClient()
		case TooManyKeys:
			return fault.New(fault.Unprocessable, CodeTooManyKeys, "A service client has at most 5 active access keys. Remove one first.")
		}
		t.Changed(ChangeKind, by.Account, string(id))
		detail := []string{"keyId", string(k.KeyID)}
		if brought {
			detail = append(detail, "brought", "true")
		}
		return t.Emit(ctx, event.New(by, EventKeyCreated, string(id), detail...))
	})
	return k, fault.Wrap("serviceclient.addKey", err)
}

// DeleteKey removes an access key for good. What it signed stops working at once on this
// node, and on the others as soon as they hear of it.
func (s *Service) DeleteKey(ctx context.Context, by actor.Actor, id ident.ServiceClientID, key ident.KeyID) error {
	err := s.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		ok, err := s.keys.RemoveKey(ctx, t, by.Account, id, key)
		if err != nil {
			return err
		}
		if !ok {
			return fault.New(fault.NotFound, fault.CodeNotFound, "There is no such access key.")
		}
		t.Changed(ChangeKind, by.Account, string(id))
		return t.Emit(ctx, event.New(by, EventKeyDeleted, string(id), "keyId", string(key)))
	})
	return fault.Wrap("serviceclient.DeleteKey", err)
}

// Get returns one client with its active keys.
func (s *Service) Get(ctx context.Context, account ident.AccountID, id ident.ServiceClientID) (Client, error) {
	var out Client
	err := s.db.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
		out, err = s.store.Get(ctx, t, account, id)
		return err
	})
	return out, fault.Wrap("serviceclient.Get", err)
}

// List returns a page of an account's clients in the order of their ids. next is the After
// of the following page, empty on the last.
func (s *Service) List(ctx context.Context, account ident.AccountID, q Query) (page []Client, next ident.ServiceClientID, err error) {
	limit, filter, err := bounds.Fit(q.Limit, q.Filter)
	if err != nil {
		return nil, "", err
	}
	q.Limit, q.Filter = limit+1, filter // one more tells whether there is a next page
	err = s.db.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
		page, err = s.store.List(ctx, t, account, q)
		return err
	})
	if err != nil {
		return nil, "", fault.Wrap("serviceclient.List", err)
	}
	page, next = cursor.Cut(page, limit, func(one Client) ident.ServiceClientID { return one.ID })
	return page, next, nil
}

// optionDetail puts the powers of a client into the audit trail.
func optionDetail(o Options) []string {
	var out []string
	if o.GrantUserPermissionsAccess {
		out = append(out, "grantUserPermissionsAccess", "true")
	}
	if o.GrantTokenGeneration {
		out = append(out, "grantTokenGeneration", "true")
	}
	return out
}

func noClient() error {
	return fault.New(fault.NotFound, fault.CodeNotFound, "There is no such service client.")
}
