package tenant_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/account/tenant"
	"github.com/admit-id/admit/internal/account/tenant/tenantdb"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	acc   ident.AccountID = "acc_a"
	other ident.AccountID = "acc_b"
)

var operator = actor.ForOperator(acc)

type world struct {
	*tenant.Service
	t         *testing.T
	db        *sqldb.DB
	directory *tenant.Directory
	dropped   []ident.ConnectionID
}

func (w *world) Exists(_ context.Context, _ tx.Tx, _ ident.AccountID, id ident.ConnectionID) (bool, error) {
	return id != "con_missing", nil
}

func (w *world) DropOwn(_ context.Context, _ tx.Tx, _ actor.Actor, id ident.ConnectionID, _ ident.TenantID) error {
	w.dropped = append(w.dropped, id)
	return nil
}

type people struct{}

func (people) Exists(_ context.Context, _ tx.Tx, account ident.AccountID, id ident.UserID) (bool, error) {
	return account == acc && id != "missing", nil
}

func each(t *testing.T, fn func(w *world)) {
	sqldbtest.Each(t, tenantdb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		w := &world{t: t, db: db, directory: tenant.NewDirectory(tenantdb.Store{})}
		w.Service = tenant.New(tenant.Deps{DB: db, Store: tenantdb.Store{}, Members: tenantdb.Members{}, Directory: w.directory, Connections: w, Users: people{}})
		follower := feed.NewFollower(db, db, time.Minute)
		follower.Subscribe(w.directory, tenant.ChangeKind)
		if err := follower.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		db.Follow(follower.WaitFor)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { follower.Run(ctx); close(done) }()
		t.Cleanup(func() { stop(); <-done })
		fn(w)
	})
}

func (w *world) make(n tenant.Tenant) tenant.Tenant {
	w.t.Helper()
	out, err := w.Create(w.t.Context(), operator, tenant.Input{Tenant: n})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) admit(a tenant.Arrival) (id ident.TenantID, err error) {
	w.t.Helper()
	if a.By.Account == "" {
		a.By = operator
	}
	err = w.db.Write(w.t.Context(), tx.In(a.By.Account), func(ctx context.Context, t tx.Tx) error {
		id, err = w.Admit(ctx, t, a)
		return err
	})
	return id, err
}

