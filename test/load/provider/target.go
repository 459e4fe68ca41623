package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/admit-id/admit/test/load/drive"
	"github.com/admit-id/admit/test/load/rig"
	"github.com/admit-id/admit/test/load/wire"
)

// operation is one kind of work that is measured.
type operation struct {
	name, title string
	writes      bool
}

var operations = []operation{
	{"cc", "client credentials", true},
	{"code", "silent code + PKCE + token", true},
	{"refresh", "refresh with rotation", true},
	{"renew", "silent renewal with a rotating cookie", true},
	{"introspect", "introspection", false},
	{"userinfo", "userinfo", false},
	{"jwks", "JWKS", false},
	{"discovery", "discovery", false},
}

// target is a server under test.
type target struct {
	name, store string
	peer        bool
	address     string
	requests    map[string]func(worker int) (rig.Worker, error) // by operation
	points      map[string]map[int][]rig.Point
	failed      map[string]bool
	cpu         func() time.Duration
	rss         func() int64
	start       func(context.Context) (*target, error) // a peer's
	stop        func() error
	idle, after int64
}

func newTarget(name, store, address string) *target {
	return &target{name: name, store: store, address: address, requests: map[string]func(int) (rig.Worker, error){},
		points: map[string]map[int][]rig.Point{}, failed: map[string]bool{}, stop: func() error { return nil }}
}

func (t *target) title() string {
	if t.store == "" {
		return t.name
	}
	return t.name + ", " + t.store
}

func (t *target) point(operation string, n int, p rig.Point) {
	if t.points[operation] == nil {
		t.points[operation] = map[int][]rig.Point{}
	}
	t.points[operation][n] = append(t.points[operation][n], p)
}

// server is what every OAuth server has, with the two clients of the measurement.
type server struct {
	host                                                        string // for the Host header
	token, authorize, introspect, userinfo, keys, discoveryPath string
	introspectAt                                                string          // another address for introspection
	app                                                         *loginApp       // answers in place of pages, for a server that leaves them to others
	service                                                     credential      // asks for itself, and introspects
	web                                                         credential      // sends people to sign in
	families                                                    []credential    // in its place for refreshing, one a worker, where a person has one family a client
	introspectsPerson                                           bool            // introspects a person's token, where JWTs cannot be
	cookies                                                     []string        // of signed-in browsers; one a worker, over and over
	renews                                                      []*drive.Person // that renew by the login protocol, one a worker
	scope                                                       string          // of the silent sign-in
	extra                                                       string          // more of its query
	serviceScope                                                string          // of client credentials
}

// credential is a client; without a secret it is public.
type credential struct{ id, secret, redirect string }

const form = "Content-Type: application/x-www-form-urlencoded"

// sameVerifier is every sign-in's PKCE verifier, with its challenge, and sameState its state: the server
// cannot tell, and making them is no work of the server's.
const (
	sameState     = "load-state-0123"
	sameVerifier  = "0123456789abcdefghijklmnopqrstuvwxyz-0123456789"
	sameChallenge = "7xLg7l4b2r-D3F8BOeu3Y8UADhoT5C5dUAmj2CequqE"
)

func (s *server) post(path string, c credential, fields url.Values) []byte {
	headers := []string{form}
	if c.secret != "" {
		headers = append(headers, "Authorization: Basic "+basic(url.QueryEscape(c.id), url.QueryEscape(c.secret)))
	} else {
		fields.Set("client_id", c.id)
	}
	return wire.Request("POST", s.host, path, fields.Encode(), headers...)
}

// offer fills the target with what the server can do.
func (s *server) offer(ctx context.Context, t *target) error {
	repeatAt := func(address, operation string, request []byte, holds string) {
		t.requests[operation] = func(int) (rig.Worker, error) {
			c, err := wire.New(address)
			return &repeater{conn: c, request: rig.Request{Bytes: request, Status: 200, Holds: []byte(holds)}}, err
		}
	}
	repeat := func(operation string, request []byte, holds string) { repeatAt(t.address, operation, request, holds) }
	ask := url.Values{"grant_type": {"client_credentials"}}
	if s.serviceScope != "" {
		ask.Set("scope", s.serviceScope)
	}
	cc := s.post(s.token, s.service, ask)
	repeat("cc", cc, `"access_token"`)
	repeat("jwks", wire.Request("GET", s.host, s.keys, ""), `"kty"`)
	repeat("discovery", wire.Request("GET", s.host, s.discoveryPath, ""), `"token_endpoint"`)

	b, err := s.browser(t.address)
	if err != nil {
		return err
	}
	defer b.Close()
	own, err := tokensOf(b.conn.Do(cc))
	if err != nil {
		return fmt.Errorf("client credentials: %w", err)
	}
	persons, err := s.silent(b, s.web, 0)
	if err != nil {
		return fmt.Errorf("the silent sign-in: %w", err)
	}
	asked := own.Access
	if s.introspectsPerson {
		asked = persons.Access
	}
	repeatAt(cmp.Or(s.introspectAt, t.address), "introspect", s.post(s.introspect, s.service, url.Values{"token": {asked}}), `"active":true`)
	repeat("userinfo", wire.Request("GET", s.host, s.userinfo, "", "Authorization: Bearer "+persons.Access), `"sub"`)
	t.requests["code"] = func(worker int) (rig.Worker, error) {
		b, err := s.browser(t.address)
		return &signer{server: s, browser: b, worker: worker}, err
	}
	if len(s.renews) > 0 {
		t.requests["renew"] = func(worker int) (rig.Worker, error) {
			c, err := wire.New(t.address)
			return &renewer{c, s.renews[worker]}, err
		}
	}
	return s.offerRefresh(ctx, t, b)
}

