package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/admit-id/admit/test/load/peer"
	"github.com/admit-id/admit/test/load/rig"
)

func cpuOf(p rig.Point) float64  { return p.CPU }
func rateOf(p rig.Point) float64 { return p.Rate }

// Report is the part of docs/reference/performance.md about the authorization server.
func (r *Result) Report() string {
	var out strings.Builder
	out.WriteString("## Authorization server\n\n")
	r.bars(&out)
	for _, o := range operations {
		fmt.Fprintf(&out, "\n### %s\n\n| server | connections | requests/s | p50, ms | p99, ms | CPU/request with its database, µs |\n|---|---|---|---|---|---|\n", strings.ToUpper(o.title[:1])+o.title[1:])
		for _, n := range connections {
			for _, t := range append(append([]*target{}, r.floors...), r.targets...) {
				points := t.points[o.name][n]
				if len(points) == 0 {
					continue
				}
				fmt.Fprintf(&out, "| %s | %d | %s | %s | %s | %s |\n", t.title(), n, rig.Column(points, rateOf).Text(),
					rig.Column(points, func(p rig.Point) float64 { return p.P50 }).Text(),
					rig.Column(points, func(p rig.Point) float64 { return p.P99 }).Text(), rig.Column(points, cpuOf).Text())
			}
		}
	}
	r.method(&out)
	return out.String()
}

// bars compares with the floors by processor time and with peers by rate, round by round.
func (r *Result) bars(out *strings.Builder) {
	out.WriteString("| what | bar | measured | met |\n|---|---|---|---|\n")
	line := func(what, bar string, s rig.Spread, met bool) {
		word := map[bool]string{true: "yes", false: "**no**"}[met]
		fmt.Fprintf(out, "| %s | %s | %sx | %s |\n", what, bar, s.Text(), word)
	}
	for i, t := range r.targets {
		if t.peer {
			continue
		}
		for _, n := range connections {
			s := rig.Ratios(t.points["cc"][n], r.floors[i].points["cc"][n], cpuOf)
			line(fmt.Sprintf("client credentials, %s, CPU against sign + grouped durable insert, %d connections", t.store, n), "at most 2x", s, s.Median <= 2)
		}
		for _, b := range []struct {
			operation, title string
			most             float64
		}{{"introspect", "introspection", 1.7}, {"userinfo", "userinfo", 1.7}, {"jwks", "JWKS", 1.15}, {"discovery", "discovery", 1.15}} {
			for _, n := range connections {
				s := rig.Ratios(t.points[b.operation][n], r.floors[0].points[b.operation][n], cpuOf)
				line(fmt.Sprintf("%s, %s, CPU against bare `net/http`, %d connections", b.title, t.store, n), fmt.Sprintf("at most %vx", b.most), s, s.Median <= b.most)
			}
		}
		r.against(t, line)
		after := float64(t.after) / (1 << 20)
		word := map[bool]string{true: "yes", false: "**no**"}[after < 80]
		fmt.Fprintf(out, "| memory (RSS) after all of it, %s; idle before %s MiB | under 80 MiB | %s MiB | %s |\n", t.store, rig.Number(float64(t.idle)/(1<<20)), rig.Number(after), word)
	}
}

// leastOf is how many times a peer's rate Admit's is to be.
var leastOf = map[string]map[string]float64{
	"Dex":           {"cc": 10, "code": 20, "refresh": 8},
	"oidc-provider": {"cc": 1, "code": 2, "refresh": 1},
}

// against compares the rates at 16 connections with the peers'.
func (r *Result) against(t *target, line func(what, bar string, s rig.Spread, met bool)) {
	for _, p := range r.targets {
		if !p.peer {
			continue
		}
		for _, o := range operations {
			least := leastOf[p.name][o.name]
			if least == 0 {
				continue
			}
			s := rig.Ratios(t.points[o.name][16], p.points[o.name][16], rateOf)
			if s.Median > 0 {
				line(fmt.Sprintf("%s, %s, rate at 16 connections against %s (%s)", o.title, t.store, p.name, p.store), fmt.Sprintf("%vx", least), s, s.Median >= least)
			}
		}
		// What a page does there to stay signed in is the silent sign-in.
		for _, n := range connections[:2] {
			if s := rig.Ratios(t.points["renew"][n], p.points["code"][n], rateOf); s.Median > 0 {
				line(fmt.Sprintf("silent renewal, %s, rate at %d connections against the silent code of %s (%s)", t.store, n, p.name, p.store), "3x", s, s.Median >= 3)
			}
		}
	}
}

func (r *Result) method(out *strings.Builder) {
	out.WriteString("\n")
	for _, f := range r.failures {
		fmt.Fprintf(out, "- Failed: %s\n", f)
	}
	if len(r.absent) > 0 {
		fmt.Fprintf(out, "- Not measured, because they were not there: %s.\n", strings.Join(r.absent, ", "))
	}
	store := "SQLite with `synchronous=FULL`"
	if r.postgres != "" {
		store += "; " + r.postgres
	}
	fmt.Fprintf(out, `- %s. Admit's audit event is part of every grant's transaction. oidc-provider keeps nothing, its own store replaced by a map, because that
  drops living sessions past a thousand entries; it signs with EdDSA. Dex is as shipped (RS256) and its mock connector stands for the session.
%s- PostgreSQL's time counts for whoever it works for; after each point that writes it is left to finish what that has caused.
- The bare floor answers a fixed body, for JWKS and discovery one as long as Admit's.
- Admit's refresh tokens are those of a public client, which rotate.
- %d rounds; each takes every operation of every server at every number of connections in turn, %v each. Every answer is checked; a wrong one of Admit ends the run
  without a report, one of a peer ends that operation and is listed; the peer is then started anew, and the rest of it measured.
`, store, r.hydra(), r.config.Rounds, r.config.Duration)
}

// hydra says what was measured of Ory Hydra, if it was there.
func (r *Result) hydra() string {
	if !slices.ContainsFunc(r.targets, func(t *target) bool { return t.name == hydraName }) {
		return ""
	}
	return fmt.Sprintf(`- %s %s is set up to be fast: on PostgreSQL with 128 connections, signing with ES256, the client's secret hashed once; its access tokens are JWTs. It asks a
  login and consent application about every sign-in, also of a person whom it remembers. Its silent sign-in is therefore: authorization, accepting the login, back to
  it, accepting the consent, back to it, code, tokens. Here that application is the measurement, which accepts at once and whose own time is not counted.
`, hydraName, peer.Version(r.config.Peers, "hydra"))
}
