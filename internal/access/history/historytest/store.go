package historytest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Stores is what the suite is run on: an empty database.
type Stores struct {
	Runner   tx.Runner
	Clock    *clock.Fake
	Records  access.RecordStore
	Roles    access.RoleStore
	Groups   access.GroupStore
	Resource func(context.Context, tx.Tx, ident.AccountID, access.ResourceConfig) error
	History  history.Store
}

// RunStore is the suite that every store must pass. Open gives empty stores.
func RunStore(t *testing.T, open func(t *testing.T) Stores) {
	for name, test := range map[string]func(*testing.T, Stores){
		"records": testRecords, "clock": testClock, "pages": testPages, "many terms": testManyTerms,
		"roles": testRoles, "groups": testGroups, "ended": testEnded, "public": testPublic, "undone": testUndone,
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

func (s Stores) read(t *testing.T, account ident.AccountID, fn func(context.Context, tx.Tx) error) {
	t.Helper()
	if err := s.Runner.Read(t.Context(), tx.In(account), fn); err != nil {
		t.Fatal(err)
	}
}

// tick moves the clock and returns the time before that, as a moment.
func (s Stores) tick() history.Moment {
	now := s.Clock.Now().UnixMicro()
	s.Clock.Advance(time.Second)
	return now
}

func record(id ident.RecordID, user ident.UserID, resources ...string) access.Record {
	return access.Record{ID: id, Name: "n", Status: access.Active, Users: []ident.UserID{user},
		Statements: []access.Statement{{Roles: []ident.RoleID{"ro_1"}, Resources: resources}}}
}

func (s Stores) create(t *testing.T, r access.Record) access.Record {
	t.Helper()
	r.CreatedAt, r.LastUpdated = s.Clock.Now(), s.Clock.Now()
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		free, err := s.Records.Create(ctx, tr, acc1, r)
		if !free {
			err = errors.Join(err, errors.New("the id is taken"))
		}
		return err
	})
	return r
}

func (s Stores) replace(t *testing.T, old, r access.Record) access.Record {
	t.Helper()
	r.ID, r.CreatedAt, r.LastUpdated = old.ID, old.CreatedAt, old.LastUpdated.Add(time.Second)
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		won, err := s.Records.Replace(ctx, tr, acc1, r, old.LastUpdated)
		if !won {
			err = errors.Join(err, errors.New("somebody else replaced it"))
		}
		return err
	})
	return r
}

func (s Stores) remove(t *testing.T, old access.Record) access.Record {
	t.Helper()
	r := old
	r.Status = access.Deleted
	return s.replace(t, old, r)
}

// found is the ids and names of the records that have a term at the moment.
func (s Stores) found(t *testing.T, at history.Moment, terms ...string) string {
	t.Helper()
	var out []string
	s.read(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		versions, err := s.History.Records(ctx, tr, acc1, history.Range{Terms: terms, At: at, Limit: 100})
		for _, v := range versions {
			if v.Since > at || v.Until <= at && at != history.InForce {
				t.Errorf("%s of %d is from %d until %d", v.ID, at, v.Since, v.Until)
			}
			out = append(out, fmt.Sprint(v.ID, " ", v.Name))
		}
		return err
	})
	return strings.Join(out, ", ")
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q; want %q", what, got, want)
	}
}

