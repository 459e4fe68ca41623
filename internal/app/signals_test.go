package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/config"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/signal"
)

// receiver is a service client that is told of people.
type receiver struct {
	deployment
	id, key string
}

// signal's receivers are on this machine.
func hear(c *config.Config) { c.EgressAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }

func (d deployment) call(key, method, path string, body any) (int, string) {
	d.Helper()
	var text string
	switch b := body.(type) {
	case nil:
	case string:
		text = b
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			d.Fatal(err)
		}
		text = string(raw)
	}
	r := httptest.NewRequest(method, oauthIssuer+strings.TrimPrefix(path, oauthIssuer), strings.NewReader(text))
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	w := httptest.NewRecorder()
	d.app.router.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// receiver makes a service client; it may have streams when record is not empty.
func (d deployment) receiver(name, record string) receiver {
	d.Helper()
	key, err := d.app.CreateAccessKey(d.Context(), name, false)
	if err != nil {
		d.Fatal(err)
	}
	id, _, _ := strings.Cut(key.Reveal(), ".")
	if record != "" {
		admin, err := d.app.CreateAccessKey(d.Context(), "admin", true)
		if err != nil {
			d.Fatal(err)
		}
		status, text := d.call(admin.Reveal(), "POST", "/v1/records", map[string]any{
			"recordId": record, "name": record, "users": []any{map[string]string{"userId": id}},
			"statements": []any{map[string]any{"roles": []string{"Authress:Owner"}, "resources": []any{map[string]string{"resourceUri": "Authress:Streams"}}}},
		})
		if status != 201 {
			d.Fatal(status, text)
		}
	}
	return receiver{d, id, key.Reveal()}
}

func (r receiver) want(status int, method, path string, body any) map[string]any {
	r.Helper()
	got, text := r.call(r.key, method, path, body)
	if got != status {
		r.Fatalf("%s %s: %d, want %d: %s", method, path, got, status, text)
	}
	var out map[string]any
	_ = json.Unmarshal([]byte(text), &out)
	return out
}

// told is what a Security Event Token says.
type told struct {
	Issuer, Audience, ID string
	IssuedAt             int64
	Subject              map[string]any
	Event                string
	Claims               map[string]any
}

// verify reads a token as a receiver does: by the keys that the transmitter publishes, and nothing else.
func (d deployment) verify(text, alg, audience string) (out told) {
	d.Helper()
	status, config := d.call("", "GET", "/.well-known/ssf-configuration", nil)
	var c struct {
		Keys string `json:"jwks_uri"`
	}
	if err := json.Unmarshal([]byte(config), &c); err != nil || status != 200 {
		d.Fatal(status, config)
	}
	_, set := d.call("", "GET", c.Keys, nil)
	keys, err := jose.ParseJWKS([]byte(set))
	if err != nil {
		d.Fatal(err)
	}
	_, raw, err := jose.VerifyForeign(text, keys, jose.Expect{Algorithms: []string{alg}, Types: []string{"secevent+jwt"}})
	if err != nil {
		d.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		d.Fatal(err)
	}
	for _, name := range []string{"sub", "exp", "nonce", "client_id"} { // so that it is no other token
		if _, there := claims[name]; there {
			d.Errorf("the token has %s: %s", name, raw)
		}
	}
	out.Issuer, _ = claims["iss"].(string)
	out.Audience, _ = claims["aud"].(string)
	out.ID, _ = claims["jti"].(string)
	out.Subject, _ = claims["sub_id"].(map[string]any)
	at, _ := claims["iat"].(float64)
	out.IssuedAt = int64(at)
	events, _ := claims["events"].(map[string]any)
	for name, value := range events {
		out.Event = name[strings.LastIndex(name, "/")+1:]
		out.Claims, _ = value.(map[string]any)
	}
	if out.Issuer != oauthIssuer || out.Audience != audience || out.ID == "" || out.IssuedAt == 0 || len(events) != 1 || out.Claims == nil {
		d.Errorf("%s", raw)
	}
	return out
}

// who are user and session of a subject.
func (t told) who() (user, sid string) {
	if t.Subject["format"] == "iss_sub" && t.Subject["iss"] == oauthIssuer {
		user, _ = t.Subject["sub"].(string)
		return user, ""
	}
	person, _ := t.Subject["user"].(map[string]any)
	of, _ := t.Subject["session"].(map[string]any)
	user, _ = person["sub"].(string)
	sid, _ = of["id"].(string)
	return user, sid
}

