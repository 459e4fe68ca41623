package main

import (
	"bytes"
	"fmt"
	"net/url"

	"github.com/admit-id/admit/test/load/drive"
	"github.com/admit-id/admit/test/load/wire"
)

// operation is one kind of request that is measured.
type operation struct {
	name    string
	title   string
	address string
	pid     func() int
	// requests makes what the workers send, in turn and over again, or once each if once is set.
	requests func() ([]request, error)
	once     bool
	points   map[int][]point // by number of connections, one a round
}

// request is one request with what a right answer to it is.
type request struct {
	bytes  []byte
	status int
	holds  []byte // a text in the right answer's body
}

func (r request) wrong(a wire.Answer) error {
	if a.Status != r.status || !bytes.Contains(a.Body, r.holds) {
		line, _, _ := bytes.Cut(r.bytes, []byte("\r\n"))
		return fmt.Errorf("%s: answered %d %.200q", line, a.Status, a.Body)
	}
	return nil
}

// operations lists what is measured, the floor first.
func (b *bench) operations() []*operation {
	admit := func() int { return b.admit.PID() }
	all := []*operation{
		{name: "floor", title: "bare `net/http`", address: b.floorAt, pid: func() int { return b.floor.PID() }, requests: b.floorRequests},
		{name: "check", title: "permission check, user token", address: b.server.Address, pid: admit, requests: b.checks},
		{name: "jwks", title: "JWKS", address: b.server.Address, pid: admit, requests: b.jwks},
		{name: "renewal", title: "silent renewal", address: b.server.Address, pid: admit, requests: b.renewals},
		{name: "exchange", title: "code exchange", address: b.server.Address, pid: admit, requests: b.exchanges, once: true},
	}
	var chosen []*operation
	for _, o := range all {
		if o.name == "floor" || b.settings.only == "" || b.settings.only == o.name {
			o.points = map[int][]point{}
			chosen = append(chosen, o)
		}
	}
	return chosen
}

func checkPath(subject, resource, permission string) string {
	return "/v1/users/" + url.PathEscape(subject) + "/resources/" + url.QueryEscape(resource) + "/permissions/" + url.PathEscape(permission)
}

// floorRequests are the checks' requests, sent to the floor.
func (b *bench) floorRequests() ([]request, error) {
	requests, err := b.checks()
	for i := range requests {
		requests[i].status, requests[i].holds = 200, floorBody
	}
	return requests, err
}

// checks asks for every person about resources that they have and resources that they have
// not, in turn.
func (b *bench) checks() ([]request, error) {
	var out []request
	for i, p := range b.people {
		header := "Authorization: Bearer " + p.Token
		for n := range perPerson {
			for other, status := range map[int]int{i: 200, i + 1: 404} {
				path := checkPath(p.Subject, resource(other, n), "READ")
				out = append(out, request{bytes: wire.Request("GET", b.server.Host, path, "", header), status: status})
			}
		}
	}
	return out, nil
}

func (b *bench) jwks() ([]request, error) {
	get := wire.Request("GET", b.server.Host, "/.well-known/openid-configuration/jwks", "")
	return []request{{bytes: get, status: 200, holds: []byte(`"Ed25519"`)}}, nil
}

func (b *bench) renewals() ([]request, error) {
	var out []request
	for _, p := range b.people {
		out = append(out, request{bytes: p.Renew(), status: 200, holds: []byte(`"access_token"`)})
	}
	return out, nil
}

// exchanges obtains codes beforehand, because a code can be exchanged only once.
func (b *bench) exchanges() ([]request, error) {
	c, err := wire.New(b.server.Address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	out := make([]request, b.settings.codes)
	for i := range out {
		var code drive.Code
		if code, err = b.people[i%len(b.people)].Code(c); err != nil {
			return nil, fmt.Errorf("obtaining a code: %w", err)
		}
		out[i] = request{bytes: b.server.Exchange(code), status: 200, holds: []byte(`"access_token"`)}
	}
	return out, nil
}