func testRecords(t *testing.T, s Stores) {
	before := s.tick()
	r := record("rec_1", "u1", "/a/b/", "c/*/d", "*", "ns:*/x", "a/b")
	r.Name, r.Description, r.Admins = "first", "d", []ident.UserID{"adm"}
	r.Tags = map[string]string{"k": "v"}
	r.Statements[0].StartsAt, r.Statements[0].ExpiresAt = s.Clock.Now().Add(time.Hour), s.Clock.Now().Add(2*time.Hour)
	first := s.create(t, r)
	one := s.tick()
	r = record("", "u2", "a/b")
	r.Name = "second"
	second := s.replace(t, first, r)
	two := s.tick()
	deleted := s.remove(t, second)
	three := s.tick()
	r = record("", "u1", "a/b")
	r.Name, r.Status = "again", access.Active
	again := s.replace(t, deleted, r)
	four := s.tick()

	for _, test := range []struct {
		at   history.Moment
		term string
		want string
	}{
		{before, "u:u1", ""}, {one - 1, "u:u1", ""},
		{one, "u:u1", "rec_1 first"}, {two - 1, "u:u1", "rec_1 first"}, {one, "r:a/b", "rec_1 first"}, {one, "r:c", "rec_1 first"},
		{one, "r:", "rec_1 first"}, {one, "r:a", ""}, {one, "r:ns:", ""}, {one, "u:u2", ""}, {one, "u:adm", ""},
		{two, "u:u1", ""}, {two, "u:u2", "rec_1 second"}, {two, "r:a/b", "rec_1 second"}, {two, "r:c", ""},
		{three, "u:u2", ""}, {three, "r:a/b", ""}, {three, "u:u1", ""},
		{four, "u:u1", "rec_1 again"}, {history.InForce, "u:u1", "rec_1 again"}, {history.InForce, "r:a/b", "rec_1 again"},
		{history.InForce, "u:u2", ""}, {one, "u:u1", "rec_1 first"},
	} {
		same(t, fmt.Sprint(test.at-one, " ", test.term), s.found(t, test.at, test.term), test.want)
	}
	s.read(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		versions, err := s.History.Records(ctx, tr, acc1, history.Range{Terms: []string{"u:u1"}, At: one, Limit: 1})
		want := first
		want.CreatedAt, want.LastUpdated = time.Time{}, time.Time{}
		if diff := cmp.Diff([]history.Version{{Record: want, Since: one, Until: two}}, versions); diff != "" {
			t.Error(diff)
		}
		return err
	})
	s.read(t, acc2, func(ctx context.Context, tr tx.Tx) error {
		versions, err := s.History.Records(ctx, tr, acc2, history.Range{Terms: []string{"u:u1"}, At: history.InForce, Limit: 1})
		if len(versions) != 0 {
			t.Errorf("another account sees %v", versions)
		}
		return err
	})
	// Whoever asks in one account for another one's versions gets nothing on PostgreSQL, and no store does so.
	s.remove(t, again)
	same(t, "in the end", s.found(t, history.InForce, "u:u1", "u:u2", "r:a/b", "r:"), "")
}

// testClock changes a record while the clock stands still and goes back.
func testClock(t *testing.T, s Stores) {
	start := s.Clock.Now().UnixMicro()
	r := s.create(t, record("rec_1", "u0", "a"))
	for i := range 5 {
		next := record("", ident.UserID(fmt.Sprint("u", i+1)), "a")
		next.Name, next.Status = fmt.Sprint("v", i+1), access.Active
		if i == 2 {
			s.Clock.Advance(-time.Hour)
		}
		if i == 3 {
			r = s.remove(t, r)
		}
		r = s.replace(t, r, next)
	}
	// One microsecond each; the deletion between v3 and v4 takes none.
	for i, want := range []string{"n", "v1", "v2", "v3", "v4", "v5"} {
		same(t, fmt.Sprint("after ", i), s.found(t, start+int64(i), "r:a"), "rec_1 "+want)
	}
	same(t, "now", s.found(t, history.InForce, "r:a"), "rec_1 v5")
	same(t, "now", s.found(t, history.InForce, "u:u5"), "rec_1 v5")
	same(t, "now", s.found(t, history.InForce, "u:u4"), "")
}

func testPages(t *testing.T, s Stores) {
	for i := range 7 {
		s.create(t, record(ident.RecordID(fmt.Sprint("rec_", i)), "u1", "a", "b"))
	}
	at := s.tick()
	for _, moment := range []history.Moment{at, history.InForce} {
		var ids []string
		r := history.Range{Terms: []string{"u:u1", "r:a", "r:b"}, At: moment, Limit: 3}
		for pages := 0; pages < 3; pages++ {
			s.read(t, acc1, func(ctx context.Context, tr tx.Tx) error {
				versions, err := s.History.Records(ctx, tr, acc1, r)
				for _, v := range versions {
					ids = append(ids, string(v.ID))
					r.After = v.ID
				}
				return err
			})
		}
		same(t, "pages", strings.Join(ids, " "), "rec_0 rec_1 rec_2 rec_3 rec_4 rec_5 rec_6")
	}
}

