package authz

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/client"
	"github.com/admit-id/admit/test/load/org"
	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/rig"
	"github.com/admit-id/admit/test/load/wire"
)

func checkPath(c org.Check) string {
	return "/v1/users/" + url.PathEscape(c.User) + "/resources/" + url.QueryEscape(c.Resource) + "/permissions/" + c.Action
}

// ask makes the request of a check.
func ask(host, token string, c org.Check) rig.Request {
	status := 404
	if c.Allow {
		status = 200
	}
	return rig.Request{Bytes: wire.Request("GET", host, checkPath(c), "", "Authorization: Bearer "+token), Status: status}
}

// clientChecks are the organisation's questions, asked by a service client.
func (r *run) clientChecks() (out []rig.Request) {
	for _, c := range r.org.Checks {
		out = append(out, ask(r.admit.Host, r.token, c))
	}
	return out
}

// userChecks are questions of the people who are signed in, each about themselves.
func (r *run) userChecks() (out []rig.Request) {
	tokens := map[string]string{}
	var names []string
	for _, p := range r.persons {
		tokens[p.Subject] = p.Token
		names = append(names, p.Subject)
	}
	for _, c := range r.org.AskAbout(2000, names...) {
		out = append(out, ask(r.admit.Host, tokens[c.User], c))
	}
	return out
}

func (r *run) floorCPU() time.Duration { return proc.CPU(r.floorPS.PID()) }

// takeChecks measures the floor and checks in turn, round by round.
func (r *run) takeChecks(ctx context.Context) error {
	user, service := r.userChecks(), r.clientChecks()
	floor := slices.Clone(user)
	for i := range floor {
		floor[i].Status, floor[i].Holds = 200, []byte("{}")
	}
	r.floor = newSeries("bare `net/http`")
	r.checks = []*series{newSeries("check, user token"), newSeries("check, client token")}
	for round := range r.config.Rounds {
		for _, n := range connections {
			for i, s := range append([]*series{r.floor}, r.checks...) {
				l, cpu := rig.Wire(r.floorAt, floor, n), r.floorCPU
				if i > 0 {
					l, cpu = rig.Wire(r.admit.Address, [][]rig.Request{user, service}[i-1], n), r.admit.CPU
				}
				p, err := rig.Take(ctx, l, cpu, r.config.Warm, r.config.Duration)
				if err != nil {
					return fmt.Errorf("%s at %d connections: %w", s.title, n, err)
				}
				s.points[n] = append(s.points[n], p)
				fmt.Fprintf(os.Stderr, "round %d of %d  %-20s %2d connections  %7.0f/s  %6.1f us CPU\n", round+1, r.config.Rounds, s.title, n, p.Rate, p.CPU)
			}
		}
	}
	r.rssAfter = proc.RSS(r.admit.PID())
	return nil
}

// batches are the organisation's questions, a thousand in a request.
func (r *run) batches() (out []rig.Request) {
	w := writer{r.admit.Host, r.token}
	for list := range slices.Chunk(r.org.Checks, 1000) {
		var body struct {
			Checks []client.Check `json:"checks"`
		}
		var right []string
		for _, c := range list {
			body.Checks = append(body.Checks, client.Check{UserID: c.User, Resource: c.Resource, Permission: c.Action})
			right = append(right, fmt.Sprintf(`{"allowed":%v}`, c.Allow))
		}
		q := w.send("POST", "/v1/checks", body, 200)
		q.Holds = []byte(`{"results":[` + strings.Join(right, ",") + `]}`)
		out = append(out, q)
	}
	return out
}

// heavy has a thousand documents directly and a thousand by a group.
const heavy = "heavy"

func (r *run) giveHeavy(ctx context.Context) (want []string, err error) {
	w := writer{r.admit.Host, r.token}
	requests := []rig.Request{w.send("POST", "/v1/groups", map[string]any{"groupId": "grp_heavy", "name": "Heavy", "users": []client.UserRef{{UserID: heavy}}}, created)}
	for i := range 2 {
		record := client.Record{ID: fmt.Sprintf("heavy-%d", i), Name: "Heavy"}
		if i == 0 {
			record.Users = []client.UserRef{{UserID: heavy}}
		} else {
			record.Groups = []client.GroupRef{{GroupID: "grp_heavy"}}
		}
		for n := range 10 {
			s := client.Statement{Roles: []string{org.Viewer}}
			for d := range 100 {
				text := fmt.Sprintf("accounts/heavy/projects/p%d/docs/d%d", i*10+n, d)
				want = append(want, text)
				s.Resources = append(s.Resources, client.ResourceRef{ResourceURI: text})
			}
			record.Statements = append(record.Statements, s)
		}
		requests = append(requests, w.send("POST", "/v1/records", record, created))
	}
	slices.Sort(want)
	for _, q := range requests { // the group first
		if err := sendAll(ctx, r.admit, []rig.Request{q}); err != nil {
			return nil, err
		}
	}
	return want, nil
}

