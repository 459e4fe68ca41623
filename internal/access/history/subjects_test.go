package history_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accesstest"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/ident"
)

func TestSubjects(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.small(t)
		ctx := t.Context()
		// More records than one batch, so that a page is put together from several.
		w := accesstest.World{}
		for i := range 1100 {
			rec := record(ident.RecordID(fmt.Sprintf("rec_%04d", i)), []ident.UserID{ident.UserID(fmt.Sprintf("u%03d", i*7%400)), "zoe"},
				nil, statement("ro_reader", "big"))
			if i%2 == 1 {
				rec.Groups = []ident.GroupID{"grp_1"}
			}
			rec.Status = access.Active
			w.Records = append(w.Records, rec)
		}
		r.put(t, account, &w)
		r.clock.Advance(time.Second)
		users, everyone := r.subjects(t, operator, "big/x", "docs:read", never, 101)
		if len(users) != 403 || everyone || users[0] != "ann" || users[1] != "bob" || users[402] != "zoe" {
			t.Errorf("%d subjects, %v: %v", len(users), everyone, users)
		}
		if again, _ := r.subjects(t, operator, "big/x", "docs:read", never, 1000); !slices.Equal(users, again) {
			t.Errorf("in one page: %v", again)
		}
		for _, q := range [][2]string{{"big/x", "docs:write"}, {"bigger", "docs:read"}, {"*", "docs:read"}} {
			if users, everyone := r.subjects(t, operator, q[0], q[1], never, 7); len(users) > 0 || everyone {
				t.Errorf("%v: %v, %v", q, users, everyone)
			}
		}
		before := r.clock.Now()
		r.clock.Advance(time.Second)
		r.put(t, account, &accesstest.World{Public: []string{"big"}})
		do[access.Group](t)(r.verbs.ReplaceGroup(ctx, operator, access.Group{ID: "grp_1", Name: "g"}, time.Time{}))
		if users, everyone := r.subjects(t, operator, "big", "docs:read", never, 100); len(users) != 401 || !everyone {
			t.Errorf("%d subjects, %v", len(users), everyone)
		}
		if users, everyone := r.subjects(t, operator, "big", "docs:write", never, 100); len(users) != 0 || !everyone {
			t.Errorf("%v, %v", users, everyone)
		}
		if users, everyone := r.subjects(t, operator, "big", "docs:read", before, 100); len(users) != 403 || everyone {
			t.Errorf("before: %d subjects, %v", len(users), everyone)
		}
		// Whoever may read the permissions of a resource may ask about what is below it.
		do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_reader", []ident.UserID{"reader"}, nil,
			statement(access.ReadResource, "Authress:ResourcePermissions/big"))))
		for resource, ok := range map[string]bool{"big": true, "big/x/y": true, "big/*": true, "big/*/y": true, "bigger": false, "*": false, "a/big": false, "*/big": false} {
			_, err := r.Subjects(ctx, person("reader"), resource, "docs:read", never, access.Page{})
			_, _, err2 := r.ResourceUsers(ctx, person("reader"), resource, access.Page{})
			if (err == nil) != ok || (err2 == nil) != ok {
				t.Errorf("%s: %v, %v", resource, err, err2)
			}
		}
	})
}

