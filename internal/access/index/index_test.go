package index

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/ident"
)

const acc ident.AccountID = "acc"

func resource(t testing.TB, text string) check.Resource {
	r, err := check.ParseResource(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func role(id string, actions ...string) *check.Role {
	var ps []check.Permission
	for _, a := range actions {
		ps = append(ps, check.Permission{Action: check.MustAction(a), Flags: check.Allow})
	}
	return check.NewRole(id, ps)
}

func may(t testing.TB, x *Index, user, action, text string) bool {
	r, a := resource(t, text), check.MustAction(action)
	var q check.Question
	q.Ask(&r, &a, check.Allow)
	return x.At(acc).Check(user, &q)
}

func people(n int) []Principal {
	out := make([]Principal, n)
	for i := range out {
		out[i].User = ident.UserID(fmt.Sprintf("u%d", i))
	}
	return out
}

// TestLargeRecords: a record of many people and many resources is kept once, and behaves as
// every other.
func TestLargeRecords(t *testing.T) {
	x := New()
	var grants []Grant
	for i := range 100 {
		grants = append(grants, Grant{Role: "ro_r", Resource: resource(t, fmt.Sprintf("docs/d%d", i))})
	}
	who := append(people(100), Principal{Group: "grp_1"})
	put := func(principals []Principal, grants []Grant) {
		var blocks []Block
		if len(grants) > 0 {
			blocks = []Block{{principals, grants}, {[]Principal{{User: "u1"}}, []Grant{{Role: "ro_r", Resource: resource(t, "own")}}}}
		}
		x.Update(acc, func(e *Editor) { e.SetRecord("rec_1", blocks) })
	}
	x.Update(acc, func(e *Editor) {
		e.SetRole("ro_r", role("ro_r", "read"))
		e.SetGroup("grp_1", []string{"g1"})
	})
	put(who, grants)
	for _, user := range []string{"u0", "u99", "g1"} {
		if !may(t, x, user, "read", "docs/d42/x") || may(t, x, user, "read", "docs/d100") {
			t.Error("wrong answer for", user)
		}
	}
	if _, n := x.At(acc).Size(); n != 201 {
		t.Errorf("%d grants in memory; want 100 shared, 100 of the group, 1 own", n)
	}
	before := x.At(acc)
	put(who[1:], grants[:50]) // 101 principals left out one; 50 resources fewer
	if may(t, x, "u0", "read", "docs/d1") || may(t, x, "u5", "read", "docs/d60") || !may(t, x, "u5", "read", "docs/d1") || !may(t, x, "u1", "read", "own") {
		t.Error("wrong answer after the change")
	}
	r, a := resource(t, "docs/d60"), check.MustAction("read")
	var q check.Question
	q.Ask(&r, &a, check.Allow)
	if !before.Check("u0", &q) {
		t.Error("a snapshot changed")
	}
	put(nil, nil)
	if p, n := x.At(acc).Size(); p != 1 || n != 0 { // the member of the group stays known
		t.Errorf("%d people and %d grants are left", p, n)
	}
}

func TestRecordTable(t *testing.T) {
	var table recordTable
	numbers := map[string]uint32{}
	for i := range 5000 {
		id := fmt.Sprintf("rec_%d", i)
		numbers[id] = table.add(hashOfRecord(ident.RecordID(id)))
		if i%3 == 0 {
			gone := fmt.Sprintf("rec_%d", i/2)
			if n, ok := numbers[gone]; ok {
				table.remove(n)
				delete(numbers, gone)
			}
		}
	}
	for i := range 5000 {
		id := fmt.Sprintf("rec_%d", i)
		want, there := numbers[id]
		if got, ok := table.find(hashOfRecord(ident.RecordID(id))); ok != there || ok && got != want {
			t.Fatalf("%s: %d, %v; want %d, %v", id, got, ok, want, there)
		}
	}
	if table.live != len(numbers) {
		t.Errorf("%d live; want %d", table.live, len(numbers))
	}
}

// TestQuestionsAboutTheIndex covers what the service asks before it lets something be given.
func TestQuestionsAboutTheIndex(t *testing.T) {
	x := New(role("Authress:Owner", "*"))
	x.Update(acc, func(e *Editor) {
		e.SetRecord("rec_1", []Block{{[]Principal{{User: "u1"}, {Group: "grp_1"}}, []Grant{{Role: "ro_later", Resource: resource(t, "a/*")}, {Role: "Authress:Owner", Resource: resource(t, "b")}}}})
		e.SetRecord("rec_2", []Block{{[]Principal{{User: "u2"}}, []Grant{{Role: "ro_later", Resource: resource(t, "c")}}}})
		e.SetGroup("grp_1", []string{"u3", "u3"})
	})
	var got []string
	for _, p := range x.PlacesOfRole(acc, "ro_later") {
		got = append(got, p.Resource)
	}
	slices.Sort(got)
	if fmt.Sprint(got) != "[a/* c]" {
		t.Errorf("PlacesOfRole = %v", got)
	}
	var given []string
	x.GroupGrants(acc, "grp_1", func(h check.Held, r ident.RoleID) bool {
		given = append(given, string(r)+" "+h.Text())
		return true
	})
	slices.Sort(given)
	if fmt.Sprint(given) != "[Authress:Owner b ro_later a/*]" {
		t.Errorf("GroupGrants = %v", given)
	}
	if may(t, x, "u1", "read", "a/b") || !may(t, x, "u3", "read", "b/x") {
		t.Error("wrong answer before the role exists")
	}
	x.Update(acc, func(e *Editor) { e.SetRole("ro_later", role("ro_later", "read")) })
	if !may(t, x, "u1", "read", "a/b") || !may(t, x, "u3", "read", "a/b") {
		t.Error("wrong answer when the role exists")
	}
	if x.At("other").Check("u1", &check.Question{}) {
		t.Error("another account answers")
	}
}

// TestReadersSeeWholeWrites moves a right from one person to another, over and over. At no time
// do both hold it, or neither.
func TestReadersSeeWholeWrites(t *testing.T) {
	x := New()
	x.Update(acc, func(e *Editor) { e.SetRole("ro_r", role("ro_r", "read")) })
	give := func(user ident.UserID) {
		x.Update(acc, func(e *Editor) {
			e.SetRecord("rec_1", []Block{{[]Principal{{User: user}}, []Grant{{Role: "ro_r", Resource: resource(t, "x")}}}})
		})
	}
	give("u1")
	r, a := resource(t, "x/y"), check.MustAction("read")
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			var q check.Question
			q.Ask(&r, &a, check.Allow)
			for {
				select {
				case <-stop:
					return
				default:
				}
				if s := x.At(acc); s.Check("u1", &q) == s.Check("u2", &q) {
					t.Error("a reader saw half a write")
					return
				}
			}
		})
	}
	for range 2000 {
		give("u2")
		give("u1")
	}
	close(stop)
	readers.Wait()
}