// offerRefresh gets a family of tokens for every worker there can be. Each keeps its newest from
// point to point.
func (s *server) offerRefresh(ctx context.Context, t *target, b *browser) error {
	most := connections[len(connections)-1]
	newest := make([]string, most)
	for i := range newest {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		got, err := s.silent(b, s.family(i), i)
		if err != nil {
			return fmt.Errorf("a refresh token: %w", err)
		}
		if newest[i] = got.Refresh; got.Refresh == "" {
			return fmt.Errorf("%s gives no refresh token", t.title())
		}
	}
	t.requests["refresh"] = func(worker int) (rig.Worker, error) {
		c, err := wire.New(t.address)
		return &refresher{server: s, conn: c, web: s.family(worker), newest: &newest[worker]}, err
	}
	return nil
}

// tokens is an answer of a token endpoint.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

func tokensOf(a wire.Answer, err error) (t tokens, _ error) {
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(a.Body, &t); err != nil || a.Status != 200 || t.Access == "" {
		return t, fmt.Errorf("answered %d %.300q", a.Status, a.Body)
	}
	return t, nil
}

// family is the client that a worker refreshes with.
func (s *server) family(worker int) credential {
	if len(s.families) > 0 {
		return s.families[worker%len(s.families)]
	}
	return s.web
}

// browser is a browser's connection, and that of the application that answers in place of pages, if there is one.
type browser struct{ conn, app *wire.Conn }

func (s *server) browser(address string) (b *browser, err error) {
	b = &browser{}
	if b.conn, err = wire.New(address); err == nil && s.app != nil {
		b.app, err = wire.New(s.app.address)
	}
	return b, err
}

func (b *browser) Close() {
	b.conn.Close()
	if b.app != nil {
		b.app.Close()
	}
}

// silent signs a browser that has a session in again, without a page: authorization, code, tokens.
func (s *server) silent(b *browser, web credential, worker int) (tokens, error) {
	code, _, err := s.code(b, web, worker)
	if err != nil {
		return tokens{}, err
	}
	return tokensOf(b.conn.Do(s.post(s.token, web, url.Values{"grant_type": {"authorization_code"}, "code": {code},
		"redirect_uri": {web.redirect}, "code_verifier": {sameVerifier}})))
}

// code goes from the authorization endpoint to the application's, and returns what arrives there and the
// cookies that were set on the way.
func (s *server) code(b *browser, web credential, worker int) (code string, set []string, err error) {
	query := url.Values{"client_id": {web.id}, "redirect_uri": {web.redirect}, "response_type": {"code"}, "scope": {s.scope},
		"state": {sameState}, "code_challenge": {sameChallenge}, "code_challenge_method": {"S256"}}
	target := s.authorize + "?" + query.Encode() + s.extra
	var cookies []string
	if len(s.cookies) > 0 {
		cookies = []string{s.cookies[worker%len(s.cookies)]}
	}
	for range 8 {
		var headers []string
		if len(cookies) > 0 {
			headers = append(headers, "Cookie: "+strings.Join(cookies, "; "))
		}
		a, err := b.conn.Do(wire.Request("GET", s.host, target, "", headers...))
		if err != nil {
			return "", nil, err
		}
		if a.Status < 300 || a.Status > 399 {
			return "", nil, fmt.Errorf("authorization answered %d %.300q", a.Status, a.Body)
		}
		to, err := url.Parse(a.Location)
		if err != nil {
			return "", nil, err
		}
		if strings.HasPrefix(a.Location, web.redirect) {
			answer := to.Query()
			if answer.Get("code") == "" || answer.Get("state") != sameState {
				return "", nil, fmt.Errorf("authorization ended at %.300q", a.Location)
			}
			return answer.Get("code"), set, nil
		}
		cookies, set = append(cookies, a.Cookies...), append(set, a.Cookies...)
		if s.app != nil && strings.HasPrefix(a.Location, loginPages) {
			if to, err = s.app.accept(b.app, to, worker); err != nil {
				return "", nil, err
			}
		}
		target = to.RequestURI()
	}
	return "", nil, fmt.Errorf("authorization does not end; it was last at %.200q", target)
}