func testManyTerms(t *testing.T, s Stores) {
	r := record("rec_1", "first", "a")
	for i := range 300 {
		r.Users = append(r.Users, ident.UserID(fmt.Sprintf(`u%d "quoted" | ~`, i)))
	}
	r = s.create(t, r)
	at := s.tick()
	less := record("", "first", "a")
	less.Users = r.Users[:100]
	s.replace(t, r, less)
	for i, user := range r.Users {
		want := ""
		if i < 100 {
			want = "rec_1 n"
		}
		same(t, "before", s.found(t, at, history.UserTerm(user)), "rec_1 n")
		same(t, "now", s.found(t, history.InForce, history.UserTerm(user)), want)
	}
	terms := make([]string, 1000)
	for i := range terms {
		terms[i] = fmt.Sprint("g:grp_", i)
	}
	same(t, "any of many", s.found(t, history.InForce, append(terms, "r:a")...), "rec_1 n")
}

func testRoles(t *testing.T, s Stores) {
	role := access.Role{ID: "ro_1", Name: "one", Permissions: []access.Permission{{Action: "read", Allow: true}}}
	before := s.tick()
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error { _, err := s.Roles.Create(ctx, tr, acc1, role); return err })
	one := s.tick()
	role.Name, role.Permissions = "two", []access.Permission{{Action: "write", Grant: true, Delegate: true}}
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error { _, err := s.Roles.Replace(ctx, tr, acc1, role); return err })
	two := s.tick()
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error { _, err := s.Roles.Delete(ctx, tr, acc1, "ro_1"); return err })
	gone := s.tick()
	role.Name = "three"
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error { _, err := s.Roles.Create(ctx, tr, acc1, role); return err })
	for at, want := range map[history.Moment]string{
		before: "", one: "one [{read true false false}]", two: "two [{write false true true}]", gone: "",
		history.InForce: "three [{write false true true}]",
	} {
		s.read(t, acc1, func(ctx context.Context, tr tx.Tx) error {
			r, err := s.History.Role(ctx, tr, acc1, "ro_1", at)
			got := fmt.Sprint(r.Name, " ", r.Permissions)
			if fault.Is(err, fault.NotFound) {
				got, err = "", nil
			}
			same(t, "role", got, want)
			return err
		})
	}
	s.read(t, acc2, func(ctx context.Context, tr tx.Tx) error {
		if _, err := s.History.Role(ctx, tr, acc2, "ro_1", one); !fault.Is(err, fault.NotFound) {
			t.Errorf("another account: %v", err)
		}
		return nil
	})
}

func testGroups(t *testing.T, s Stores) {
	at := s.Clock.Now()
	g := access.Group{ID: "grp_1", Name: "g", Users: []ident.UserID{"u1", "u2"}, CreatedAt: at, LastUpdated: at}
	before := s.tick()
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error { _, err := s.Groups.Create(ctx, tr, acc1, g); return err })
	one := s.tick()
	g.Users, g.LastUpdated = []ident.UserID{"u2", "u3"}, at.Add(time.Second)
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		_, err := s.Groups.Replace(ctx, tr, acc1, g, at)
		return err
	})
	two := s.tick()
	s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		_, err := s.Groups.Delete(ctx, tr, acc1, "grp_1")
		return err
	})
	for at, want := range map[history.Moment]string{
		before: "[] [] []", one: "[u1 u2] [grp_1] [grp_1]", two: "[u2 u3] [] [grp_1]", history.InForce: "[] [] []",
	} {
		s.read(t, acc1, func(ctx context.Context, tr tx.Tx) error {
			members, err := s.History.Members(ctx, tr, acc1, "grp_1", at)
			of1, err1 := s.History.Groups(ctx, tr, acc1, "u1", at)
			of2, err2 := s.History.Groups(ctx, tr, acc1, "u2", at)
			same(t, "group", fmt.Sprint(members, of1, of2), want)
			return errors.Join(err, err1, err2)
		})
	}
	s.read(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		left, err := s.History.Left(ctx, tr, acc1, "u2", history.Window{From: two, To: history.InForce - 1, Limit: 5})
		if len(left) != 1 || left[0].Group != "grp_1" || left[0].At <= two {
			t.Errorf("left %v", left)
		}
		early, err2 := s.History.Left(ctx, tr, acc1, "u1", history.Window{From: two, To: history.InForce - 1, Limit: 5})
		if len(early) != 0 {
			t.Errorf("left early %v", early)
		}
		return errors.Join(err, err2)
	})
}

