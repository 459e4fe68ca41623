package access_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// openResources is an access.ResourceStore beside a database.
type openResources struct {
	mu  sync.Mutex
	all map[ident.AccountID]map[string]access.ResourceConfig
}

var openPerDatabase sync.Map

// openIn returns the store beside the database, the same for all nodes.
func openIn(db *sqldb.DB) *openResources {
	s, _ := openPerDatabase.LoadOrStore(db, &openResources{all: map[ident.AccountID]map[string]access.ResourceConfig{}})
	return s.(*openResources)
}

func (s *openResources) put(account ident.AccountID, c access.ResourceConfig) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all[account] == nil {
		s.all[account] = map[string]access.ResourceConfig{}
	}
	s.all[account][c.Resource] = c
}

func (s *openResources) Get(_ context.Context, _ tx.Tx, account ident.AccountID, resource string) (access.ResourceConfig, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[account][resource], nil
}

func (s *openResources) Each(_ context.Context, _ tx.Tx, fn func(ident.AccountID, access.ResourceConfig) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for account, configs := range s.all {
		for _, c := range configs {
			if err := fn(account, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// open makes a resource public through the store and the change feed.
func (r *rig) open(t *testing.T, account ident.AccountID, resource string) error {
	return r.db.Write(t.Context(), tx.In(account), func(_ context.Context, tr tx.Tx) error {
		openIn(r.db).put(account, access.ResourceConfig{Resource: resource, Public: true})
		tr.Changed(access.ChangeResource, account, resource)
		return nil
	})
}

func TestPublic(t *testing.T) {
	e := engineOf(nil)
	open := func(resource string, on bool) {
		e.PutResource(account, access.ResourceConfig{Resource: resource, Public: on})
	}
	may := func(user ident.UserID, resource string) bool {
		t.Helper()
		got, err := e.Check(account, user, resource, "any:thing")
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, resource := range []string{"docs/handbook", "site/*", "shops/*/window"} {
		open(resource, true)
	}
	for resource, want := range map[string]bool{
		"docs/handbook": true, "docs/handbook/1": true, "docs/handbook/*": true, "docs": false, "docs/*": false, "docs/handbooks": false,
		"site": false, "site/x": true, "shops/s1/window": true, "shops/s1/window/w": true, "shops/s1": false, "shops/*/window": true, "*": false,
	} {
		for _, user := range []ident.UserID{"nobody", "sc_client"} {
			if may(user, resource) != want {
				t.Errorf("%s may %s: not %v", user, resource, want)
			}
		}
	}
	if p, err := e.Permissions(account, "nobody", "site/x"); err != nil || fmt.Sprint(p) != "[{* true false false}]" {
		t.Errorf("Permissions = %v, %v", p, err)
	}
	if r, err := e.Roles(account, "nobody", "docs/handbook"); err != nil || len(r) != 0 {
		t.Errorf("Roles = %v, %v", r, err)
	}
	if l, _, err := e.Resources(account, "nobody", access.Listing{Action: "read", Nested: true, Limit: 10}); err != nil || fmt.Sprint(l) != "[docs/handbook shops/*/window site/*]" {
		t.Errorf("Resources = %v, %v", l, err)
	}
	if other, err := e.Check("acc_2", "nobody", "site/x", "read"); err != nil || other {
		t.Error("another account's public resource", other, err)
	}
	open("site/*", false)
	open("docs/handbook", false)
	open("never/was", false)
	if may("nobody", "site/x") || may("nobody", "docs/handbook") || !may("nobody", "shops/s1/window") {
		t.Error("wrong after taking back")
	}
}

// TestNothingOfAdmitIsPublic: neither a resource of Admit itself nor a pattern that could name one.
func TestNothingOfAdmitIsPublic(t *testing.T) {
	e := engineOf(nil)
	for _, resource := range []string{"*", "/*", "Authress:*", "Authress:*/*", "Authress:AccessRecords", "Authress:Roles/*", "*/*", "*/rec_1", "*:*", "*:AccessRecords/rec_1", "*:*:x"} {
		e.PutResource(account, access.ResourceConfig{Resource: resource, Public: true})
	}
	for _, resource := range []string{"*", "x", "Authress:AccessRecords", "Authress:AccessRecords/rec_1", "Authress:Roles/ro_1", "Authress:*", "a:AccessRecords/rec_1"} {
		if got, err := e.Check(account, "nobody", resource, "read"); err != nil || got {
			t.Errorf("everybody may read %s: %v", resource, err)
		}
	}
	if err := e.Allow(person("nobody"), "READ", access.System("AccessRecords", "rec_1")); err == nil {
		t.Error("the API is open")
	}
	if l, _, err := e.Resources(account, "nobody", access.Listing{Nested: true, Limit: 10}); err != nil || len(l) != 0 {
		t.Errorf("Resources = %v, %v", l, err)
	}
}

// TestPublicGivesNobodyAnythingToGive: what is public may be used, not handed on.
func TestPublicGivesNobodyAnythingToGive(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.engine.PutResource(account, access.ResourceConfig{Resource: "site", Public: true})
		if !r.may(t, "ann", "write", "site/x") {
			t.Fatal("not public")
		}
		_, err := r.CreateRecord(t.Context(), actor.Actor{Kind: actor.User, Account: account, ID: "ann"}, record("rec_1", access.ReadResource, "site/x", "bob"))
		if err == nil {
			t.Error("ann gave what is public")
		}
	})
}