func TestCheckAllocatesNothing(t *testing.T) {
	x, asks := load(t, 1000)
	if n := testing.AllocsPerRun(200, func() { run(x, &asks[0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

type ask struct{ user, resource, action string }

func run(x *Index, a *ask) bool {
	r, err := check.ParseResource(a.resource)
	if err != nil {
		return false
	}
	action, err := check.ParseAction(a.action)
	if err != nil {
		return false
	}
	var q check.Question
	q.Ask(&r, &action, check.Allow)
	return x.At(acc).Check(a.user, &q)
}

// load makes about so many grants: ten a user, in a record of each; two groups a user, and each
// group with grants of its own; resources three levels deep.
func load(t testing.TB, grants int) (*Index, []ask) {
	x := New()
	users, groups := max(1, grants/11), max(2, grants/220)
	at := func(n uint64) string { // a fixed sequence that looks random
		n = n*0x9E3779B97F4A7C15 + 0x1234567
		n ^= n >> 29
		n *= 0xBF58476D1CE4E5B9
		n ^= n >> 32
		account, project, doc := n%1000, n/1000%20, n/20000%50
		switch n >> 60 {
		case 0:
			return fmt.Sprintf("accounts/a%d", account)
		case 1, 2, 3, 4:
			return fmt.Sprintf("accounts/a%d/projects/p%d", account, project)
		}
		return fmt.Sprintf("accounts/a%d/projects/p%d/docs/d%d", account, project, doc)
	}
	n := uint64(0)
	record := func(e *Editor, id string, who Principal, count int) {
		b := Block{Principals: []Principal{who}}
		for range count {
			n++
			b.Grants = append(b.Grants, Grant{Role: ident.RoleID(fmt.Sprintf("ro_%d", n%3)), Resource: resource(t, at(n))})
		}
		e.SetRecord(ident.RecordID(id), []Block{b})
	}
	x.Update(acc, func(e *Editor) {
		e.SetRole("ro_0", role("ro_0", "read"))
		e.SetRole("ro_1", role("ro_1", "read", "update"))
		e.SetRole("ro_2", role("ro_2", "read", "update", "delete"))
		for g := range groups {
			id := ident.GroupID(fmt.Sprintf("grp_%d", g))
			record(e, fmt.Sprintf("rec_g%d", g), Principal{Group: id}, 20)
			var members []string
			for u := g; u < users; u += groups {
				members = append(members, fmt.Sprintf("user_%d", u), fmt.Sprintf("user_%d", (u+1)%users))
			}
			e.SetGroup(id, members)
		}
		for u := range users {
			record(e, fmt.Sprintf("rec_%d", u), Principal{User: ident.UserID(fmt.Sprintf("user_%d", u))}, 10)
		}
	})
	var asks []ask
	for i := range uint64(20_000) {
		u := i * 7919 % uint64(users)
		a := ask{user: fmt.Sprintf("user_%d", u), action: [...]string{"read", "update", "delete"}[i%3]}
		if i%2 == 0 {
			a.resource = at(uint64(groups)*20 + u*10 + 1 + i%10) // one of the user's own
		} else {
			a.resource = at(i * 31)
		}
		asks = append(asks, a)
	}
	return x, asks
}

func BenchmarkCheck(b *testing.B) {
	for _, size := range []int{1_000, 10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			x, asks := load(b, size)
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&after)
			_, grants := x.At(acc).Size()
			yes := 0
			i := 0
			b.ReportAllocs()
			cpu := cpuTime(b)
			for b.Loop() {
				if run(x, &asks[i]) {
					yes++
				}
				if i++; i == len(asks) {
					i = 0
				}
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(grants), "B/grant")
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(yes)/float64(b.N), "yes/op")
			runtime.KeepAlive(x)
		})
	}
}

// cpuTime is what the process has used so far. It says more than the clock on a busy machine.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkWrite(b *testing.B) {
	x, _ := load(b, 100_000)
	grants := []Grant{{Role: "ro_0", Resource: resource(b, "accounts/a1")}}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		i++
		x.Update(acc, func(e *Editor) {
			e.SetRecord("rec_new", []Block{{[]Principal{{User: ident.UserID(fmt.Sprintf("user_%d", i%9000))}}, grants}})
		})
	}
}
