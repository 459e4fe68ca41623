package accesstest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Stores is what the suite is run on: an empty database.
type Stores struct {
	Runner  tx.Runner
	Records access.RecordStore
	Roles   access.RoleStore
	Groups  access.GroupStore
	Facts   access.FactStore
}

// RunStore is the suite that every store must pass. Open gives empty stores.
func RunStore(t *testing.T, open func(t *testing.T) Stores) {
	for name, test := range map[string]func(*testing.T, Stores){
		"records": testRecords, "record lists": testRecordLists, "roles": testRoles, "groups": testGroups, "each": testEach, "facts": testFacts,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

const (
	acc1 ident.AccountID = "acc_1"
	acc2 ident.AccountID = "acc_2"
)

// in runs fn in one unit of work of the account.
func (s Stores) in(t *testing.T, account ident.AccountID, fn func(context.Context, tx.Tx) error) {
	t.Helper()
	if err := s.Runner.Write(t.Context(), tx.In(account), fn); err != nil {
		t.Fatal(err)
	}
}

func sample(id ident.RecordID) access.Record {
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	return access.Record{
		ID: id, Name: "Ünïcode 100%", Description: "d_d", Status: access.Active,
		Users: []ident.UserID{"u1", "u2"}, Groups: []ident.GroupID{"grp_1"}, Admins: []ident.UserID{"adm"},
		Statements: []access.Statement{
			{Roles: []ident.RoleID{"ro_1"}, Resources: []string{"/a/b", "c/*"}},
			{Roles: []ident.RoleID{"ro_2", "Authress:Owner"}, Resources: []string{"*"}, Users: []ident.UserID{"u3"}, Groups: []ident.GroupID{"grp_2"}},
		},
		Tags: map[string]string{"k": "v"}, CreatedAt: at, LastUpdated: at.Add(time.Second),
	}
}

func want(ok bool, what string) error {
	if !ok {
		return errors.New("not so: " + what)
	}
	return nil
}

func testRecords(t *testing.T, s Stores) {
	r := sample("rec_1")
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		free, err := s.Records.Create(ctx, tr, acc1, r)
		return errors.Join(err, want(free, "the id was free"))
	})
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		free, err := s.Records.Create(ctx, tr, acc1, r)
		if err := errors.Join(err, want(!free, "the id is taken")); err != nil {
			return err
		}
		got, err := s.Records.Get(ctx, tr, acc1, "rec_1")
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("Get: %s", diff)
		}
		return err
	})
	s.in(t, acc2, func(ctx context.Context, tr tx.Tx) error {
		if _, err := s.Records.Get(ctx, tr, acc2, "rec_1"); !fault.Is(err, fault.NotFound) {
			t.Errorf("another account: %v", err)
		}
		free, err := s.Records.Create(ctx, tr, acc2, r)
		return errors.Join(err, want(free, "ids are per account"))
	})
	changed := sample("rec_1")
	changed.Name, changed.Status, changed.Admins = "other", access.Deleted, []ident.UserID{"u9", "adm2"}
	changed.LastUpdated = r.LastUpdated.Add(time.Second)
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		won, err := s.Records.Replace(ctx, tr, acc1, changed, r.CreatedAt)
		if err := errors.Join(err, want(!won, "another version is not replaced")); err != nil {
			return err
		}
		won, err = s.Records.Replace(ctx, tr, acc1, changed, r.LastUpdated)
		if err := errors.Join(err, want(won, "the version is replaced")); err != nil {
			return err
		}
		got, err := s.Records.Get(ctx, tr, acc1, "rec_1")
		if diff := cmp.Diff(changed, got); diff != "" {
			t.Errorf("Get after Replace: %s", diff)
		}
		return err
	})
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		for user, n := range map[ident.UserID]int{"adm": 0, "adm2": 1, "u9": 1, "u1": 0} {
			ids, err := s.Records.AdminOf(ctx, tr, acc1, user, access.Deleted)
			if err != nil || len(ids) != n {
				t.Errorf("AdminOf %s = %v, %v", user, ids, err)
			}
		}
		ids, err := s.Records.AdminOf(ctx, tr, acc1, "u9", access.Active)
		return errors.Join(err, want(len(ids) == 0, "the status counts"))
	})
}

