package app

import (
	"context"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/serviceclient"
)

// ownerRecord begins the ids of the records that make somebody an owner of the account.
const ownerRecord = "owner_"

// SetupLink makes the link of the chosen account that makes whoever signs in with it an administrator, once.
func (a *App) SetupLink(ctx context.Context) (string, error) {
	return a.f.setups.Issue(ctx, a.operator())
}

// hasAdministrator tells whether somebody is an owner by a setup link.
func (a *App) hasAdministrator(ctx context.Context) (bool, error) {
	records, _, err := a.f.access.ListRecords(ctx, actor.ForSystem(ident.DefaultAccount), access.Active,
		access.Page{Filter: ownerRecord + "usr_", Limit: 1})
	return len(records) > 0, err
}

// firstAdministrator makes a person an owner of the account, with a first service client and its
// access key, all in the unit of work that ends their login.
func (a *App) firstAdministrator(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID) (login.SetupOutcome, error) {
	account := by.Account
	if err := makeOwner(ctx, newAccess(tx.Join(t), a.f.engine), account, string(id), "Administrator by setup link"); err != nil {
		return login.SetupOutcome{}, err
	}
	client, key, err := a.ownerClient(ctx, tx.Join(t), actor.ForSystem(account), "First access key")
	return login.SetupOutcome{User: id, ClientID: client, AccessKey: key}, err
}

// CreateAccessKey makes an access key for the chosen account's service client of that name, and the client if
// there is none. With admin the client is an owner of the account; one that others may hold
// keys of is never made an owner by its name, which anybody who makes clients can choose.
func (a *App) CreateAccessKey(ctx context.Context, name string, admin bool) (secret.Text, error) {
	by := a.operator()
	var key secret.Text
	err := a.db.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
		clients := newClients(tx.Join(t))
		records := newAccess(tx.Join(t), a.f.engine)
		client, err := findOrCreate(ctx, clients, by, name, func(c serviceclient.Client) (bool, error) {
			if !admin || len(c.Keys) == 0 {
				return true, nil
			}
			return isOwner(ctx, records, by.Account, string(c.ID))
		})
		if err != nil {
			return err
		}
		if admin {
			if err := makeOwner(ctx, records, by.Account, string(client.ID), "Service client "+name); err != nil {
				return err
			}
		}
		made, err := clients.CreateKey(ctx, by, client.ID)
		key = made.AccessKey
		return err
	})
	if err == nil {
		awaitOthers(ctx)
	}
	return key, err
}

// awaitOthers gives servers that run on the same database the time to hear of what this command
// has written, so that whoever reads its output can use it at once.
func awaitOthers(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(feed.PollEvery + 100*time.Millisecond):
	}
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

func (a *App) ownerClient(ctx context.Context, db tx.Runner, by actor.Actor, name string) (ident.ServiceClientID, secret.Text, error) {
	clients := newClients(db)
	client, err := clients.Create(ctx, by, serviceclient.Client{Name: name})
	if err != nil {
		return "", secret.Text{}, err
	}
	if err := makeOwner(ctx, newAccess(db, a.f.engine), by.Account, string(client.ID), "Service client "+name); err != nil {
		return "", secret.Text{}, err
	}
	made, err := clients.CreateKey(ctx, by, client.ID)
	return client.ID, made.AccessKey, err
}

// makeOwner gives somebody everything in the account. Who has it already keeps it. Anybody who
// may make a record could have given it the id; theirs is replaced.
func makeOwner(ctx context.Context, records *access.Service, account ident.AccountID, who, name string) error {
	by, user := actor.ForSystem(account), []ident.UserID{ident.UserID(who)}
	record := access.Record{
		ID: ident.RecordID(ownerRecord + who), Name: name, Users: user,
		Statements: []access.Statement{{Roles: []ident.RoleID{access.Owner}, Resources: []string{"*"}}},
	}
	_, err := records.CreateRecord(ctx, by, record)
	if !fault.Is(err, fault.Conflict) {
		return err
	}
	owner, err := isOwner(ctx, records, account, who)
	if err != nil || owner {
		return err
	}
	record.Admins = user
	_, err = records.ReplaceRecord(ctx, by, record, time.Time{})
	return err
}

// isOwner tells whether somebody has what makeOwner gives.
func isOwner(ctx context.Context, records *access.Service, account ident.AccountID, who string) (bool, error) {
	r, err := records.GetRecord(ctx, actor.ForSystem(account), ident.RecordID(ownerRecord+who))
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return r.Status != access.Deleted && slices.Contains(r.Users, ident.UserID(who)) &&
		slices.ContainsFunc(r.Statements, func(s access.Statement) bool {
			return slices.Contains(s.Roles, access.Owner) && slices.Contains(s.Resources, "*")
		}), err
}