func testEnded(t *testing.T, s Stores) {
	a := s.create(t, record("rec_a", "u1", "a"))
	b := s.create(t, record("rec_b", "u1", "b"))
	s.create(t, record("rec_c", "u1", "c"))
	one := s.tick()
	next := record("", "u1", "x")
	next.Name, next.Status = "second", access.Active
	b = s.replace(t, b, next)
	two := s.tick()
	s.remove(t, a)
	s.tick()
	s.remove(t, b)
	ended := func(from, to history.Moment, limit int) string {
		var out []string
		s.read(t, acc1, func(ctx context.Context, tr tx.Tx) error {
			all, err := s.History.Ended(ctx, tr, acc1, []string{"u:u1", "g:none"}, history.Window{From: from, To: to, Limit: limit})
			for _, v := range all {
				out = append(out, fmt.Sprint(v.ID, " ", v.Name))
			}
			return err
		})
		return strings.Join(out, ", ")
	}
	same(t, "all", ended(0, history.InForce-1, 10), "rec_b second, rec_a n, rec_b n")
	same(t, "two", ended(0, history.InForce-1, 2), "rec_b second, rec_a n")
	same(t, "early", ended(0, two, 10), "rec_b n")
	same(t, "none yet", ended(0, one, 10), "")
	same(t, "late", ended(two, history.InForce-1, 10), "rec_b second, rec_a n")
}

func testPublic(t *testing.T, s Stores) {
	put := func(c access.ResourceConfig) history.Moment {
		s.in(t, acc1, func(ctx context.Context, tr tx.Tx) error { return s.Resource(ctx, tr, acc1, c) })
		return s.tick()
	}
	before := s.tick()
	one := put(access.ResourceConfig{Resource: "a/b", Public: true})
	two := put(access.ResourceConfig{Resource: "a/*", Public: true, Claim: true})
	claim := put(access.ResourceConfig{Resource: "a/b", Claim: true})
	put(access.ResourceConfig{Resource: "a/b"})
	put(access.ResourceConfig{Resource: "never"})
	for at, want := range map[history.Moment]string{before: "[]", one: "[a/b]", two: "[a/* a/b]", claim: "[a/*]", history.InForce: "[a/*]"} {
		s.read(t, acc1, func(ctx context.Context, tr tx.Tx) error {
			got, err := s.History.Public(ctx, tr, acc1, []string{"r:", "r:a", "r:a/b", "r:a/b/c"}, at)
			same(t, fmt.Sprint("public at ", at-before), fmt.Sprint(got), want)
			return err
		})
	}
}

// testUndone fails after writing: nothing of it may stay.
func testUndone(t *testing.T, s Stores) {
	stop := errors.New("stop")
	err := s.Runner.Write(t.Context(), tx.In(acc1), func(ctx context.Context, tr tx.Tx) error {
		if _, err := s.Records.Create(ctx, tr, acc1, record("rec_1", "u1", "a")); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatal(err)
	}
	same(t, "undone", s.found(t, history.InForce, "u:u1", "r:a"), "")
	s.read(t, acc1, func(ctx context.Context, tr tx.Tx) error {
		start, err := s.History.Begin(ctx, tr)
		if start.Began.After(s.Clock.Now()) || start.Began.IsZero() {
			t.Errorf("began %s", start.Began)
		}
		return err
	})
}
