package main

import (
	"context"
	"fmt"
	"net/url"

	"github.com/admit-id/admit/test/load/drive"
	"github.com/admit-id/admit/test/load/rig"
	"github.com/admit-id/admit/test/load/wire"
)

// operation is one kind of request that is measured.
type operation struct {
	name    string
	title   string
	address string
	pid     func() int
	// requests makes what the workers send, in turn and over again, or once each if once is set.
	requests func() ([]rig.Request, error)
	once     bool
	open     func(worker int) (rig.Worker, error) // in place of requests, where one depends on the answer before
	points   map[int][]rig.Point                  // by number of connections, one a round
}

// operations lists what is measured, the floor first.
func (b *bench) operations() []*operation {
	all := []*operation{
		{name: "floor", title: "bare `net/http`", address: b.floorAt, pid: func() int { return b.floor.PID() }, requests: b.floorRequests},
		{name: "jwks", title: "JWKS", address: b.admit.Address, pid: b.admit.PID, requests: b.jwks},
		{name: "renewal", title: "silent renewal", address: b.admit.Address, pid: b.admit.PID, open: b.renewer},
		{name: "exchange", title: "code exchange", address: b.admit.Address, pid: b.admit.PID, requests: b.exchanges, once: true},
	}
	var chosen []*operation
	for _, o := range all {
		if o.name == "floor" || b.settings.only == "" || b.settings.only == o.name {
			o.points = map[int][]rig.Point{}
			chosen = append(chosen, o)
		}
	}
	return chosen
}

func checkPath(subject, resource, permission string) string {
	return "/v1/users/" + url.PathEscape(subject) + "/resources/" + url.QueryEscape(resource) + "/permissions/" + url.PathEscape(permission)
}

// floorRequests are the checks' requests, sent to the floor.
func (b *bench) floorRequests() ([]rig.Request, error) {
	requests, err := b.checks()
	for i := range requests {
		requests[i].Status, requests[i].Holds = 200, floorBody
	}
	return requests, err
}

// checks asks for every person about resources that they have and resources that they have
// not, in turn.
func (b *bench) checks() ([]rig.Request, error) {
	var out []rig.Request
	for i, p := range b.people {
		header := "Authorization: Bearer " + p.Token
		for n := range perPerson {
			for other, status := range map[int]int{i: 200, i + 1: 404} {
				path := checkPath(p.Subject, resource(other, n), "READ")
				out = append(out, rig.Request{Bytes: wire.Request("GET", b.admit.Host, path, "", header), Status: status})
			}
		}
	}
	return out, nil
}

func (b *bench) jwks() ([]rig.Request, error) {
	get := wire.Request("GET", b.admit.Host, "/.well-known/openid-configuration/jwks", "")
	return []rig.Request{{Bytes: get, Status: 200, Holds: []byte(`"Ed25519"`)}}, nil
}

// renewer is a browser of its own for every connection, because each answer replaces the session's cookie.
func (b *bench) renewer(worker int) (rig.Worker, error) {
	c, err := wire.New(b.admit.Address)
	return renewer{c, b.browsers[worker]}, err
}

type renewer struct {
	conn   *wire.Conn
	person *drive.Person
}

func (w renewer) Do(context.Context, int) error { return w.person.Renew(w.conn) }
func (w renewer) Close()                        { w.conn.Close() }

// exchanges obtains codes beforehand, because a code can be exchanged only once.
func (b *bench) exchanges() ([]rig.Request, error) {
	c, err := wire.New(b.admit.Address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	out := make([]rig.Request, b.settings.codes)
	for i := range out {
		var code drive.Code
		if code, err = b.people[i%len(b.people)].Code(c); err != nil {
			return nil, fmt.Errorf("obtaining a code: %w", err)
		}
		out[i] = rig.Request{Bytes: b.server.Exchange(code), Status: 200, Holds: []byte(`"access_token"`)}
	}
	return out, nil
}
