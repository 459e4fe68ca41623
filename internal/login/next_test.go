package login

import (
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/session"
)

// TestNext is the table of the dispatcher.
func TestNext(t *testing.T) {
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	mine, other := []byte("mine"), []byte("other")
	open := Request{ID: "l", Browser: mine, ExpiresAt: now.Add(time.Minute)}
	with := func(change func(*Request)) Request {
		r := open
		change(&r)
		return r
	}
	session := func(connections ...string) *session.Session {
		s := &session.Session{ID: "s"}
		for _, c := range connections {
			s.Evidence = append(s.Evidence, evidenceOf(c))
		}
		return s
	}
	code := &emailcode.Code{ExpiresAt: now.Add(time.Minute)}
	for name, c := range map[string]struct {
		facts Facts
		want  Step
	}{
		"nothing there":              {Facts{Browser: mine}, StepUnknown},
		"unbound":                    {Facts{Found: true, Browser: mine, Request: with(func(r *Request) { r.Browser = nil })}, StepBind},
		"unbound, expired":           {Facts{Found: true, Request: with(func(r *Request) { r.Browser, r.ExpiresAt = nil, now })}, StepExpired},
		"no cookie":                  {Facts{Found: true, Request: open}, StepNoCookie},
		"other browser":              {Facts{Found: true, Browser: other, Request: open}, StepOtherBrowser},
		"other browser, done":        {Facts{Found: true, Browser: other, Request: with(func(r *Request) { r.DoneAt = now })}, StepOtherBrowser},
		"other browser, session":     {Facts{Found: true, Browser: other, Request: open, Session: session("con_email")}, StepOtherBrowser},
		"done":                       {Facts{Found: true, Browser: mine, Request: with(func(r *Request) { r.DoneAt = now }), Session: session("con_email")}, StepDone},
		"expired":                    {Facts{Found: true, Browser: mine, Request: with(func(r *Request) { r.ExpiresAt = now }), Session: session("con_email")}, StepExpired},
		"choose":                     {Facts{Found: true, Browser: mine, Request: open}, StepChoose},
		"code":                       {Facts{Found: true, Browser: mine, Request: open, Code: code, Session: session("con_email")}, StepCode},
		"dead code":                  {Facts{Found: true, Browser: mine, Request: open, Code: &emailcode.Code{ExpiresAt: now}}, StepChoose},
		"session":                    {Facts{Found: true, Browser: mine, Request: open, Session: session("con_email")}, StepContinue},
		"session, multi-account":     {Facts{Found: true, Browser: mine, Request: with(func(r *Request) { r.MultiAccount = true }), Session: session("con_email")}, StepChoose},
		"named connection":           {Facts{Found: true, Browser: mine, Request: with(func(r *Request) { r.Connection = "con_x" })}, StepForward},
		"named connection, session":  {Facts{Found: true, Browser: mine, Request: with(func(r *Request) { r.Connection = "con_x" }), Session: session("con_email")}, StepForward},
		"named connection, its own":  {Facts{Found: true, Browser: mine, Request: with(func(r *Request) { r.Connection = "con_x" }), Session: session("con_email", "con_x")}, StepContinue},
		"named connection, problem":  {Facts{Found: true, Browser: mine, Request: with(func(r *Request) { r.Connection, r.Problem = "con_x", ProblemUpstreamDenied })}, StepChoose},
		"named connection, e-mail":   {Facts{Found: true, Browser: mine, Request: with(func(r *Request) { r.Connection = "con_email" })}, StepChoose},
		"service client":             {Facts{Found: true, Browser: mine, Request: with(func(r *Request) { r.Connection = "sc_x" })}, StepAwait},
		"service client, session":    {Facts{Found: true, Browser: mine, Request: with(func(r *Request) { r.Connection = "sc_x" }), Session: session("con_email")}, StepAwait},
		"service client, its own":    {Facts{Found: true, Browser: mine, Request: with(func(r *Request) { r.Connection = "sc_x" }), Session: session("sc_x")}, StepContinue},
		"empty hash is no browser":   {Facts{Found: true, Browser: []byte{}, Request: open}, StepNoCookie},
		"no session, no other facts": {Facts{Found: true, Browser: mine, Request: open, Session: nil}, StepChoose},
	} {
		c.facts.Now = now
		if got := Next(c.facts); got != c.want {
			t.Errorf("%s: %s; want %s", name, got, c.want)
		}
	}
	for step := range states {
		if states[step] == "" {
			t.Errorf("step %s has no page", step)
		}
	}
}

func evidenceOf(c string) session.Evidence {
	return session.Evidence{Connection: ident.ConnectionID(c)}
}
