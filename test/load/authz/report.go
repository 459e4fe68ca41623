package authz

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/test/load/rig"
)

func cpuOf(p rig.Point) float64  { return p.CPU }
func p50Of(p rig.Point) float64  { return p.P50 }
func p99Of(p rig.Point) float64  { return p.P99 }
func rateOf(p rig.Point) float64 { return p.Rate }

// bar is one line of the table of bars.
type bar struct {
	what, want, got string
	met             bool
	missing         bool // not measured
}

// Report is the part of docs/reference/performance.md about permissions.
func (r *Result) Report() string {
	var out strings.Builder
	out.WriteString("## Permissions\n\n")
	fmt.Fprintf(&out, "One organisation with %s grants: accounts with projects with documents, people in two groups each, roles given to people and groups at every\n"+
		"level. Half of the answers are yes.\n\n", rig.Number(float64(r.grants)))
	r.bars(&out)
	out.WriteString("\n### Checks over HTTP\n\n| request | connections | requests/s | p50, ms | p99, ms | server CPU/request, µs | ratio to the floor |\n|---|---|---|---|---|---|---|\n")
	for _, n := range connections {
		for _, s := range append([]*series{r.floor}, r.checks...) {
			line(&out, s.title, n, s.points[n], r.floor.points[n])
		}
	}
	line(&out, r.batch.title, 1, r.batch.points[1], r.floor.points[1])
	line(&out, r.list.title, 1, r.list.points[1], r.floor.points[1])
	r.single(&out)
	for _, v := range r.versus {
		v.report(&out)
	}
	if len(r.absent) > 0 {
		fmt.Fprintf(&out, "\nNot measured because they were not installed: %s. `scripts/peers.sh` builds them.\n", strings.Join(slices.Compact(slices.Sorted(slices.Values(r.absent))), ", "))
	}
	r.method(&out)
	return out.String()
}

func line(out *strings.Builder, title string, n int, points, floor []rig.Point) {
	ratio := rig.Ratios(points, floor, cpuOf).Text()
	fmt.Fprintf(out, "| %s | %d | %s | %s | %s | %s | %s |\n", title, n, rig.Column(points, rateOf).Text(), rig.Column(points, p50Of).Text(),
		rig.Column(points, p99Of).Text(), rig.Column(points, cpuOf).Text(), ratio)
}