func TestResourceUsers(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.small(t)
		ctx := t.Context()
		over := statement("ro_giver", "a/b")
		over.ExpiresAt = r.clock.Now().Add(time.Minute)
		do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_1", []ident.UserID{"cid", "ann"}, []ident.GroupID{"grp_1"},
			statement("ro_reader", "/a/b/", "x"), over, statement(access.Owner, "a", "a/b/c", "a/*"))))
		do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_2", ann, nil,
			statement(access.ReadResource, "a/b"), statement("ro_reader", "a/b"), statement(access.Owner, "*"))))
		do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_3", []ident.UserID{"all"}, nil, statement("ro_reader", "a/*"))))
		do[access.Role](t)(r.verbs.CreateRole(ctx, operator, role("ro_gone", access.Permission{Action: "x", Allow: true})))
		do[access.Record](t)(r.verbs.CreateRecord(ctx, operator, record("rec_4", []ident.UserID{"gone"}, nil, statement("ro_gone", "a/b"))))
		if err := r.verbs.DeleteRole(ctx, operator, "ro_gone"); err != nil {
			t.Fatal(err)
		}
		r.put(t, account, &accesstest.World{Public: []string{"a/b"}})
		list := func(resource string, limit int) string {
			var out []string
			page := access.Page{Limit: limit}
			for {
				users, more, err := r.ResourceUsers(ctx, operator, resource, page)
				if err != nil {
					t.Fatal(err)
				}
				for _, u := range users {
					out = append(out, fmt.Sprint(u.User, u.Roles))
				}
				if !more {
					return strings.Join(out, " ")
				}
				page.After = string(users[len(users)-1].User)
			}
		}
		for _, limit := range []int{1, 2, 20} {
			expect(t, "with", list("a/b", limit), "ann[Authress:ReadResource ro_giver ro_reader] bob[ro_giver ro_reader] cid[ro_giver ro_reader]")
		}
		r.clock.Advance(time.Minute)
		for resource, want := range map[string]string{
			"a/b": "ann[Authress:ReadResource ro_reader] bob[ro_reader] cid[ro_reader]", "/a/b/c/": "ann[Authress:Owner] bob[Authress:Owner] cid[Authress:Owner]",
			"a/*": "all[ro_reader] ann[Authress:Owner] bob[Authress:Owner] cid[Authress:Owner]", "*": "ann[Authress:Owner]", "a/c": "", "b": "",
		} {
			expect(t, resource, list(resource, 20), want)
			for _, user := range []ident.UserID{"ann", "bob", "cid", "all", "gone"} {
				roles, err := r.engine.Roles(account, user, resource)
				if err != nil {
					t.Fatal(err)
				}
				if told := fmt.Sprint(user, roles); len(roles) > 0 && !strings.Contains(want, told) || len(roles) == 0 && strings.Contains(want, string(user)) {
					t.Errorf("the engine says %s about %s", told, resource)
				}
			}
		}
	})
}

// TestWhileWritten asks while others write: every answer is of one state, and never older than a
// write that was answered before.
func TestWhileWritten(t *testing.T) {
	each(t, func(t *testing.T, r *rig) {
		r.small(t)
		ctx := t.Context()
		var wait sync.WaitGroup
		for w := range 4 {
			wait.Go(func() {
				user := ident.UserID(fmt.Sprint("w", w))
				id := ident.RecordID(fmt.Sprint("rec_", w))
				q := history.Question{User: user, Resource: "a/b", Action: "docs:read"}
				for i := range 25 {
					// It always moves from one place to the other, so that exactly one of them is right.
					rec := record(id, []ident.UserID{user}, nil, statement("ro_reader", fmt.Sprint("a/", i%2)))
					rec.Groups = []ident.GroupID{"grp_1"}
					var err error
					if i == 0 {
						_, err = r.verbs.CreateRecord(ctx, operator, rec)
					} else {
						_, err = r.verbs.ReplaceRecord(ctx, operator, rec, time.Time{})
					}
					if err != nil {
						t.Error(err)
						return
					}
					for place := range 2 {
						q.Resource = fmt.Sprint("a/", place, "/x")
						got, err := r.Explain(ctx, operator, q, never)
						if err != nil || got.Allowed != (i%2 == place) {
							t.Errorf("%s after %d: %v, %v", q.Resource, i, got, err)
						}
					}
				}
			})
			wait.Go(func() {
				q := history.Question{User: "bob", Resource: "a/*", Action: "docs:read"}
				for range 25 {
					why, err := r.Explain(ctx, operator, q, never)
					if err != nil || why.Allowed != (len(why.Because) > 0) {
						t.Error(why, err)
					}
					if _, err := r.Subjects(ctx, operator, "a/0", "docs:read", never, access.Page{Limit: 3}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
	})
}