func testRecordLists(t *testing.T, s Stores) {
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		for i := range 7 {
			r := sample(ident.RecordID(fmt.Sprintf("rec_%d", i)))
			if i == 3 {
				r.Status = access.Deleted
			}
			if i == 5 {
				r.Name, r.Statements[0].Resources = `100_x! \ "quoted"`, []string{"Special/Place"}
			}
			if _, err := s.Records.Create(ctx, tr, acc1, r); err != nil {
				return err
			}
		}
		return nil
	})
	list := func(status access.Status, p access.Page) string {
		var ids []string
		s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
			all, err := s.Records.List(ctx, tr, acc1, status, p)
			for _, r := range all {
				ids = append(ids, strings.TrimPrefix(string(r.ID), "rec_"))
			}
			return err
		})
		return strings.Join(ids, " ")
	}
	tests := []struct {
		status access.Status
		page   access.Page
		want   string
	}{
		{access.Active, access.Page{Limit: 10}, "0 1 2 4 5 6"},
		{access.Active, access.Page{Limit: 2}, "0 1"},
		{access.Active, access.Page{Limit: 2, After: "rec_2"}, "4 5"},
		{access.Active, access.Page{Limit: 2, After: "rec_6"}, ""},
		{access.Deleted, access.Page{Limit: 10}, "3"},
		{access.Active, access.Page{Limit: 10, Filter: "ünïcode"}, "0 1 2 4 6"},
		{access.Active, access.Page{Limit: 10, Filter: "100%"}, "0 1 2 4 6"},
		{access.Active, access.Page{Limit: 10, Filter: "100_"}, "5"},
		{access.Active, access.Page{Limit: 10, Filter: "x!"}, "5"},
		{access.Active, access.Page{Limit: 10, Filter: `\ "q`}, "5"},
		{access.Active, access.Page{Limit: 10, Filter: "special/place"}, "5"},
		{access.Active, access.Page{Limit: 10, Filter: "grp_2"}, "0 1 2 4 5 6"},
		{access.Active, access.Page{Limit: 10, Filter: "'; DROP TABLE access_records; --"}, ""},
	}
	for _, test := range tests {
		if got := list(test.status, test.page); got != test.want {
			t.Errorf("%s %+v: %q; want %q", test.status, test.page, got, test.want)
		}
	}
}

func testRoles(t *testing.T, s Stores) {
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	r := access.Role{ID: "ro_1", Name: "Reader", Description: "Ä", CreatedAt: at, LastUpdated: at, Permissions: []access.Permission{
		{Action: "documents:read", Allow: true}, {Action: "*", Grant: true, Delegate: true}}}
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		free, err := s.Roles.Create(ctx, tr, acc1, r)
		again, err2 := s.Roles.Create(ctx, tr, acc1, r)
		got, err3 := s.Roles.Get(ctx, tr, acc1, "ro_1")
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("Get: %s", diff)
		}
		return errors.Join(err, err2, err3, want(free && !again, "created once"))
	})
	r.Name, r.Permissions, r.LastUpdated = "Nobody", []access.Permission{}, at.Add(time.Hour)
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		found, err := s.Roles.Replace(ctx, tr, acc1, r)
		got, err2 := s.Roles.Get(ctx, tr, acc1, "ro_1")
		if diff := cmp.Diff(r, got); diff != "" {
			t.Errorf("Get after Replace: %s", diff)
		}
		list, err3 := s.Roles.List(ctx, tr, acc1, access.Page{Limit: 10, Filter: "nobody"})
		none, err4 := s.Roles.List(ctx, tr, acc1, access.Page{Limit: 10, Filter: "documents"})
		return errors.Join(err, err2, err3, err4, want(found && len(list) == 1 && len(none) == 0, "replaced and searchable"))
	})
	s.in(t, acc2, func(ctx context.Context, tr tx.Tx) error {
		found, err := s.Roles.Delete(ctx, tr, acc2, "ro_1")
		replaced, err2 := s.Roles.Replace(ctx, tr, acc2, r)
		return errors.Join(err, err2, want(!found && !replaced, "another account's"))
	})
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		found, err := s.Roles.Delete(ctx, tr, acc1, "ro_1")
		again, err2 := s.Roles.Delete(ctx, tr, acc1, "ro_1")
		return errors.Join(err, err2, want(found && !again, "deleted once"))
	})
}

