package decide_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/consistency"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
)

const annReads = one + "/v1/users/ann/resources/documents%2F1/permissions/documents:read"

func TestMoments(t *testing.T) {
	each(t, func(t *testing.T, n *node) {
		began := n.clock.Now()
		w := reader("ann")
		n.put("acc_one", &w)
		n.clock.Advance(time.Hour)
		n.want(204, "operator", "DELETE", one+"/v1/records/rec_1", "")
		n.clock.Advance(time.Hour)
		at := func(after time.Duration) string {
			return "?at=" + url.QueryEscape(began.Add(after).Format(time.RFC3339))
		}
		n.want(404, "user:ann", "GET", annReads, "")
		n.want(200, "user:ann", "GET", annReads+at(59*time.Minute), "")
		n.want(404, "user:ann", "GET", annReads+at(61*time.Minute), "")
		zone := time.FixedZone("", -7*3600-1800)
		n.want(200, "user:ann", "GET", annReads+"?at="+url.QueryEscape(began.Add(59*time.Minute).In(zone).Format(time.RFC3339)), "")
		n.want(404, "user:ann", "GET", annReads+"?at="+url.QueryEscape(began.Add(61*time.Minute).In(zone).Format(time.RFC3339)), "")
		n.want(200, "user:ann", "GET", annReads+"?at="+url.QueryEscape(began.Add(59*time.Minute).Format("2006-01-02T15:04:05.999999999Z")), "")
		subjects := one + "/v1/resources/documents%2F1/subjects?permission=documents:read"
		if got := n.want(200, "operator", "GET", subjects+"&"+at(time.Minute)[1:], ""); fmt.Sprint(got.body["subjects"]) != "[map[userId:ann]]" {
			t.Error(got.raw)
		}
		if got := n.want(200, "operator", "GET", subjects, ""); fmt.Sprint(got.body["subjects"]) != "[]" {
			t.Error(got.raw)
		}
		got := n.want(200, "user:ann", "GET", annReads+"/explanation", "")
		if got.body["allowed"] != false || !strings.Contains(got.raw, `"why":"revoked"`) || strings.Contains(got.raw, "rec_1") {
			t.Error("what ann may not read is named, or revoked is not told:", got.raw)
		}
		if got = n.want(200, "operator", "GET", annReads+"/explanation"+at(time.Minute), ""); got.body["allowed"] != true || !strings.Contains(got.raw, `"recordId":"rec_1"`) {
			t.Error(got.raw)
		}

		// Times that are none, with every question that takes one.
		for _, path := range []string{annReads + "?", annReads + "/explanation?", subjects + "&"} {
			for name, bad := range map[string]string{
				"no zone": "2026-03-03T12:00:00", "no time": "2026-03-03", "a number": "1772539200", "empty": "", "undefined": "undefined", "a plain plus": "2026-03-03T12:00:00+01:00",
				"future": url.QueryEscape(n.clock.Now().Add(time.Minute).Format(time.RFC3339)), "far future": "9999-12-31T23:59:59Z", "before the history": "2000-01-01T00:00:00Z",
				"the beginning of time": "0001-01-01T00:00:00Z", "a comma": "2026-03-03T12:00:00,5Z", "twice": "2026-03-03T12:00:00Z&at=2026-03-03T12:00:01Z", "lower case": "2026-03-03t12:00:00z",
			} {
				if got := n.call("operator", "GET", path+"at="+bad, ""); got.status != 400 || got.body["errorCode"] != "InvalidRequest" {
					t.Errorf("%s, %s: %d %s", path, name, got.status, got.raw)
				}
			}
		}
		// Questions about now refuse a time instead of answering another question.
		for _, path := range []string{"/v1/users/ann/resources/documents%2F1/permissions", "/v1/users/ann/resources/documents%2F1/roles", "/v1/users/ann/resources"} {
			n.want(400, "user:ann", "GET", one+path+at(time.Minute), "")
		}
		// Who may ask about now may ask about then, and nobody else.
		for _, path := range []string{annReads + at(time.Minute), annReads + "/explanation", annReads + "/explanation" + at(time.Minute), subjects, subjects + "&" + at(time.Minute)[1:]} {
			n.want(403, "user:bob", "GET", path, "")
			n.want(401, "", "GET", path, "")
		}
		n.want(403, "user:ann", "GET", subjects, "")
		// Another account has another history.
		n.want(404, "user:ann", "GET", strings.Replace(annReads, one, other, 1)+at(59*time.Minute), "")
		n.want(400, "operator", "GET", one+"/v1/resources/documents%2F1/subjects", "")
		n.want(400, "operator", "GET", subjects+"&cursor=x", "")
	})
}