// poll takes what waits for a stream, and acknowledges it.
func (r receiver) poll(stream map[string]any, audience string) (out []told) {
	r.Helper()
	endpoint := stream["delivery"].(map[string]any)["endpoint_url"].(string)
	got := r.want(200, "POST", endpoint, map[string]any{"returnImmediately": true})
	var ids []string
	for jti, text := range got["sets"].(map[string]any) {
		one := r.verify(text.(string), "EdDSA", audience)
		if one.ID != jti {
			r.Error(one.ID, jti)
		}
		out, ids = append(out, one), append(ids, jti)
	}
	again := r.want(200, "POST", endpoint, map[string]any{"returnImmediately": true, "maxEvents": 1})["sets"].(map[string]any)
	if len(ids) > 0 && len(again) != 1 {
		r.Error("what is not acknowledged does not come again")
	}
	if after := r.want(200, "POST", endpoint, map[string]any{"ack": ids, "returnImmediately": true})["sets"].(map[string]any); len(after) != 0 {
		r.Errorf("%d come again", len(after))
	}
	return out
}

// stepUp is a second proof of the person in the same browser.
func (h held) stepUp() (id ident.SessionID) {
	h.Helper()
	h.unit(func(ctx context.Context, t tx.Tx) error {
		next, _, err := h.app.f.sessions.Start(ctx, t, session.NewSession{
			Actor: h.self(), User: h.user, Previous: secret.New(h.cookie()), Evidence: session.Evidence{Method: session.MethodTOTP, At: t.Now()},
		})
		id = next.ID
		return err
	})
	return id
}

func (d deployment) count(query string) (n int64) {
	d.Helper()
	if err := d.app.db.Read(d.Context(), tx.In(ident.DefaultAccount), func(ctx context.Context, t tx.Tx) (err error) {
		n, err = sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[int64], query)
		return err
	}); err != nil {
		d.Fatal(err)
	}
	return n
}

func events(all []told) (out []string) {
	for _, one := range all {
		out = append(out, one.Event)
	}
	slices.Sort(out)
	return out
}

// What happens to people reaches a receiver that polls, signed, and says what happened.
func TestSignalsOfPeople(t *testing.T) {
	eachDeploymentWith(t, hear, func(d deployment) {
		r := d.receiver("receiver", "rec_streams")
		stream := r.want(201, "POST", "/v1/streams", nil)
		if stream["aud"] != r.id || stream["iss"] != oauthIssuer || len(stream["events_delivered"].([]any)) != len(signal.Supported()) {
			t.Fatal(stream)
		}
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		ann := d.hold(client, "ann@x.example")
		if got := r.poll(stream, r.id); len(got) != 0 {
			t.Error("a sign-in is told:", got)
		}

		ann.addApp()
		d.setPassword(ann.self(), ann.user, goodPassword)
		d.setPassword(actor.ForOperator(ident.DefaultAccount), ann.user, betterPassword)
		kinds := map[string]bool{}
		for _, one := range r.poll(stream, r.id) {
			user, _ := one.who()
			kinds[fmt.Sprint(one.Event, " ", user == string(ann.user), " ", one.Claims["credential_type"], " ", one.Claims["change_type"], " ", one.Claims["initiating_entity"])] = true
			if one.Event == "credential-change" && one.Claims["event_timestamp"] == nil {
				t.Error(one)
			}
		}
		for _, want := range []string{"credential-change true app create user", "credential-change true password create user", "credential-change true password update admin"} {
			if !kinds[want] {
				t.Errorf("%s: %v", want, kinds)
			}
		}

		// The end of one session names every id under which a client knows it.
		bob := d.hold(client, "bob@x.example")
		first := ident.SessionID(bob.sid)
		second := bob.stepUp()
		all := r.poll(stream, r.id)
		if len(all) != 1 || all[0].Event != "assurance-level-change" || all[0].Claims["current_level"] != session.ACR2 || all[0].Claims["previous_level"] != session.ACR1 ||
			all[0].Claims["change_direction"] != "increase" {
			t.Errorf("%+v", all)
		}
		if err := d.app.f.sessions.End(t.Context(), bob.self(), ident.DefaultAccount, second); err != nil {
			t.Fatal(err)
		}
		var sids []string
		for _, one := range r.poll(stream, r.id) {
			user, sid := one.who()
			sids = append(sids, sid)
			if user != string(bob.user) || one.Event != "session-revoked" || one.Claims["initiating_entity"] != "user" {
				t.Errorf("%+v", one)
			}
		}
		slices.Sort(sids)
		if want := slices.Sorted(slices.Values([]string{string(first), string(second)})); !slices.Equal(sids, want) {
			t.Error(sids, want)
		}

		// A person who is deleted: all sessions, and the account.
		by := actor.ForOperator(ident.DefaultAccount)
		if err := d.app.f.users.Delete(t.Context(), by, ann.user); err != nil {
			t.Fatal(err)
		}
		all = r.poll(stream, r.id)
		if got := events(all); !slices.Contains(got, "account-purged") || !slices.Contains(got, "session-revoked") {
			t.Error(got)
		}
		for _, one := range all {
			if user, sid := one.who(); user != string(ann.user) || sid != "" {
				t.Errorf("%+v", one)
			}
		}
		if err := d.app.f.oauth.logouts.EndAccount(t.Context(), by); err != nil {
			t.Fatal(err)
		}
		all = r.poll(stream, r.id)
		if len(all) != 1 || all[0].Event != "session-revoked" || all[0].Subject["format"] != "complex" || all[0].Subject["tenant"].(map[string]any)["id"] != string(ident.DefaultAccount) {
			t.Errorf("%+v", all)
		}
	})
}

