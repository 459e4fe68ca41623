// Package owner owns who gets everything in an account without being given it by somebody: the first administrator,
// and service clients of the command line.
//
// Entry points: First, Key, Any.
//
// Never: to take for an owner what somebody has called so. Names of clients and ids of records are chosen by whoever
// may make them.
package owner

import (
	"context"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/serviceclient"
)

// record begins the ids of the records that make somebody an owner of the account.
const record = "owner_"

// Service makes owners. Its members make the services of a unit of work.
type Service struct {
	DB      tx.Runner
	Clients func(tx.Runner) *serviceclient.Service
	Records func(tx.Runner) *access.Service
}

// Any tells whether somebody is an owner by a setup link.
func (s Service) Any(ctx context.Context) (bool, error) {
	records, _, err := s.Records(s.DB).ListRecords(ctx, actor.ForSystem(ident.DefaultAccount), access.Active,
		access.Page{Filter: record + "usr_", Limit: 1})
	return len(records) > 0, err
}

// First makes a person an owner of the account, with a first service client and its
// access key, all in the unit of work that ends their login.
func (s Service) First(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID) (login.SetupOutcome, error) {
	account := by.Account
	if err := s.make(ctx, t, account, string(id), "Administrator by setup link"); err != nil {
		return login.SetupOutcome{}, err
	}
	const name = "First access key"
	by, clients := actor.ForSystem(account), s.Clients(tx.Join(t))
	client, err := clients.Create(ctx, by, serviceclient.Client{Name: name})
	if err != nil {
		return login.SetupOutcome{}, err
	}
	if err := s.make(ctx, t, account, string(client.ID), "Service client "+name); err != nil {
		return login.SetupOutcome{}, err
	}
	made, err := clients.CreateKey(ctx, by, client.ID)
	return login.SetupOutcome{User: id, ClientID: client.ID, AccessKey: made.AccessKey}, err
}

// Key makes an access key for the account's service client of that name, and the client if
// there is none. With admin the client is an owner of the account; one that others may hold
// keys of is never made an owner by its name, which anybody who makes clients can choose.
func (s Service) Key(ctx context.Context, by actor.Actor, name string, admin bool) (key secret.Text, err error) {
	err = s.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		clients := s.Clients(tx.Join(t))
		client, err := findOrCreate(ctx, clients, by, name, func(c serviceclient.Client) (bool, error) {
			if !admin || len(c.Keys) == 0 {
				return true, nil
			}
			return s.is(ctx, t, by.Account, string(c.ID))
		})
		if err != nil {
			return err
		}
		if admin {
			if err := s.make(ctx, t, by.Account, string(client.ID), "Service client "+name); err != nil {
				return err
			}
		}
		made, err := clients.CreateKey(ctx, by, client.ID)
		key = made.AccessKey
		return err
	})
	return key, err
}

// findOrCreate returns the first client of that name that will do, or a new one.
func findOrCreate(ctx context.Context, clients *serviceclient.Service, by actor.Actor, name string, willDo func(serviceclient.Client) (bool, error)) (serviceclient.Client, error) {
	q := serviceclient.Query{Limit: serviceclient.MaxLimit}
	for {
		page, next, err := clients.List(ctx, by.Account, q)
		if err != nil {
			return serviceclient.Client{}, err
		}
		for _, c := range page {
			if c.Name != name {
				continue
			}
			if ok, err := willDo(c); ok || err != nil {
				return c, err
			}
		}
		if next == "" {
			return clients.Create(ctx, by, serviceclient.Client{Name: name})
		}
		q.After = next
	}
}

// make gives somebody everything in the account. Who has it already keeps it. Anybody who
// may make a record could have given it the id; theirs is replaced.
func (s Service) make(ctx context.Context, t tx.Tx, account ident.AccountID, who, name string) error {
	records, by, user := s.Records(tx.Join(t)), actor.ForSystem(account), []ident.UserID{ident.UserID(who)}
	all := access.Record{
		ID: ident.RecordID(record + who), Name: name, Users: user,
		Statements: []access.Statement{{Roles: []ident.RoleID{access.Owner}, Resources: []string{"*"}}},
	}
	_, err := records.CreateRecord(ctx, by, all)
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	owner, err := s.is(ctx, t, account, who)
	if err != nil || owner {
		return err
	}
	all.Admins = user
	_, err = records.ReplaceRecord(ctx, by, all, time.Time{})
	return err
}

// is tells whether somebody has what make gives.
func (s Service) is(ctx context.Context, t tx.Tx, account ident.AccountID, who string) (bool, error) {
	r, err := s.Records(tx.Join(t)).GetRecord(ctx, actor.ForSystem(account), ident.RecordID(record+who))
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return r.Status != access.Deleted && slices.Contains(r.Users, ident.UserID(who)) &&
		slices.ContainsFunc(r.Statements, func(s access.Statement) bool {
			return slices.Contains(s.Roles, access.Owner) && slices.Contains(s.Resources, "*")
		}), err
}
