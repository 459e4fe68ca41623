package bridge

import (
	"context"
	"slices"
	"testing"

	"github.com/admit-id/admit/internal/account/tenant"
	"github.com/admit-id/admit/internal/account/tenant/tenantdb"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
)

// TestAudiences holds that no request gets a token for a tenant that is, or ever was, without being let in for it.
func TestAudiences(t *testing.T) {
	sqldbtest.Each(t, tenantdb.Migrations(), func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		store := tenantdb.Store{}
		for _, id := range []ident.TenantID{"ten_a", "ten_b", "ten_gone"} {
			if err := db.Write(t.Context(), tx.In("acc_a"), func(ctx context.Context, x tx.Tx) error {
				_, err := store.Insert(ctx, x, tenant.Tenant{Account: "acc_a", ID: id, CreatedAt: x.Now(), UpdatedAt: x.Now()})
				if err == nil && id == "ten_gone" {
					_, err = store.Delete(ctx, x, "acc_a", id)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		directory := tenant.NewDirectory(store)
		if err := db.Read(t.Context(), tx.System(), directory.Load); err != nil {
			t.Fatal(err)
		}
		wanted := []string{"api", "ten_a", "ten_b", "ten_gone"}
		for letIn, want := range map[ident.TenantID][]string{"": {"api"}, "ten_b": {"api", "ten_b"}, "ten_gone": {"api"}} {
			got, _ := LoginIssuer{Tenants: directory}.audiences(login.Grant{
				Session: session.Session{Account: "acc_a"}, Tenant: letIn, Wish: login.Wish{Audiences: wanted},
			})
			if !slices.Equal(got, want) {
				t.Errorf("let in for %q: %v", letIn, got)
			}
		}
	})
}