// endpoint is a receiver's address on this machine.
type endpoint struct {
	mu     sync.Mutex
	status int
	says   string
	got    []*http.Request
	bodies []string
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got, e.bodies = append(e.got, r), append(e.bodies, string(body))
	if e.status >= 300 && e.status < 400 {
		w.Header().Set("Location", "/elsewhere")
	}
	w.WriteHeader(e.status)
	_, _ = io.WriteString(w, e.says)
}

// take returns what came since the last call.
func (e *endpoint) take(status int) (bodies []string, requests []*http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	bodies, requests = e.bodies, e.got
	e.bodies, e.got, e.status = nil, nil, status
	return bodies, requests
}

// A pushed stream: one POST for each event, again with the same jti until it is taken, with the receiver's own header.
func TestSignalsArePushed(t *testing.T) {
	eachDeploymentWith(t, hear, func(d deployment) {
		r := d.receiver("receiver", "rec_streams")
		e := &endpoint{status: 202}
		server := httptest.NewServer(e)
		defer server.Close()
		stream := r.want(201, "POST", "/v1/streams", map[string]any{
			"delivery": map[string]string{"method": "urn:ietf:rfc:8935", "endpoint_url": server.URL + "/in?x=1", "authorization_header": "Bearer own-secret"}, "signing_alg": "RS256",
			"events_requested": []string{"https://schemas.openid.net/secevent/caep/event-type/session-revoked", "urn:unknown"}, "description": "ours",
		})
		id := stream["stream_id"].(string)
		if text := fmt.Sprint(stream); strings.Contains(text, "own-secret") || len(stream["events_delivered"].([]any)) != 1 {
			t.Error(text)
		}
		push := func() {
			t.Helper()
			if err := d.app.f.person.Signals.Push(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		r.want(204, "POST", "/v1/streams/verification", map[string]string{"stream_id": id, "state": "a state"})
		r.want(429, "POST", "/v1/streams/verification", map[string]string{"stream_id": id})
		push()
		bodies, requests := e.take(503)
		if len(bodies) != 1 {
			t.Fatal(len(bodies))
		}
		one := d.verify(bodies[0], "RS256", r.id)
		h := requests[0].Header
		if one.Event != "verification" || one.Claims["state"] != "a state" || one.Subject["format"] != "opaque" || one.Subject["id"] != id ||
			h.Get("Content-Type") != "application/secevent+jwt" || h.Get("Accept") != "application/json" || h.Get("Authorization") != "Bearer own-secret" || requests[0].URL.RawQuery != "x=1" {
			t.Errorf("%+v %v", one, h)
		}

		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		ann := d.hold(client, "ann@x.example")
		end := func() {
			t.Helper()
			if err := d.app.f.oauth.logouts.EndUser(t.Context(), actor.ForOperator(ident.DefaultAccount), ann.user); err != nil {
				t.Fatal(err)
			}
		}
		end()
		push() // it is down
		first, _ := e.take(202)
		push() // not at once
		if early, _ := e.take(202); len(first) != 1 || len(early) != 0 {
			t.Fatal(len(first), len(early))
		}
		r.want(200, "POST", "/v1/streams/status", map[string]string{"stream_id": id, "status": "paused", "reason": "we move"})
		end()
		push()
		if while, _ := e.take(202); len(while) != 0 {
			t.Error("a paused stream hears")
		}
		if got := r.want(200, "GET", "/v1/streams/status?stream_id="+id, nil); got["status"] != "paused" || got["reason"] != "we move" {
			t.Error(got)
		}
		r.want(200, "POST", "/v1/streams/status", map[string]string{"stream_id": id, "status": "enabled"})
		push()
		after, _ := e.take(302)
		if len(after) != 2 {
			t.Fatal(len(after))
		}
		ids := map[string]bool{}
		for _, body := range append(first, after...) {
			ids[d.verify(body, "RS256", r.id).ID] = true
		}
		if len(ids) != 2 { // the first one came twice, by the same jti
			t.Error(ids)
		}
		push()
		if more, _ := e.take(302); len(more) != 0 {
			t.Error("told again:", len(more))
		}

		// A redirect is not followed, and what the receiver refuses does not come again.
		end()
		push()
		if moved, requests := e.take(400); len(moved) != 1 || requests[0].URL.Path != "/in" {
			t.Error(len(moved))
		}
		r.want(200, "PATCH", "/v1/streams", map[string]any{"stream_id": id, "description": "due at once"})
		e.says = `{"err":"invalid_request","description":"no"}`
		push()
		if refused, requests := e.take(202); len(refused) != 1 || requests[0].Header.Get("Authorization") == "" {
			t.Error(len(refused))
		}
		r.want(200, "PATCH", "/v1/streams", map[string]any{"stream_id": id, "description": "due at once"})
		push()
		if more, _ := e.take(202); len(more) != 0 {
			t.Error("a refused event comes again")
		}

		// What one address may know, another must not.
		r.want(200, "PATCH", "/v1/streams", map[string]any{"stream_id": id, "delivery": map[string]string{"method": "urn:ietf:rfc:8935", "endpoint_url": server.URL + "/other"}})
		end()
		push()
		if bodies, requests := e.take(202); len(bodies) != 1 || requests[0].Header.Get("Authorization") != "" || requests[0].URL.Path != "/other" {
			t.Error(len(bodies), requests)
		}

		// Without the permission nothing goes out any more but the word of it.
		end()
		admin, err := d.app.CreateAccessKey(t.Context(), "admin", true)
		if err != nil {
			t.Fatal(err)
		}
		if status, text := d.call(admin.Reveal(), "DELETE", "/v1/records/rec_streams", nil); status != 204 {
			t.Fatal(status, text)
		}
		push()
		push()
		bodies, _ = e.take(202)
		if len(bodies) != 1 {
			t.Fatal(len(bodies))
		}
		if one := d.verify(bodies[0], "RS256", r.id); one.Event != "stream-updated" || one.Claims["status"] != "disabled" {
			t.Errorf("%+v", one)
		}
		if status, _ := d.call(r.key, "GET", "/v1/streams?stream_id="+id, nil); status != 403 {
			t.Error(status)
		}
		end()
		push()
		if bodies, _ := e.take(202); len(bodies) != 0 {
			t.Error("a disabled stream hears")
		}
	})
}

// A stream is its client's alone, and a receiver's word changes nothing that is the transmitter's.
func TestStreamsOfOthers(t *testing.T) {
	eachDeploymentWith(t, hear, func(d deployment) {
		one, two, none := d.receiver("one", "rec_one"), d.receiver("two", "rec_two"), d.receiver("none", "")
		stream := one.want(201, "POST", "/v1/streams", map[string]any{})
		id := stream["stream_id"].(string)
		poll := "/v1/streams/" + id + "/events"
		for _, c := range []struct {
			method, path string
			body         any
		}{
			{"GET", "/v1/streams?stream_id=" + id, nil},
			{"PATCH", "/v1/streams", map[string]any{"stream_id": id}},
			{"PUT", "/v1/streams", map[string]any{"stream_id": id}},
			{"DELETE", "/v1/streams?stream_id=" + id, nil},
			{"GET", "/v1/streams/status?stream_id=" + id, nil},
			{"POST", "/v1/streams/status", map[string]any{"stream_id": id, "status": "disabled"}},
			{"POST", "/v1/streams/verification", map[string]any{"stream_id": id}},
			{"POST", poll, map[string]any{"returnImmediately": true}},
			{"POST", poll, map[string]any{"returnImmediately": true, "ack": []string{"set_x"}, "maxEvents": 0}},
		} {
			for key, want := range map[string]int{two.key: 404, none.key: 403, "": 401} {
				if status, text := d.call(key, c.method, c.path, c.body); status != want {
					t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, status, want, text)
				}
			}
		}
		for key, want := range map[string]int{none.key: 403, "": 401} {
			for _, method := range []string{"GET", "POST"} {
				if status, text := d.call(key, method, "/v1/streams", nil); status != want {
					t.Error(method, status, text)
				}
			}
		}
		if status, text := d.call(two.key, "GET", "/v1/streams", nil); status != 200 || text != "[]" {
			t.Error(status, text)
		}
		// A person who may do everything is no service client.
		client := d.register("One", application.OAuth{Scopes: []string{"openid", "offline_access"}})
		ann := d.hold(client, "ann@x.example")
		if status, _ := d.call(ann.access, "POST", "/v1/streams", nil); status != 401 && status != 403 {
			t.Error(status)
		}

		push := func(url string, more ...string) map[string]any {
			out := map[string]string{"method": "urn:ietf:rfc:8935", "endpoint_url": url}
			if len(more) > 0 {
				out["authorization_header"] = more[0]
			}
			return map[string]any{"stream_id": id, "delivery": out}
		}
		for name, body := range map[string]any{
			"http":                 push("http://r.example/in"),
			"user information":     push("https://a:b@r.example/in"),
			"a fragment":           push("https://r.example/in#x"),
			"no host":              push("https:///in"),
			"another scheme":       push("file:///etc/passwd"),
			"a line break":         push("https://r.example/in\r\nX: y"),
			"a header with a line": push("https://r.example/in", "Bearer x\r\nHost: y"),
			"an unknown method":    map[string]any{"stream_id": id, "delivery": map[string]string{"method": "urn:example"}},
			"a foreign audience":   map[string]any{"stream_id": id, "aud": two.id},
			"a foreign issuer":     map[string]any{"stream_id": id, "iss": "https://evil.example"},
			"a foreign address":    map[string]any{"stream_id": id, "delivery": map[string]string{"method": "urn:ietf:rfc:8936", "endpoint_url": "https://evil.example"}},
			"an unknown algorithm": map[string]any{"stream_id": id, "signing_alg": "none"},
			"HMAC":                 map[string]any{"stream_id": id, "signing_alg": "HS256"},
			"twice the same":       `{"stream_id":"` + id + `","stream_id":"` + id + `"}`,
			"no stream":            map[string]any{},
		} {
			for _, method := range []string{"PATCH", "PUT"} {
				if status, text := d.call(one.key, method, "/v1/streams", body); status != 400 {
					t.Errorf("%s: %d %s", name, status, text)
				}
			}
		}
		if again := one.want(200, "GET", "/v1/streams?stream_id="+id, nil); fmt.Sprint(again) != fmt.Sprint(stream) {
			t.Error(again)
		}
		one.want(200, "PUT", "/v1/streams", stream) // what was read can be written
		one.want(200, "PATCH", "/v1/streams", map[string]any{"stream_id": id, "aud": []string{one.id}})
		for range 3 {
			one.want(201, "POST", "/v1/streams", nil)
		}
		one.want(409, "POST", "/v1/streams", nil)

		// A token of ours is no bearer and no ID token.
		one.want(204, "POST", "/v1/streams/verification", map[string]any{"stream_id": id})
		for _, text := range one.want(200, "POST", poll, map[string]any{"returnImmediately": true})["sets"].(map[string]any) {
			if status, _ := d.call(text.(string), "GET", "/v1/streams", nil); status != 401 {
				t.Error("a signal is taken as a bearer:", status)
			}
			w := d.visitor().do("GET", "/oauth/logout?"+url.Values{"id_token_hint": {text.(string)}}.Encode(), nil)
			if w.Header().Get("Location") != "" {
				t.Error("a signal is taken as a hint")
			}
		}

		// The streams of a service client end with it.
		admin, err := d.app.CreateAccessKey(t.Context(), "admin", true)
		if err != nil {
			t.Fatal(err)
		}
		if status, text := d.call(admin.Reveal(), "DELETE", "/v1/clients/"+one.id, nil); status != 204 {
			t.Fatal(status, text)
		}
		left := d.count(`SELECT count(*) FROM signal_streams`) + d.count(`SELECT count(*) FROM signal_events`)
		if left != 0 {
			t.Error(left, "are left")
		}
	})
}