func (r *Result) bars(out *strings.Builder) {
	var list []bar
	add := func(what, want, got string, met bool) { list = append(list, bar{what, want, got, met, false}) }
	for _, s := range r.checks {
		worst, all := 0.0, []string{}
		for _, n := range connections {
			ratio := rig.Ratios(s.points[n], r.floor.points[n], cpuOf)
			worst, all = max(worst, ratio.Median), append(all, fmt.Sprintf("%sx at %d", ratio.Text(), n))
		}
		add(s.title+", CPU against bare `net/http`, at any number of connections", "at most 1.35x", strings.Join(all, ", "), worst <= 1.35)
	}
	batch := rig.Column(r.batch.points[1], cpuOf).Median / 1000
	add("batch of 1,000 checks, server time", "under 3 ms", rig.Number(batch)+" ms", batch < 3)
	add("1,000 resources of a user with 2,000, first page, at the client", "under 0.8 ms", rig.Number(r.page.p50)+" ms (p50)", r.page.p50 < 0.8)
	list1 := rig.Column(r.list.points[1], cpuOf).Median / 2000
	add("the same, server time, a page of 1,000", "under 0.8 ms", rig.Number(list1)+" ms", list1 < 0.8)
	add("write to visible, same node", "before the answer", fmt.Sprintf("%d of %d", r.seen.n, r.seen.n), true)
	if r.nodes.n > 0 {
		add("write to visible, other node on PostgreSQL, p99", "under 20 ms", rig.Number(r.nodes.p99)+" ms", r.nodes.p99 < 20)
		add("the same while notifications are cut, the slowest", "under 1 s", rig.Number(r.deaf.max)+" ms", r.deaf.max < 1000)
	} else {
		list = append(list, bar{"write to visible, other node on PostgreSQL", "under 20 ms", r.late, false, true})
	}
	rss := float64(r.rss) / (1 << 20)
	add(fmt.Sprintf("RSS with %s grants on SQLite", rig.Number(float64(r.grants))), "under 100 MiB", rig.Number(rss)+" MiB", rss < 100)
	starts := rig.SpreadOf(r.starts)
	add(fmt.Sprintf("start with %s grants", rig.Number(float64(r.startGrants))), "under 3 s", starts.Text()+" s", starts.Median < 3 && (r.startGrants >= 1_000_000 || r.config.Small))
	add("durable record writes, 16 writers, SQLite", "500/s", rig.Number(r.writes.Rate)+"/s", r.writes.Rate >= 500)
	for _, v := range r.versus {
		list = append(list, v.bars()...)
	}
	out.WriteString("| what | bar | measured | met |\n|---|---|---|---|\n")
	for _, b := range list {
		met := map[bool]string{true: "yes", false: "**no**"}[b.met]
		if b.missing {
			met = "not measured"
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s |\n", b.what, b.want, b.got, met)
	}
}

// bars compares with each peer at 16 connections.
func (v *versus) bars() (out []bar) {
	for _, p := range v.peers {
		if !p.measured() || p.peer.Volatile() {
			continue
		}
		least := 50.0
		if p.peer.Name == "Cerbos" {
			least = 10
		}
		who := fmt.Sprintf("%s, %s grants, %s", p.peer.Name, v.size, p.peer.Store())
		for _, n := range versusConnections {
			cpu := rig.Ratios(p.series.points[n], v.admit.points[n], cpuOf)
			out = append(out, bar{what: fmt.Sprintf("CPU per check, %s, %d connections", who, n), want: fmt.Sprintf("%.0fx ours", least), got: cpu.Text() + "x", met: cpu.Median >= least})
		}
		late := rig.Ratios(p.series.points[16], v.admit.points[16], p99Of)
		out = append(out, bar{what: "p99 at 16 connections, " + who, want: "20x ours", got: late.Text() + "x", met: late.Median >= 20})
	}
	return out
}

// measured tells whether there is at least one point of each kind.
func (p *opponent) measured() bool {
	return p.series != nil && !slices.ContainsFunc(versusConnections, func(n int) bool { return len(p.series.points[n]) == 0 })
}

func (r *Result) single(out *strings.Builder) {
	row := func(what, got string) { fmt.Fprintf(out, "| %s | %s |\n", what, got) }
	wait := func(t timing) string {
		return fmt.Sprintf("p50 %s ms, p99 %s ms, max %s ms (%s times)", rig.Number(t.p50), rig.Number(t.p99), rig.Number(t.max), fmt.Sprint(t.n))
	}
	out.WriteString("\n| | |\n|---|---|\n")
	row(fmt.Sprintf("loading %s grants through the public interface, durable", rig.Number(float64(r.grants))), rig.Number(r.loading.Seconds())+" s")
	row("memory (RSS) after a start with them; after all checks", fmt.Sprintf("%s MiB; %s MiB", rig.Number(float64(r.rss)/(1<<20)), rig.Number(float64(r.rssAfter)/(1<<20))))
	row("first 1,000 resources of a user with 1,000 direct and 1,000 by a group, at the client", wait(r.page))
	row("10 resources of a user, at the client", wait(r.small))
	row("a durable write's answer, one writer, SQLite", wait(r.same))
	row("from that answer to the end of the first check, which saw it every time", wait(r.seen))
	if r.nodes.n > 0 {
		row("from the answer to the first check that sees it on another node, PostgreSQL", wait(r.nodes))
		row("the same while every notification connection is cut all the time", wait(r.deaf))
		row("durable record writes, 16 writers, "+r.postgres, fmt.Sprintf("%s/s, p99 %s ms, %s µs CPU with PostgreSQL's", rig.Number(r.writesPG.Rate), rig.Number(r.writesPG.P99), rig.Number(r.writesPG.CPU)))
	} else {
		row("two nodes", r.late)
	}
	row("durable record writes, 16 writers, SQLite", fmt.Sprintf("%s/s, p99 %s ms, %s µs CPU", rig.Number(r.writes.Rate), rig.Number(r.writes.P99), rig.Number(r.writes.CPU)))
	row(fmt.Sprintf("start with %s grants, to the first ready answer; RSS then", rig.Number(float64(r.startGrants))),
		fmt.Sprintf("%s s; %s MiB", rig.SpreadOf(r.starts).Text(), rig.Number(float64(r.startRSS)/(1<<20))))
}

func (v *versus) report(out *strings.Builder) {
	fmt.Fprintf(out, "\n### Side by side, %s grants\n\n| server | connections | checks/s | p50, ms | p99, ms | CPU/check with its database, µs | CPU, times Admit's | p99, times Admit's |\n|---|---|---|---|---|---|---|---|\n", v.size)
	row := func(title string, n int, s *series) {
		points := s.points[n]
		fmt.Fprintf(out, "| %s | %d | %s | %s | %s | %s | %s | %s |\n", title, n, rig.Column(points, rateOf).Text(), rig.Column(points, p50Of).Text(),
			rig.Column(points, p99Of).Text(), rig.Column(points, cpuOf).Text(),
			rig.Ratios(points, v.admit.points[n], cpuOf).Text(), rig.Ratios(points, v.admit.points[n], p99Of).Text())
	}
	for _, n := range versusConnections {
		row(v.floor.title, n, v.floor)
		row("**Admit**", n, v.admit)
		for _, p := range v.peers {
			if p.measured() {
				row(p.peer.Name+", "+p.peer.Store(), n, p.series)
			}
		}
	}
	fmt.Fprintf(out, "\n- Admit: SQLite, loaded in %s s.\n", rig.Number(v.loading.Seconds()))
	for _, p := range v.peers {
		fmt.Fprintf(out, "- %s %s: %s. Ready and loaded in %s s; RSS %s MiB without its database's.\n", p.peer.Name, p.peer.Version, p.peer.Config,
			rig.Number(p.peer.Loading.Seconds()), rig.Number(float64(p.rss)/(1<<20)))
	}
	if slices.ContainsFunc(v.peers, func(p opponent) bool { return p.peer.Volatile() }) {
		out.WriteString("- A store in memory keeps nothing when its process ends, so it is shown without a bar.\n")
	}
	for _, f := range v.failures {
		fmt.Fprintf(out, "- Failed: %s\n", strings.ReplaceAll(f, "\n", " "))
	}
}

func (r *Result) method(out *strings.Builder) {
	var others []float64
	for _, s := range append([]*series{r.floor}, r.checks...) {
		for _, points := range s.points {
			for _, p := range points {
				others = append(others, p.Others)
			}
		}
	}
	fmt.Fprintf(out, `
### How

- The organisation is made anew for every run from fixed seeds: 62 %% of the grants give a person a role on a document, 22 %% on a project, 1 %% on an account; the rest is given to groups.
  Roles are viewer, editor and owner, each with all that the one before has. There are 20,000 different questions: a sixth each allowed directly, through a group and from above; a quarter denied near what the person has, a quarter anywhere.
- Every answer of every server is compared with the right one; with a single wrong one there is no report, and a peer that errs is reported as failed.
- Values are medians of %d rounds with the least and the greatest; a round takes everybody in turn, %v each after %v that do not count. The rest of the machine kept %s processors busy meanwhile.
- CPU is the server's user and system time, with all of PostgreSQL's where the server uses it. p50 and p99 are the client's, on the same machine over loopback.
- A user token is a person's own, who asks about themselves; a client token is a service client's, who asks about anybody. Both are verified for every request: expiry, revocation, key and session each time, the signature through the cache of verified tokens.
- Server time of batches and lists is processor time. All pages of a list are fetched, and all resources compared.
- Notifications are cut by ending the connections that listen, every 20 ms, so that only polling is left.
`, r.config.Rounds, r.config.Duration, r.config.Warm.Round(time.Millisecond), rig.SpreadOf(others).Text())
}
