package local

import (
	"bufio"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/client"
	"github.com/admit-id/admit/test/process"
)

func TestLines(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.grant("rec_1", "ann", "Authress:Owner", "a/1")
		s, _, _ := w.open(w.key, "")
		if got := s.resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/x-ndjson") {
			t.Errorf("Content-Type %q", got)
		}
		seen := map[string]bool{}
		var ready *line
		for l := s.next(); l != nil; l = s.next() {
			seen[l.Kind+" "+l.ID] = true
			ready = l
		}
		if !seen["role Authress:Owner"] || !seen["role Authress:ReadResource"] || !seen["record rec_1"] || ready.Kind != "ready" {
			t.Errorf("the snapshot has %v and ends with %+v", seen, ready)
		}
		w.grant("rec_2", "bob", "Authress:ReadResource", "b")
		w.revoke("rec_1")
		s, _, _ = w.open(w.key, "?cursor="+ready.Cursor)
		got := ""
		for l := s.next(); l != nil; l = s.next() {
			got += fmt.Sprintf("%s %s %v;", l.Kind, l.ID, l.Deleted)
		}
		if got != "record rec_2 false;record rec_1 true;ready  false;" {
			t.Errorf("since the cursor: %s", got)
		}
		for query, want := range map[string]int{
			"?cursor=" + ready.Cursor + "&resourceUri=a": 400, "?cursor=x": 400, "?follow=maybe": 400, "?resourceUri=a//b": 400,
		} {
			if _, status, body := w.open(w.key, query); status != want {
				t.Errorf("%s: %d %s", query, status, body)
			}
		}
	})
}

func TestEvents(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s, _, _ := w.open(w.key, "?follow=true", "Accept", "text/event-stream")
		if got := s.resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
			t.Errorf("Content-Type %q", got)
		}
		read := func() (event, id, data string) {
			for s.in.Scan() {
				name, value, _ := strings.Cut(s.in.Text(), ": ")
				switch name {
				case "event":
					event = value
				case "id":
					id = value
				case "data":
					data = value
				case "":
					return event, id, data
				}
			}
			t.Fatal("the events ended")
			return
		}
		event, id, data := "", "", ""
		for event != "ready" {
			event, id, data = read()
		}
		var l line
		if err := json.Unmarshal([]byte(data), &l); err != nil || l.Cursor != id || id == "" {
			t.Errorf("id %q, data %s", id, data)
		}
		w.grant("rec_1", "ann", "Authress:Owner", "a/1")
		for event != "record" {
			event, _, _ = read()
		}
		again, _, _ := w.open(w.key, "", "Accept", "text/event-stream", "Last-Event-ID", id)
		text, err := io.ReadAll(again.resp.Body)
		if err != nil || strings.Count(string(text), "event: ") != 2 || !strings.Contains(string(text), "event: record") {
			t.Errorf("after Last-Event-ID: %v\n%s", err, text)
		}
	})
}

// An answer goes on for longer than the server lets any other, and says all the while that it is fresh.
func TestBeat(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 35 s")
	}
	t.Parallel()
	w := start(t, process.Options{})
	s, _, _ := w.open(w.key, "?follow=true")
	s.until("ready")
	last, most, n := time.Now(), time.Duration(0), 0
	at := time.Time{}
	for begun := time.Now(); time.Since(begun) < 35*time.Second || n < 100; { // n: the moments that the lines were of
		l := s.until("ready")
		most, last = max(most, time.Since(last)), time.Now()
		if l.At.After(last) {
			t.Fatalf("a ready line of %v comes at %v", l.At, last)
		}
		if l.At.After(at) { // a busy server may say the same moment twice
			at = l.At
			n++
		}
	}
	t.Logf("of %d moments, the longest pause %v", n, most)
}

func TestTheServerStopsInSpiteOfFollowers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s, _, _ := w.open(w.key, "?follow=true")
		s.until("ready")
		done := make(chan struct{})
		go func() { w.Stop(); close(done) }()
		if l := s.until("end"); l.Reason != "renew" {
			t.Errorf("the end is %+v", l)
		}
		<-done // within the time that Stop gives
	})
}