// lister follows the pages of a user's resources to the end and compares them all.
type lister struct {
	run   *run
	conn  *wire.Conn
	user  string
	want  []string
	first []time.Duration
}

func (l *lister) Close() { l.conn.Close() }

func (l *lister) Do(context.Context, int) error {
	target := "/v1/users/" + l.user + "/resources?permissions=read&collectionConfiguration=INCLUDE_NESTED&limit=1000"
	var got []string
	for pages := 0; target != ""; pages++ {
		began := time.Now()
		a, err := l.conn.Do(wire.Request("GET", l.run.admit.Host, target, "", "Authorization: Bearer "+l.run.token))
		if err != nil {
			return err
		}
		if pages == 0 {
			l.first = append(l.first, time.Since(began))
		}
		var page struct {
			Resources []client.ResourceRef `json:"resources"`
			Links     struct {
				Next *struct {
					Href string `json:"href"`
				} `json:"next"`
			} `json:"links"`
		}
		if err := json.Unmarshal(a.Body, &page); err != nil || a.Status != 200 || pages > 100 {
			return fmt.Errorf("resources of %s: %d %.200s", l.user, a.Status, a.Body)
		}
		for _, resource := range page.Resources {
			got = append(got, resource.ResourceURI)
		}
		target = ""
		if page.Links.Next != nil {
			u, err := url.Parse(page.Links.Next.Href)
			if err != nil {
				return err
			}
			target = u.RequestURI()
		}
	}
	if slices.Sort(got); !slices.Equal(got, l.want) {
		return fmt.Errorf("resources of %s: %d, not the right %d", l.user, len(got), len(l.want))
	}
	return nil
}

// takeLists measures batches, and lists with all of their pages, over one connection.
func (r *run) takeLists(ctx context.Context) error {
	want, err := r.giveHeavy(ctx)
	if err != nil {
		return err
	}
	batches := r.batches()
	r.batch, r.list = newSeries("batch of 1,000 checks"), newSeries("2,000 resources of a user, complete")
	var first []time.Duration
	for range r.config.Rounds {
		p, err := rig.Take(ctx, rig.Wire(r.admit.Address, batches, 1), r.admit.CPU, r.config.Warm, r.config.Duration)
		if err != nil {
			return err
		}
		r.batch.points[1] = append(r.batch.points[1], p)
		p, waits, err := r.takeList(ctx, heavy, want)
		if err != nil {
			return err
		}
		first = append(first, waits...)
		r.list.points[1] = append(r.list.points[1], p)
	}
	r.page = timingOf(first)
	var ten []string
	for d := range 10 {
		ten = append(ten, org.Doc(0, 0, d))
	}
	_, waits, err := r.takeList(ctx, "list10", ten)
	r.small = timingOf(waits)
	return err
}

func (r *run) takeList(ctx context.Context, user string, want []string) (rig.Point, []time.Duration, error) {
	conn, err := wire.New(r.admit.Address)
	if err != nil {
		return rig.Point{}, nil, err
	}
	l := &lister{run: r, conn: conn, user: user, want: want}
	p, err := rig.Take(ctx, &rig.Load{Connections: 1, Count: 1, Open: func(int) (rig.Worker, error) { return l, nil }},
		r.admit.CPU, r.config.Warm, r.config.Duration)
	return p, l.first, err
}

// answered asks once and tells whether the answer is yes.
func answered(conn *wire.Conn, request []byte) (bool, error) {
	a, err := conn.Do(request)
	switch {
	case err != nil:
		return false, err
	case a.Status == 200:
		return true, nil
	case a.Status == 404 && bytes.Contains(a.Body, []byte("NotFound")):
		return false, nil
	}
	return false, errors.New(string(fmt.Appendf(nil, "a check answered %d %.200s", a.Status, a.Body)))
}
