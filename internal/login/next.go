package login

import (
	"slices"
	"time"

	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/factor/handover"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/session"
)

// Step is what comes next in a login.
type Step string

// The steps. Those that show a page bear the page's name.
const (
	StepUnknown      Step = "unknown"  // there is no such request
	StepNoCookie     Step = "cookie"   // bound, and the browser shows no binding at all
	StepOtherBrowser Step = "other"    // bound to another browser
	StepDone         Step = "done"     // finished before
	StepExpired      Step = "expired"  // too late
	StepBind         Step = "bind"     // give it to this browser
	StepCode         Step = "code"     // a code is on its way
	StepContinue     Step = "continue" // the session answers the request
	StepAwait        Step = "await"    // the service client that the application named will send a link
	StepForward      Step = "forward"  // to the connection that the application named
	StepChoose       Step = "choose"   // the person chooses
)

// Facts is the stored state that Next decides from.
type Facts struct {
	Now     time.Time
	Found   bool
	Request Request
	Browser []byte           // hash of the visitor's browser cookie, or nil
	Code    *emailcode.Code  // the request's code, or nil
	Session *session.Session // the visitor's living session, or nil
	Tenant  ident.TenantID   // that the session stands for, or empty
}

// Next decides. It is a function of stored state alone; no step decides for another. What is
// not provided for ends in a page that grants nothing.
func Next(f Facts) Step {
	r := f.Request
	switch {
	case !f.Found:
		return StepUnknown
	case r.bound() && len(f.Browser) == 0:
		return StepNoCookie
	case r.bound() && !r.boundTo(f.Browser):
		return StepOtherBrowser
	case !r.DoneAt.IsZero():
		return StepDone
	case !f.Now.Before(r.ExpiresAt):
		return StepExpired
	case !r.bound():
		return StepBind
	case f.Code != nil && f.Code.Live(f.Now):
		return StepCode
	case f.sessionAnswers():
		return StepContinue
	case handover.IsClient(r.Connection) && r.Problem == ProblemNone:
		return StepAwait
	case r.Connection != "" && r.Connection != emailcode.Connection && r.Problem == ProblemNone:
		return StepForward
	}
	return StepChoose
}

// open tells whether a step may work on the request: it is this browser's and not at its end.
func (s Step) open() bool {
	switch s {
	case StepCode, StepContinue, StepAwait, StepForward, StepChoose:
		return true
	}
	return false
}

// sessionAnswers tells whether the browser's session fulfils the request without asking
// anybody. A request for another account of the person, or for a connection that the session
// does not come from, or a tenant that it does not stand for, wants a new proof.
func (f Facts) sessionAnswers() bool {
	if f.Session == nil || f.Request.Fresh && f.Session.AuthTime().Before(f.Request.CreatedAt) {
		return false
	}
	if f.Request.MultiAccount || f.Request.Tenant != "" && f.Request.Tenant != f.Tenant {
		return false
	}
	c := f.Request.Connection
	return c == "" || slices.ContainsFunc(f.Session.Evidence, func(e session.Evidence) bool { return e.Connection == c })
}