// newClient makes a service client with a right of its own and a key.
func (w *world) newClient() (id, key string) {
	w.t.Helper()
	status, body := w.send("POST", "/v1/clients", map[string]any{"name": "follower"})
	var made struct{ ClientID string }
	if err := json.Unmarshal(body, &made); err != nil || status/100 != 2 {
		w.t.Fatalf("%d %s", status, body)
	}
	status, body = w.send("POST", "/v1/clients/"+made.ClientID+"/access-keys", map[string]any{})
	var k struct{ AccessKey, ClientSecret string }
	if err := json.Unmarshal(body, &k); err != nil || status/100 != 2 {
		w.t.Fatalf("%d %s", status, body)
	}
	if k.AccessKey == "" {
		k.AccessKey = k.ClientSecret
	}
	return made.ClientID, k.AccessKey
}

var followerRights = []string{"Authress:AccessRecords/*", "Authress:Roles/*", "Authress:Groups/*", "Authress:ResourcePermissions/*"}

func (w *world) letFollow(id string) {
	for i, resource := range followerRights {
		w.grant(fmt.Sprintf("follow_%d", i), id, "Authress:ReadResource", resource)
	}
}

func TestWhoLosesTheRightHearsNoMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id, key := w.newClient()
		if _, status, _ := w.open(key, "?follow=true"); status != 403 {
			t.Errorf("without a right: %d", status)
		}
		if _, status, _ := w.open("nonsense", "?follow=true"); status != 401 {
			t.Errorf("without a token: %d", status)
		}
		w.letFollow(id)
		ends := func(how, code string, cut func()) {
			t.Helper()
			s, status, body := w.open(key, "?follow=true")
			if status != 200 {
				t.Fatalf("%s: %d %s", how, status, body)
			}
			s.until("ready")
			cut()
			l := s.next()
			for ; l != nil && l.Kind != "end"; l = s.next() {
				if l.Kind != "ready" {
					t.Errorf("%s: still told of %s %s", how, l.Kind, l.ID)
				}
			}
			if l == nil || l.ErrorCode != code {
				t.Errorf("%s: %+v", how, l)
			}
			if l := s.next(); l != nil {
				t.Errorf("%s: after the end comes %+v", how, l)
			}
		}
		mine, _, _ := w.open(key, "")
		cursor := mine.until("ready").Cursor
		if _, status, body := w.open(w.key, "?cursor="+cursor); status != 400 {
			t.Errorf("another caller's cursor: %d %s", status, body)
		}
		ends("a right is taken back", "Forbidden", func() { w.revoke("follow_1") })
		w.letFollowAgain(id)
		ends("the client is deleted", "Unauthenticated", func() { w.must("DELETE", "/v1/clients/"+id, nil) })
	})
}

func (w *world) letFollowAgain(id string) {
	w.grant("follow_again", id, "Authress:ReadResource", followerRights[1])
}

func TestATokenEndsInTheMiddle(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var s *stream
		for d := 8 * time.Second; ; d *= 2 { // a machine that takes longer than that to ask is given more
			token, signed := short(t, w.key, w.URL, d), time.Now()
			var status int
			var body string
			if s, status, body = w.open(token, "?follow=true"); status == 200 {
				break
			}
			if time.Since(signed) < d || d > long {
				t.Fatalf("%d %s", status, body)
			}
		}
		begun := time.Now()
		if l := s.until("end"); l.ErrorCode != "Unauthenticated" {
			t.Errorf("the end is %+v", l)
		}
		if took := time.Since(begun); took > 2*long {
			t.Errorf("it ended after %v", took)
		}
	})
}

// short signs a token of the key that is good for d.
func short(t *testing.T, key, base string, d time.Duration) string {
	t.Helper()
	parts := strings.Split(key, ".")
	der, err := base64.StdEncoding.DecodeString(parts[3])
	if err != nil {
		t.Fatal(err)
	}
	private := ed25519.NewKeyFromSeed(der[len(der)-ed25519.SeedSize:])
	b64 := base64.RawURLEncoding
	header := fmt.Sprintf(`{"alg":"EdDSA","kid":%q,"typ":"at+jwt"}`, parts[1])
	claims := fmt.Sprintf(`{"iss":%q,"sub":%q,"client_id":%q,"aud":%q,"iat":%d,"exp":%d,"scope":"openid"}`,
		base+"/v1/clients/"+url.PathEscape(parts[0]), parts[0], parts[0], parts[2]+".accounts.authress.io", time.Now().Unix(), time.Now().Add(d).Unix())
	signed := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(claims))
	return signed + "." + b64.EncodeToString(ed25519.Sign(private, []byte(signed)))
}