// A node that lags answers a question with a token from the write on that made it, or says how far it is.
func TestConsistencyTokens(t *testing.T) {
	sqldbtest.Each(t, accessdb.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		a := newNode(t, db, clk, nil)
		late := &gate{Source: db}
		b := newNode(t, db, clk, late)
		patient := newPatientNode(t, db, clk, late, time.Minute)
		w := reader()
		a.put("acc_one", &w)
		late.shut(true)

		record := `{"recordId":"rec_2","name":"n","users":[{"userId":"ann"}],"statements":[{"roles":["ro_reader"],"resources":[{"resourceUri":"documents/1"}]}]}`
		granted := a.want(201, "operator", "POST", one+"/v1/records", record).header.Get(consistency.Header)
		if granted == "" {
			t.Fatal("a write answers no token")
		}
		a.want(200, "user:ann", "GET", annReads, "", consistency.Header, granted)
		b.want(404, "user:ann", "GET", annReads, "") // it does not know yet

		az := func(more string) string {
			return `{"subject":{"type":"user","id":"ann"},"action":{"name":"documents:read"},"resource":{"type":"documents","id":"1"}` + more + `}`
		}
		type question struct{ method, path, body string }
		questions := []question{
			{"GET", "/v1/users/ann/resources/documents%2F1/permissions/documents:read", ""},
			{"GET", "/v1/users/ann/resources/documents%2F1/permissions", ""},
			{"GET", "/v1/users/ann/resources/documents%2F1/roles", ""},
			{"GET", "/v1/users/ann/resources?resourceUri=documents", ""},
			{"GET", "/v1/users/ann/resources/documents%2F1/permissions/documents:read/explanation", ""},
			{"GET", "/v1/resources/documents%2F1/subjects?permission=documents:read", ""},
			{"POST", "/v1/checks", checks("ann documents/1 documents:read")},
			{"POST", "/access/v1/evaluation", az("")},
			{"POST", "/access/v1/evaluations", az(`,"evaluations":[{}]`)},
			{"POST", "/access/v1/search/subject", az("")},
			{"POST", "/access/v1/search/resource", az("")},
			{"POST", "/access/v1/search/action", az("")},
			{"GET", "/v1/records/rec_2", ""},
		}
		var group sync.WaitGroup
		ask := func(q question) {
			begun := time.Now()
			got := b.want(409, "operator", q.method, one+q.path, q.body, consistency.Header, granted)
			if took := time.Since(begun); took < catchUp {
				t.Errorf("%s: waited %v", q.path, took)
			}
			if strings.HasPrefix(q.path, "/v1/") && (got.body["errorCode"] != "Behind" || got.body["wanted"].(float64) <= got.body["revision"].(float64)) {
				t.Error(got.raw)
			}
			b.want(400, "operator", q.method, one+q.path, q.body, consistency.Header, granted[1:])
			b.want(400, "operator", q.method, other+q.path, q.body, consistency.Header, granted) // of another account
		}
		for _, q := range questions {
			group.Go(func() { ask(q) })
		}
		group.Wait()
		b.want(409, "operator", "DELETE", one+"/v1/records/rec_2", "", consistency.Header, granted) // a write may ask for it too

		// While one waits, the node catches up.
		go func() { time.Sleep(50 * time.Millisecond); late.shut(false) }()
		patient.want(200, "user:ann", "GET", annReads, "", consistency.Header, granted)
		for _, q := range questions {
			separator := "?"
			if strings.Contains(q.path, "?") {
				separator = "&"
			}
			patient.want(200, "operator", q.method, one+q.path+separator+"consistency="+granted, q.body)
		}

		// A right that was taken is never given by who carries the token of its end.
		late.shut(true)
		revoked := a.want(204, "operator", "DELETE", one+"/v1/records/rec_2", "").header.Get(consistency.Header)
		patient.want(200, "user:ann", "GET", annReads, "", consistency.Header, granted)
		b.want(409, "user:ann", "GET", annReads, "", consistency.Header, revoked)
		late.shut(false)
		patient.want(404, "user:ann", "GET", annReads, "", consistency.Header, revoked)

		// What is no success answers no token, and neither does a question.
		for _, q := range []question{{"POST", "/v1/records", "{"}, {"DELETE", "/v1/records/none", ""}, {"POST", "/v1/checks", checks("ann documents/1 documents:read")}, {"GET", "/v1/records", ""}} {
			if token := a.call("operator", q.method, one+q.path, q.body).header.Get(consistency.Header); token != "" {
				t.Errorf("%s %s answers a token", q.method, q.path)
			}
		}
	})
}