func (w *world) members(id ident.TenantID) int {
	w.t.Helper()
	list, err := w.Members(w.t.Context(), acc, id, "", 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(list)
}

func TestAdmit(t *testing.T) {
	each(t, func(w *world) {
		w.make(tenant.Tenant{ID: "ten_sso", Lookup: "sso", Domains: []string{"sso.test"}, Connection: "con_sso"})
		w.make(tenant.Tenant{ID: "ten_google", Lookup: "google", Domains: []string{"g.test"}, Connection: "con_google"})
		w.make(tenant.Tenant{ID: "ten_s1", Domains: []string{"s1.test"}, Connection: "con_shared"})
		w.make(tenant.Tenant{ID: "ten_s2", Domains: []string{"s2.test"}, Connection: "con_shared"})
		w.make(tenant.Tenant{ID: "ten_open", Domains: []string{"open.test"}})
		for name, c := range map[string]struct {
			a    tenant.Arrival
			want ident.TenantID
			bad  bool
		}{
			"its own connection":                        {tenant.Arrival{Wanted: "ten_sso", Connection: "con_sso", Closed: true}, "ten_sso", false},
			"its own connection, not asked for":         {tenant.Arrival{Connection: "con_sso", Closed: true}, "ten_sso", false},
			"asked for, by another tenant's connection": {tenant.Arrival{Wanted: "ten_sso", Connection: "con_google", Email: "x@sso.test", Verified: true}, "", true},
			"asked for, by another's, which falls back": {tenant.Arrival{Wanted: "ten_sso", Connection: "con_any", Fallback: true, Email: "x@sso.test", Verified: true}, "", true},
			"a public connection and no address":        {tenant.Arrival{Wanted: "ten_google", Connection: "con_google"}, "", true},
			"a public connection, address unverified":   {tenant.Arrival{Wanted: "ten_google", Connection: "con_google", Email: "x@g.test"}, "", true},
			"a public connection, another's address":    {tenant.Arrival{Wanted: "ten_google", Connection: "con_google", Email: "x@evil.test", Verified: true}, "", true},
			"a public connection, a lookalike":          {tenant.Arrival{Wanted: "ten_google", Connection: "con_google", Email: "x@g.test.evil.test", Verified: true}, "", true},
			"a public connection, two at signs":         {tenant.Arrival{Wanted: "ten_google", Connection: "con_google", Email: "x@evil.test@g.test", Verified: true}, "", true},
			"a public connection, its address":          {tenant.Arrival{Wanted: "ten_google", Connection: "con_google", Email: "x@G.test", Verified: true}, "ten_google", false},
			"public, not asked for, no address":         {tenant.Arrival{Connection: "con_google"}, "", false},
			"shared, by domain":                         {tenant.Arrival{Connection: "con_shared", Closed: true, Email: "x@s2.test", Verified: true}, "ten_s2", false},
			"shared, unverified":                        {tenant.Arrival{Connection: "con_shared", Closed: true, Email: "x@s2.test"}, "", false},
			"shared, asked for the other":               {tenant.Arrival{Wanted: "ten_s1", Connection: "con_shared", Closed: true, Email: "x@s2.test", Verified: true}, "", true},
			"nobody's connection":                       {tenant.Arrival{Connection: "con_any", Closed: true, Email: "x@open.test", Verified: true}, "", false},
			"nobody's connection, which falls back":     {tenant.Arrival{Connection: "con_any", Fallback: true, Email: "x@open.test", Verified: true}, "ten_open", false},
			"falls back, to who has a connection":       {tenant.Arrival{Connection: "con_any", Fallback: true, Email: "x@sso.test", Verified: true}, "", false},
			"another's connection, which falls back":    {tenant.Arrival{Wanted: "ten_open", Connection: "con_sso", Closed: true, Fallback: true, Email: "x@open.test", Verified: true}, "", true},
			"falls back, unverified":                    {tenant.Arrival{Connection: "con_any", Fallback: true, Email: "x@open.test"}, "", false},
			"no such tenant":                            {tenant.Arrival{Wanted: "ten_x", Connection: "con_sso", Closed: true}, "", true},
			"another account's":                         {tenant.Arrival{By: actor.ForOperator(other), Wanted: "ten_sso", Connection: "con_sso", Closed: true}, "", true},
		} {
			c.a.User = ident.UserID("u " + name)
			got, err := w.admit(c.a)
			if c.bad != errors.Is(err, tenant.ErrNotMember) || !c.bad && (err != nil || got != c.want) {
				t.Errorf("%s: %q, %v", name, got, err)
			}
			if c.want == "" {
				if of, err := w.TenantsOf(t.Context(), acc, c.a.User); err != nil || len(of) > 0 {
					t.Errorf("%s: a member of %v, %v", name, of, err)
				}
			}
		}
		if n := w.members("ten_sso"); n != 2 {
			t.Errorf("%d members", n)
		}
	})
}

func TestMembers(t *testing.T) {
	each(t, func(w *world) {
		w.make(tenant.Tenant{ID: "ten_g", Connection: "con_google", Domains: []string{"g.test"}})
		if err := w.AddMember(t.Context(), operator, "ten_g", "missing"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if err := w.AddMember(t.Context(), operator, "ten_x", "u1"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if err := w.AddMember(t.Context(), actor.ForOperator(other), "ten_g", "u1"); !fault.Is(err, fault.NotFound) {
			t.Error("from another account:", err)
		}
		for range 2 {
			if err := w.AddMember(t.Context(), operator, "ten_g", "u1"); err != nil {
				t.Fatal(err)
			}
		}
		// Who was made a member comes in without an address, also unasked: it is their only tenant there.
		for _, wanted := range []ident.TenantID{"ten_g", ""} {
			if got, err := w.admit(tenant.Arrival{Wanted: wanted, Connection: "con_google", User: "u1"}); got != "ten_g" || err != nil {
				t.Error(got, err)
			}
		}
		if err := w.RemoveMember(t.Context(), operator, "ten_g", "u1"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.admit(tenant.Arrival{Wanted: "ten_g", Connection: "con_google", User: "u1"}); !errors.Is(err, tenant.ErrNotMember) {
			t.Error(err)
		}
		if err := w.RemoveMember(t.Context(), operator, "ten_g", "u1"); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	})
}

func TestNamesLeadToOne(t *testing.T) {
	each(t, func(w *world) {
		w.make(tenant.Tenant{ID: "ten_a", Lookup: "Acme", Domains: []string{"acme.test"}})
		for name, n := range map[string]tenant.Tenant{
			"the lookup in another case":      {ID: "ten_b", Lookup: "ACME"},
			"the domain":                      {ID: "ten_c", Domains: []string{"c.test", "acme.test"}},
			"the domain as lookup identifier": {ID: "ten_d", Lookup: "Acme.Test"},
			"the id":                          {ID: "ten_a"},
		} {
			if _, err := w.Create(t.Context(), operator, tenant.Input{Tenant: n}); !fault.Is(err, fault.Conflict) {
				t.Errorf("%s: %v", name, err)
			}
			if _, ok := w.directory.Get(acc, n.ID); ok && n.ID != "ten_a" {
				t.Errorf("%s: was made", name)
			}
		}
		if n, ok := w.directory.ByLookup(acc, "aCME"); !ok || n.ID != "ten_a" {
			t.Error(n, ok)
		}
		if n, ok := w.directory.ByDomain(acc, "Bob@Acme.test"); !ok || n.ID != "ten_a" {
			t.Error(n, ok)
		}
		if _, ok := w.directory.ByLookup(other, "acme"); ok {
			t.Error("found from another account")
		}
		if _, ok := w.directory.ByDomain(acc, ""); ok {
			t.Error("no domain leads somewhere")
		}
		if _, err := w.Create(t.Context(), actor.ForOperator(other), tenant.Input{Tenant: tenant.Tenant{ID: "ten_a", Lookup: "acme", Domains: []string{"acme.test"}}}); err != nil {
			t.Error("another account cannot have its own:", err)
		}
	})
}

func TestWhoMayClaim(t *testing.T) {
	each(t, func(w *world) {
		no := fault.New(fault.Forbidden, fault.CodeForbidden, "no")
		refuse := func() error { return no }
		w.make(tenant.Tenant{ID: "ten_a", Domains: []string{"a.test"}})
		try := func(what string, n tenant.Tenant, want error) {
			t.Helper()
			if _, err := w.Update(t.Context(), operator, tenant.Input{Tenant: n, AllowDomains: refuse}); !errors.Is(err, want) {
				t.Errorf("%s: %v", what, err)
			}
		}
		try("what it had", tenant.Tenant{ID: "ten_a", Name: "A", Domains: []string{"a.test"}}, nil)
		try("another domain", tenant.Tenant{ID: "ten_a", Domains: []string{"a.test", "b.test"}}, no)
		try("a lookup identifier that is a domain", tenant.Tenant{ID: "ten_a", Lookup: "b.test"}, no)
		try("a lookup identifier", tenant.Tenant{ID: "ten_a", Lookup: "b", Domains: []string{"a.test"}}, nil)
		try("none", tenant.Tenant{ID: "ten_a"}, nil)
		try("the one it had before", tenant.Tenant{ID: "ten_a", Domains: []string{"a.test"}}, no)

		// Where its domains lead is part of the claim.
		w.make(tenant.Tenant{ID: "ten_b", Domains: []string{"b.test"}, Connection: "con_b"})
		w.make(tenant.Tenant{ID: "ten_c", Lookup: "c.test", Connection: "con_c"})
		try("the connection it had", tenant.Tenant{ID: "ten_b", Name: "B", Domains: []string{"b.test"}, Connection: "con_b"}, nil)
		try("another connection", tenant.Tenant{ID: "ten_b", Domains: []string{"b.test"}, Connection: "con_x"}, no)
		try("no connection, so that every other leads in", tenant.Tenant{ID: "ten_b", Domains: []string{"b.test"}}, no)
		try("another connection for a lookup identifier that is a domain", tenant.Tenant{ID: "ten_c", Lookup: "c.test", Connection: "con_x"}, no)
		try("a lookup identifier that is none any more", tenant.Tenant{ID: "ten_c", Lookup: "c", Connection: "con_c"}, nil)
		try("another connection, without domains", tenant.Tenant{ID: "ten_c", Lookup: "c", Connection: "con_x"}, nil)
		try("another connection, and the domains go", tenant.Tenant{ID: "ten_b", Connection: "con_x"}, nil)
	})
}

func TestDelete(t *testing.T) {
	each(t, func(w *world) {
		w.make(tenant.Tenant{ID: "ten_a", Connection: "con_shared"})
		w.make(tenant.Tenant{ID: "ten_b", Connection: "con_shared"})
		if err := w.Delete(t.Context(), actor.ForOperator(other), "ten_a"); !fault.Is(err, fault.NotFound) {
			t.Error("from another account:", err)
		}
		for i, id := range []ident.TenantID{"ten_a", "ten_b"} {
			if err := w.Delete(t.Context(), operator, id); err != nil || len(w.dropped) != i {
				t.Errorf("%s: %v, dropped %v", id, err, w.dropped)
			}
		}
		if _, err := w.Create(t.Context(), operator, tenant.Input{Tenant: tenant.Tenant{ID: "ten_a"}}); !fault.Is(err, fault.Conflict) {
			t.Error("an id was used twice:", err)
		}

		// A node that starts later knows the id of who is gone too.
		later := tenant.NewDirectory(tenantdb.Store{})
		if err := w.db.Read(t.Context(), tx.System(), later.Load); err != nil {
			t.Fatal(err)
		}
		w.make(tenant.Tenant{ID: "ten_c"})
		for _, d := range []*tenant.Directory{w.directory, later} {
			if _, ok := d.Get(acc, "ten_a"); ok || !d.Known(acc, "ten_a") || !d.Known(acc, "ten_b") {
				t.Error("what is known of the deleted")
			}
			if d.Known(other, "ten_a") || d.Known(acc, "ten_x") || d.Known(acc, "") {
				t.Error("a tenant is known that never was")
			}
		}
		if !w.directory.Known(acc, "ten_c") || !w.directory.Known(acc, "ten_b") {
			t.Error("forgotten with the next change")
		}
	})
}

func TestValidate(t *testing.T) {
	for name, n := range map[string]tenant.Tenant{
		"no id": {}, "an account's id": {ID: "acc_x"}, "a client's id": {ID: "SC_x"}, "a dot": {ID: ".."}, "a slash": {ID: "a/b"},
		"a lookup with a space": {ID: "t", Lookup: "a b"}, "an upper-case domain": {ID: "t", Domains: []string{"A.test"}},
		"a bare name": {ID: "t", Domains: []string{"test"}}, "a trailing dot": {ID: "t", Domains: []string{"a.test."}},
		"a wildcard": {ID: "t", Domains: []string{"*.test"}}, "a hyphen first": {ID: "t", Domains: []string{"-a.test"}},
		"twice": {ID: "t", Domains: []string{"a.test", "a.test"}}, "too many": {ID: "t", Domains: make([]string, 11)},
		"too short": {ID: "t", TokenLife: time.Second}, "too long": {ID: "t", TokenLife: 25 * time.Hour}, "a long session": {ID: "t", SessionLife: 91 * 24 * time.Hour},
		"a control character": {ID: "t", Name: "a\x00b"},
	} {
		if n.Validate() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
