package v1_test

import (
	"fmt"
	"testing"
	"time"
)

// TestTimeBoundStatementsOverHTTP: a statement is in force from startsAt until before expiresAt, by
// our clock, with no write in between.
func TestTimeBoundStatementsOverHTTP(t *testing.T) {
	a := newAPI(t)
	now := a.clock.Now().Truncate(time.Second)
	at := func(d time.Duration) string { return now.Add(d).Format(time.RFC3339Nano) }
	body := func(id, times string) string {
		return fmt.Sprintf(`{"recordId":%q,"name":"n","users":[{"userId":"ann"}],"statements":[{"roles":["Authress:ReadResource"],"resources":[{"resourceUri":"docs/1"}]%s}]}`, id, times)
	}
	out := a.want(201, owner, "POST", "/v1/records", body("rec_1", `,"startsAt":"`+at(time.Hour)+`","expiresAt":"`+at(2*time.Hour+700*time.Millisecond)+`"`))
	st := out["statements"].([]any)[0].(map[string]any)
	if st["startsAt"] != now.Add(time.Hour).Format("2006-01-02T15:04:05.000Z") || st["expiresAt"] != now.Add(2*time.Hour).Format("2006-01-02T15:04:05.000Z") {
		t.Errorf("stored as %v", st)
	}
	for _, step := range []struct {
		move   time.Duration
		status int
	}{{0, 404}, {time.Hour - time.Second, 404}, {time.Second, 200}, {time.Hour - time.Second, 200}, {999 * time.Millisecond, 200}, {time.Millisecond, 404}, {time.Hour, 404}} {
		a.clock.Advance(step.move)
		a.want(step.status, "user:ann", "GET", "/v1/users/ann/resources/docs%2F1/permissions/read", "")
		listed := a.want(200, "user:ann", "GET", "/v1/users/ann/resources?resourceUri=docs", "")["resources"].([]any)
		if (len(listed) == 1) != (step.status == 200) {
			t.Errorf("listed %v, checked %d", listed, step.status)
		}
	}
	zone := time.FixedZone("", 7*3600)
	a.want(201, owner, "POST", "/v1/records", body("rec_2", `,"expiresAt":"`+a.clock.Now().Add(time.Minute).In(zone).Format(time.RFC3339)+`"`))
	a.want(200, "user:ann", "GET", "/v1/users/ann/resources/docs%2F1/permissions/read", "")
	a.want(201, owner, "POST", "/v1/records", body("rec_9999", `,"startsAt":null,"expiresAt":"9999-12-31T23:59:59Z"`))
	for i, times := range []string{
		`,"expiresAt":""`, `,"expiresAt":"tomorrow"`, `,"expiresAt":1893456000`, `,"expiresAt":"2030-01-01"`, `,"expiresAt":"2030-01-01T00:00:00"`,
		`,"expiresAt":"2030-02-30T00:00:00Z"`, `,"expiresAt":"1970-01-01T00:00:00Z"`, `,"expiresAt":"1960-01-01T00:00:00Z"`,
		`,"expiresAt":"10000-01-01T00:00:00Z"`, `,"expiresAt":"9999-12-31T23:59:59-01:00"`, `,"expiresAt":"0001-01-01T00:00:00Z"`, `,"expiresAt":"2030-01-01T24:00:00Z"`,
		`,"startsAt":"2030-01-01T00:00:00Z","expiresAt":"2030-01-01T00:00:00Z"`, `,"startsAt":"2031-01-01T00:00:00Z","expiresAt":"2030-01-01T00:00:00Z"`,
		`,"startsAt":"2030-01-01T00:00:00.1Z","expiresAt":"2030-01-01T00:00:00.9Z"`,
	} {
		a.want(400, owner, "POST", "/v1/records", body(fmt.Sprint("rec_bad", i), times))
	}
}
