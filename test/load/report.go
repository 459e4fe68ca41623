package main

import (
	"fmt"
	"strings"

	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/rig"
)

// toFloor compares the processor time of an operation to the floor's of the same round.
func (b *bench) toFloor(o *operation, connections int) rig.Spread {
	var ratios []float64
	for round, p := range o.points[connections] {
		if floor := b.ops[0].points[connections][round].CPU; floor > 0 {
			ratios = append(ratios, p.CPU/floor)
		}
	}
	return rig.SpreadOf(ratios)
}

const intro = "# Performance\n\nMeasured by `make bench`, which writes this page. Times differ from machine to machine and from hour to hour; what holds is the processor\n" +
	"time of the server for a request, and its ratio to the floor in the same run.\n\n"

// report is the part of docs/reference/performance.md about identity.
func (b *bench) report() string {
	var out strings.Builder
	out.WriteString("## Identity\n\n")
	b.table(&out)
	mebibytes := func(n int64) string { return rig.Number(float64(n)/(1<<20)) + " MiB" }
	fmt.Fprintf(&out, "\n| | |\n|---|---|\n| start to the first ready answer, existing database with %s grants | %s ms |\n", rig.Number(float64(b.settings.grants)), rig.SpreadOf(b.starts).Text())
	fmt.Fprintf(&out, "| memory (RSS), idle after the start | %s |\n| memory (RSS), after all rounds | %s |\n", mebibytes(b.idle), mebibytes(b.loaded))
	b.method(&out)
	return out.String()
}

// growthSection shows what `make growth` measured, which this run does not repeat.
const growthSection = `
## Growth

How memory, start and checks grow from a thousand to ten million grants, with everything in memory and by need. [The figures](growth.md) are
written by ` + "`make growth`" + `; [the design](../designs/access-memory.md) says what they mean for a hundred million.

![Memory, start and checks from a thousand to ten million grants](../images/growth.svg)
`

func (b *bench) table(out *strings.Builder) {
	out.WriteString("| operation | connections | requests/s | p50, ms | p99, ms | server CPU/request, µs | ratio to the floor |\n|---|---|---|---|---|---|---|\n")
	for i, o := range b.ops {
		for _, connections := range b.settings.connections {
			points := o.points[connections]
			ratio := "1"
			if i > 0 {
				ratio = b.toFloor(o, connections).Text()
			}
			fmt.Fprintf(out, "| %s | %d | %s | %s | %s | %s | %s |\n", o.title, connections,
				rig.Column(points, func(p rig.Point) float64 { return p.Rate }).Text(),
				rig.Column(points, func(p rig.Point) float64 { return p.P50 }).Text(),
				rig.Column(points, func(p rig.Point) float64 { return p.P99 }).Text(),
				rig.Column(points, func(p rig.Point) float64 { return p.CPU }).Text(), ratio)
		}
	}
}

func (b *bench) method(out *strings.Builder) {
	database := "SQLite, `synchronous=FULL`"
	if b.settings.database != "" {
		database = "PostgreSQL; its own processor time is not counted"
	}
	var others []float64
	for _, o := range b.ops {
		for _, points := range o.points {
			for _, p := range points {
				others = append(others, p.Others)
			}
		}
	}
	fmt.Fprintf(out, `
### How

- Machine: %s. The rest of the machine kept %s processors busy meanwhile.
- Database: %s. Nothing is answered before it is on disk.
- Each value is the median of %d rounds, with the least and the greatest. A round takes every operation at every number of connections
  in turn, %v each (code exchange: %d exchanges), so that whatever else the machine does hits all of them alike.
- The load client runs on the same machine, over loopback and keep-alive, each connection as fast as it is answered. Latency is the client's.
- Every answer is checked, status and body; a single wrong or failed one ends the run without a report.
- CPU is the server process's user and system time from `+"`/proc`"+`, divided by its answers.
- The floor is a `+"`net/http`"+` server in its own process that routes the same requests as the permission check and answers `+"`{}`"+`.
- Each of the %d people has %d of %s grants.
- Silent renewal is `+"`PATCH /api/session`"+` with the session's cookie, which the answer replaces; it signs two tokens. Code exchange is the last step of a login;
  obtaining the code is not part of it.
- Cold start is the time from starting the process to the first 200 from `+"`/readyz`"+`, %d times.
- The limits per client network are raised for the run (`+"`--rate-limit-scale 1000`"+`), because all requests come from one address. Nothing else is changed.
`, proc.Machine(), rig.SpreadOf(others).Text(), database, b.settings.rounds, b.settings.duration, b.settings.codes,
		b.settings.people, perPerson, rig.Number(float64(b.settings.grants)), b.settings.starts)
}