// What lies in a filter far behind much that does not is found, and the wait for it is not silent.
func TestALongSearch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i := range 350 {
			w.grant(fmt.Sprintf("rec_%03d", i), "ann", "Authress:ReadResource", fmt.Sprintf("elsewhere/%d", i))
		}
		w.grant("rec_999", "ann", "Authress:ReadResource", "here/1/x")
		s, _, _ := w.open(w.key, "?resourceUri=here/1")
		found := s.until("record") // the administrator's own has everything
		for found.ID != "rec_999" {
			found = s.until("record")
		}
		cursor := s.until("ready").Cursor
		w.must("POST", "/v1/groups", map[string]any{"groupId": "grp_1", "name": "g", "users": []any{map[string]any{"userId": "bob"}}, "admins": []any{}})
		w.must("POST", "/v1/records", map[string]any{"recordId": "rec_9991", "name": "r", "groups": []any{map[string]any{"groupId": "grp_1"}}, "statements": []any{
			map[string]any{"roles": []any{"Authress:ReadResource"}, "resources": []any{map[string]any{"resourceUri": "here"}}}}})
		s, _, _ = w.open(w.key, "?resourceUri=here/1&cursor="+cursor)
		got := ""
		for l := s.next(); l != nil; l = s.next() {
			got += l.Kind + " " + l.ID + ";"
		}
		if !strings.Contains(got, "group grp_1;") || !strings.Contains(got, "record rec_9991;ready") || strings.Contains(got, "elsewhere") {
			t.Errorf("since the cursor: %s", got)
		}
	})
}

func TestTooManyStreams(t *testing.T) {
	t.Parallel()
	w := start(t, process.Options{})
	over := &http.Transport{}
	defer over.CloseIdleConnections()
	var open []*http.Response
	defer func() {
		for _, r := range open {
			r.Body.Close()
		}
	}()
	for i := range 101 {
		r, err := http.NewRequest("GET", w.URL+"/v1/changes?follow=true", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+w.key)
		resp, err := over.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, resp)
		want := 200
		if i == 100 {
			want = 429
		}
		if resp.StatusCode != want || want == 429 && resp.Header.Get("Retry-After") == "" {
			t.Fatalf("stream %d: %d, Retry-After %q", i+1, resp.StatusCode, resp.Header.Get("Retry-After"))
		}
	}
	open[0].Body.Close()
	w.wait("room for another", func() bool {
		_, status, _ := w.open(w.key, "")
		return status == 200
	})
}

// A follower that does not read is cut off, and costs nobody anything.
func TestASlowReaderIsCutOff(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		long := make([]client.ResourceRef, 100)
		for i := range 400 {
			for k := range long {
				long[k].ResourceURI = fmt.Sprintf("%0120d/%0120d/%d", i, k, k)
			}
			w.must("POST", "/v1/records", client.Record{ID: fmt.Sprintf("rec_%d", i), Name: "long", Users: []client.UserRef{{UserID: "ann"}},
				Statements: []client.Statement{{Roles: []string{"Authress:Owner"}, Resources: long}, {Roles: []string{"Authress:ReadResource"}, Resources: long}}})
		}
		conn, err := net.Dial("tcp", w.Address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "GET /v1/changes?follow=true HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", strings.TrimPrefix(w.URL, "http://"), w.key)
		head, err := bufio.NewReaderSize(conn, 16).ReadString('\n')
		if err != nil || !strings.Contains(head, "200") {
			t.Fatalf("%q, %v", head, err)
		}
		// However long the server takes to fill what lies between, it gives up and not the test.
		w.wait("the server to give the stream up", func() bool { return w.streams() == 0 })
		conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		rest, err := io.ReadAll(conn)
		if strings.Contains(string(rest), `"kind":"ready"`) {
			t.Errorf("all %d bytes came after all", len(rest))
		}
		if e, ok := err.(net.Error); ok && e.Timeout() {
			t.Error("the connection is still open")
		}
		t.Logf("%d bytes were on their way", len(rest))
	})
}