func testGroups(t *testing.T, s Stores) {
	at := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	g := access.Group{ID: "grp_1", Name: "Team", Users: []ident.UserID{"u1"}, Admins: []ident.UserID{"a1"}, Tags: map[string]string{"k": "v"}, CreatedAt: at, LastUpdated: at}
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		free, err := s.Groups.Create(ctx, tr, acc1, g)
		again, err2 := s.Groups.Create(ctx, tr, acc1, g)
		got, err3 := s.Groups.Get(ctx, tr, acc1, "grp_1")
		if diff := cmp.Diff(g, got); diff != "" {
			t.Errorf("Get: %s", diff)
		}
		return errors.Join(err, err2, err3, want(free && !again, "created once"))
	})
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		lost, err := s.Groups.Replace(ctx, tr, acc1, g, at.Add(-time.Second))
		g.Users, g.LastUpdated = []ident.UserID{"u2", "u3"}, at.Add(time.Second)
		won, err2 := s.Groups.Replace(ctx, tr, acc1, g, at)
		got, err3 := s.Groups.Get(ctx, tr, acc1, "grp_1")
		if diff := cmp.Diff(g, got); diff != "" {
			t.Errorf("Get after Replace: %s", diff)
		}
		list, err4 := s.Groups.List(ctx, tr, acc1, access.Page{Limit: 1, Filter: "u3"})
		found, err5 := s.Groups.Delete(ctx, tr, acc1, "grp_1")
		_, gone := s.Groups.Get(ctx, tr, acc1, "grp_1")
		return errors.Join(err, err2, err3, err4, err5, want(!lost && won && len(list) == 1 && found && fault.Is(gone, fault.NotFound), "replaced and deleted"))
	})
}

// facts is what a FactStore tells of a record.
func facts(r access.Record) access.Record {
	return access.Record{ID: r.ID, Status: r.Status, Users: r.Users, Groups: r.Groups, Statements: r.Statements}
}

func testEach(t *testing.T, s Stores) {
	for _, account := range []ident.AccountID{acc1, acc2} {
		s.in(t, account, func(ctx context.Context, tr tx.Tx) error {
			gone := sample("rec_gone")
			gone.Status = access.Deleted
			_, err := s.Records.Create(ctx, tr, account, sample("rec_1"))
			_, err2 := s.Records.Create(ctx, tr, account, gone)
			_, err3 := s.Roles.Create(ctx, tr, account, access.Role{ID: "ro_1", Name: "r"})
			_, err4 := s.Groups.Create(ctx, tr, account, access.Group{ID: "grp_1", Name: "g"})
			return errors.Join(err, err2, err3, err4)
		})
	}
	var seen []string
	err := s.Runner.Read(t.Context(), tx.System(), func(ctx context.Context, tr tx.Tx) error {
		return errors.Join(
			s.Facts.Each(ctx, tr, "", func(a ident.AccountID, r *access.Record) error {
				if diff := cmp.Diff(facts(sample("rec_1")), *r); diff != "" {
					t.Error(diff)
				}
				seen = append(seen, string(a)+" "+string(r.ID))
				return nil
			}),
			s.Roles.Each(ctx, tr, func(a ident.AccountID, r access.Role) error {
				seen = append(seen, string(a)+" "+string(r.ID))
				return nil
			}),
			s.Groups.Each(ctx, tr, func(a ident.AccountID, g access.Group) error {
				seen = append(seen, string(a)+" "+string(g.ID))
				return nil
			}))
	})
	if want := "acc_1 rec_1, acc_2 rec_1, acc_1 ro_1, acc_2 ro_1, acc_1 grp_1, acc_2 grp_1"; err != nil || strings.Join(seen, ", ") != want {
		t.Errorf("seen %q, %v", strings.Join(seen, ", "), err)
	}
}

