package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/admit-id/admit/test/load/proc"
)

// report is docs/reference/growth.md.
func report(rows []row, room int) string {
	var out strings.Builder
	fmt.Fprintf(&out, `# Growth

Measured by `+"`make growth`"+`, which writes this page and its picture. How an account is held in memory, and what follows for very large ones, is in
[the design](../designs/access-memory.md).

![Memory, start and checks from a thousand to ten million grants](../images/growth.svg)

| grants | people | database, MB | held | start, s | RSS after the start, MiB | heap, bytes/grant | check, p50, µs | first check of a person, p50, µs | p99, µs | RSS after the questions, MiB |
|---|---|---|---|---|---|---|---|---|---|---|
`)
	for _, r := range rows {
		held, cold, cold99 := "whole", "", ""
		if r.ByNeed {
			held, cold, cold99 = "by need", fmt.Sprintf("%.0f", r.Cold), fmt.Sprintf("%.0f", r.Cold99)
		}
		fmt.Fprintf(&out, "| %s | %s | %.1f | %s | %.2f | %.0f | %.1f | %.2f | %s | %s | %.0f |\n",
			thousands(r.Grants), thousands(r.People), r.Database/1e6, held, r.Start, r.RSS, r.Bytes, r.Warm, cold, cold99, r.After)
	}
	fmt.Fprintf(&out, `
## How

- Machine: %s. SQLite, with the history of all records; the file is in the machine's page cache.
- A thousand grants are eighty people with ten documents each in one record, and a group of fifty of them with two hundred documents. The resources
  have three levels and 44 characters.
- Start is the time from starting the server's process to the first 200 of `+"`/readyz`"+`. RSS is the whole process's, from `+"`/proc`"+`; it holds what the
  garbage collector has not given back.
- Bytes a grant are the heap of a process with the engine, after garbage collection, divided by the grants in the database: by need, most of them are not in memory.
- Checks are asked in process, one after the other, about %s people spread over all; three quarters are allowed, a quarter of them through the group. Every answer is
  checked. The first check of a person who is not in memory reads the database.
- By need means `+"`memory-grants`"+` of %s (half of the grants where that is less). Such an account keeps whoever was asked about, up to that.
`, proc.Machine(), thousands(warmPeople), thousands(room))
	return out.String()
}

func thousands(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// line is one curve.
type line struct {
	title string
	need  bool
	value func(row) float64
}

// panel is one diagram with logarithmic axes.
type panel struct {
	title string
	lines []line
}

const (
	panelWide, panelHigh = 300.0, 220.0
	panelGap             = 70.0
	panelTop             = 46.0
)

// plot draws the rows. Colours come from the reader's scheme, light or dark.
func plot(rows []row) string {
	panels := []panel{
		{"memory of the server (RSS), MiB", []line{
			{"whole", false, func(r row) float64 { return r.RSS }}, {"by need", true, func(r row) float64 { return r.RSS }}}},
		{"start until ready, s", []line{
			{"whole", false, func(r row) float64 { return r.Start }}, {"by need", true, func(r row) float64 { return r.Start }}}},
		{"check, p50, µs", []line{
			{"whole", false, func(r row) float64 { return r.Warm }}, {"by need", true, func(r row) float64 { return r.Warm }},
			{"by need, first", true, func(r row) float64 { return r.Cold }}}},
	}
	var out strings.Builder
	width := panelGap + float64(len(panels))*(panelWide+panelGap)
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" role="img" aria-label="Growth from a thousand to ten million grants">
<style>
text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-weight:600}.g{stroke:#d0d7de;fill:none}.a{stroke:#0969da;fill:none;stroke-width:2}.b{stroke:#bc4c00;fill:none;stroke-width:2}.c{stroke:#8250df;fill:none;stroke-width:2}
.fa{fill:#0969da}.fb{fill:#bc4c00}.fc{fill:#8250df}.p{fill:#ffffff}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.g{stroke:#30363d}.a{stroke:#58a6ff}.b{stroke:#f0883e}.c{stroke:#bc8cff}.fa{fill:#58a6ff}.fb{fill:#f0883e}.fc{fill:#bc8cff}.p{fill:#0d1117}}
</style>
<rect class="p" width="100%%" height="100%%"/>
`, width, panelTop+panelHigh+60)
	for i, p := range panels {
		p.draw(&out, rows, panelGap+float64(i)*(panelWide+panelGap))
	}
	out.WriteString("</svg>\n")
	return out.String()
}

func (p panel) draw(out *strings.Builder, rows []row, left float64) {
	low, high := math.Inf(1), math.Inf(-1)
	for _, l := range p.lines {
		for _, r := range rows {
			if r.ByNeed == l.need && l.value(r) > 0 {
				low, high = min(low, math.Floor(math.Log10(l.value(r)))), max(high, math.Ceil(math.Log10(l.value(r))))
			}
		}
	}
	x := func(grants int) float64 { return left + panelWide*(math.Log10(float64(grants))-3)/4 }
	y := func(v float64) float64 { return panelTop + panelHigh*(1-(math.Log10(v)-low)/max(1, high-low)) }
	fmt.Fprintf(out, `<text class="t" x="%.0f" y="22">%s</text>`+"\n", left, p.title)
	for d := 3; d <= 7; d++ {
		at := x(int(math.Pow10(d)))
		fmt.Fprintf(out, `<path class="g" d="M%.1f %.1fV%.1f"/><text x="%.1f" y="%.1f" text-anchor="middle">10<tspan dy="-5" font-size="9">%d</tspan></text>`+"\n",
			at, panelTop, panelTop+panelHigh, at, panelTop+panelHigh+18, d)
	}
	for d := low; d <= high; d++ {
		at := y(math.Pow(10, d))
		fmt.Fprintf(out, `<path class="g" d="M%.1f %.1fh%.1f"/><text x="%.1f" y="%.1f" text-anchor="end">%s</text>`+"\n",
			left, at, panelWide, left-6, at+4, strings.TrimSuffix(fmt.Sprintf("%g", math.Pow(10, d)), "+00"))
	}
	for i, l := range p.lines {
		class := string(rune('a' + i))
		var d strings.Builder
		step := "M"
		for _, r := range rows {
			if r.ByNeed != l.need || l.value(r) <= 0 {
				continue
			}
			fmt.Fprintf(&d, "%s%.1f %.1f", step, x(r.Grants), y(l.value(r)))
			step = "L"
			fmt.Fprintf(out, `<circle class="f%s" cx="%.1f" cy="%.1f" r="3"/>`, class, x(r.Grants), y(l.value(r)))
		}
		fmt.Fprintf(out, `<path class="%s" d="%s"/><text class="f%s" x="%.1f" y="38">%s</text>`+"\n", class, d.String(), class, left+float64(i)*70, l.title)
	}
	fmt.Fprintf(out, `<text x="%.1f" y="%.1f" text-anchor="middle">grants</text>`+"\n", left+panelWide/2, panelTop+panelHigh+36)
}