// testFacts reads what names somebody, after it began and after it ended.
func testFacts(t *testing.T, s Stores) {
	r := access.Record{ID: "rec_1", Name: "r", Status: access.Active, Users: []ident.UserID{"u1", "u2"}, Groups: []ident.GroupID{"grp_1"},
		Statements: []access.Statement{{Roles: []ident.RoleID{"ro_1"}, Resources: []string{"a/b"}}}, LastUpdated: time.Unix(100, 0).UTC()}
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		other := r
		other.ID, other.Users = "rec_2", []ident.UserID{"u2"}
		_, err := s.Records.Create(ctx, tr, acc1, r)
		_, err2 := s.Records.Create(ctx, tr, acc1, other)
		_, err3 := s.Groups.Create(ctx, tr, acc1, access.Group{ID: "grp_1", Name: "g", Users: []ident.UserID{"u1"}})
		return errors.Join(err, err2, err3)
	})
	s.in(t, acc2, func(ctx context.Context, tr tx.Tx) error {
		_, err := s.Records.Create(ctx, tr, acc2, r)
		return err
	})
	read := func(who index.Principal) (ids []ident.RecordID, groups []ident.GroupID, counts map[ident.AccountID]int) {
		err := s.Runner.Read(t.Context(), tx.System(), func(ctx context.Context, tr tx.Tx) (err error) {
			err = s.Facts.Naming(ctx, tr, acc1, who, func(r *access.Record) error {
				ids = append(ids, r.ID)
				return nil
			})
			if err == nil && who.User != "" {
				groups, err = s.Facts.GroupsOf(ctx, tr, acc1, who.User)
			}
			if err == nil {
				counts, err = s.Facts.Accounts(ctx, tr, 2)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return ids, groups, counts
	}
	show := func(who index.Principal) string { return fmt.Sprint(read(who)) }
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		for _, g := range []access.Group{
			{ID: "grp_adm2", Name: "g", Admins: []ident.UserID{"Adm_1|x", "adm"}},
			{ID: "grp_adm1", Name: "g", Admins: []ident.UserID{"Adm_1|x"}},
			{ID: "grp_adm3", Name: "Adm_1|x", Admins: []ident.UserID{"adm_1|x", "AdmX1|x", "Adm_1|xx"}},
		} {
			if _, err := s.Groups.Create(ctx, tr, acc1, g); err != nil {
				return err
			}
		}
		for user, want := range map[ident.UserID]string{"Adm_1|x": "[grp_adm1 grp_adm2]", "adm": "[grp_adm2]", "nobody": "[]", "u1": "[]"} {
			if got, err := s.Groups.AdminOf(ctx, tr, acc1, user); err != nil || fmt.Sprint(got) != want {
				t.Errorf("AdminOf %s: %v, %v", user, got, err)
			}
		}
		if got, err := s.Groups.AdminOf(ctx, tr, acc2, "adm"); err != nil || len(got) > 0 {
			t.Errorf("AdminOf in another account: %v, %v", got, err)
		}
		return nil
	})
	if got := show(index.Principal{User: "u1"}); got != "[rec_1] [grp_1] map[acc_1:2 acc_2:1]" {
		t.Errorf("u1: %s", got)
	}
	if got := show(index.Principal{User: "u2"}); got != "[rec_1 rec_2] [] map[acc_1:2 acc_2:1]" {
		t.Errorf("u2: %s", got)
	}
	if got := show(index.Principal{Group: "grp_1"}); got != "[rec_1 rec_2] [] map[acc_1:2 acc_2:1]" {
		t.Errorf("grp_1: %s", got)
	}
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		gone := r
		gone.Status, gone.LastUpdated = access.Deleted, r.LastUpdated.Add(time.Second)
		_, err := s.Records.Replace(ctx, tr, acc1, gone, r.LastUpdated)
		_, err2 := s.Groups.Delete(ctx, tr, acc1, "grp_1")
		return errors.Join(err, err2)
	})
	if got := show(index.Principal{User: "u1"}); got != "[] [] map[acc_1:2 acc_2:1]" {
		t.Errorf("u1, after: %s", got)
	}
}
