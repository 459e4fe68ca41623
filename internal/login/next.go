package login

import (
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/factor/handover"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/login/demand"
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
	StepAccounts     Step = "accounts" // the person chooses one of the browser's sessions, or another account
	StepSecond       Step = "second"   // somebody proved who they are, and a second factor is wanted of them
	StepEnrol        Step = "enrol"    // and they have none
	StepRenew        Step = "renew"    // that is enough, and took the person's last recovery code
	StepComplete     Step = "complete" // what was proved is enough
	StepRefused      Step = "refused"  // what is wanted cannot be had
	StepStranger     Step = "stranger" // it links to the account of somebody who is not signed in here
	StepProve        Step = "prove"    // and that person must first prove anew who they are
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

	Policy     policy.Policy // for this request
	Held       factor.Held   // of Whose
	Remembered bool          // Whose second factor was shown in this browser, and it may be left out now
	Lost       bool          // what the request's subject proved first is theirs no more
	NoPasskeys bool          // the account's address can have none
	Later      bool          // see Visit

	Only  ident.ConnectionID // the only way in that the tenant has, or empty
	Aside []session.Session  // of a request to choose an account: the browser's other sessions
}

// ProofLife is how long a first proof waits for a second factor.
const ProofLife = 15 * time.Minute

// Whose second step it would be: who proved to be somebody, or else whose session the browser has, where
// that may answer the request. Empty: nobody's.
func (f Facts) Whose() ident.UserID {
	switch {
	case f.Request.Link != "":
		return f.Request.Link
	case f.Request.Subject != "":
		return f.Request.Subject
	case f.Session != nil && !f.Request.Other && f.sessionFits():
		return f.Session.User
	}
	return ""
}

// Evidence is what was proved of somebody: in their living session, as far as the request takes it, and then
// in the request.
func (f Facts) Evidence(of ident.UserID) (all []session.Evidence) {
	if f.Session != nil && f.Session.User == of {
		all = slices.Clone(f.Session.Evidence)
		if f.Request.Fresh {
			all = session.Since(all, f.Request.CreatedAt)
		}
	}
	if f.Request.Subject == of {
		all = append(all, f.Request.Evidence...)
	}
	return all
}

// demand decides what is still wanted of the one whose step it is.
func (f Facts) demand() demand.Answer { return demand.Next(f.wants()) }

// wants is what is decided from. A class that is only wished is wanted of those who can reach it.
func (f Facts) wants() demand.Facts {
	all := f.Evidence(f.Whose())
	d := demand.Facts{
		Policy: f.Policy, Evidence: all, Recent: session.Since(all, f.Now.Add(-session.RecentLife)), Held: f.Held, Remembered: f.Remembered, NoPasskeys: f.NoPasskeys,
	}
	acr, wish := strings.CutPrefix(f.Request.ACR, wishMark)
	if !wish || d.Reachable(acr) {
		d.ACR = acr
	}
	return d
}

// secondStep decides for somebody who has proved who they are.
func (f Facts) secondStep() Step {
	switch f.demand().Step {
	case demand.Second:
		return StepSecond
	case demand.Enrol:
		return StepEnrol
	case demand.Fulfilled:
		if f.spent() {
			return StepRenew
		}
		return StepComplete
	}
	return StepRefused
}

// spent tells whether the request took the last recovery code of somebody who may need others.
func (f Facts) spent() bool {
	taken := slices.ContainsFunc(f.Request.Evidence, func(e session.Evidence) bool { return e.Method == session.MethodRecovery })
	return taken && f.Held.Recovery == 0 && f.Held.Second() && !f.Later
}

// stepsUp decides for a session that would answer, if it were as strong as is wanted. An old one registers
// nothing: who it is that has it is proved anew first (WAN-11).
func (f Facts) stepsUp() (Step, bool) {
	if f.Request.Other || !f.sessionFits() || f.demand().Registers && !session.Recent(*f.Session, f.Held.Second(), f.Now) {
		return "", false
	}
	step := f.secondStep()
	return step, step == StepSecond || step == StepEnrol
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
	case r.bound() && !r.BoundTo(f.Browser):
		return StepOtherBrowser
	case !r.DoneAt.IsZero():
		return StepDone
	case !f.Now.Before(r.ExpiresAt):
		return StepExpired
	case !r.bound():
		return StepBind
	case r.Link != "":
		return f.linking()
	case r.Subject != "" && (f.Lost || !f.Now.Before(r.provedAt().Add(ProofLife))):
		return StepExpired
	case r.Subject != "":
		return f.secondStep()
	case f.Code != nil && f.Code.Live(f.Now):
		return StepCode
	case f.sessionAnswers():
		return StepContinue
	}
	if step, ok := f.stepsUp(); ok {
		return step
	}
	if r.MultiAccount && !r.Other && r.Picked == "" && len(f.Aside) > 0 {
		return StepAccounts
	}
	switch {
	case handover.IsClient(r.Connection) && r.Problem == ProblemNone:
		return StepAwait
	case r.Connection != "" && r.Connection != emailcode.Connection && r.Problem == ProblemNone:
		return StepForward
	}
	return StepChoose
}

// Open tells whether a first proof may work on the request: it is this browser's, not at its end, and
// nobody has proved anything. Somebody whose session waits for a second factor may sign in anew instead.
func (s Step) Open() bool {
	switch s {
	case StepCode, StepContinue, StepAwait, StepForward, StepChoose, StepAccounts:
		return true
	}
	return false
}

// sessionAnswers tells whether the browser's session fulfils the request without asking anybody.
func (f Facts) sessionAnswers() bool {
	if f.Request.Other || !f.sessionFits() {
		return false
	}
	d := f.wants()
	d.Evidence, d.Used = f.Session.Evidence, slices.Contains(f.Session.Applications, string(f.Request.Application))
	return demand.Answers(d)
}

// sessionFits tells whether the browser's session is one that the request takes, were it strong enough.
// A request for another account of the person, or for a connection that the session
// does not come from, or a tenant that it does not stand for, wants a new proof.
func (f Facts) sessionFits() bool {
	if f.Session == nil || f.Request.Link != "" || f.Request.Fresh && f.Session.AuthTime().Before(f.Request.CreatedAt) {
		return false
	}
	if f.Request.MultiAccount && (f.Request.Picked == "" || f.Request.Picked != f.Session.User) || f.Request.Tenant != "" && f.Request.Tenant != f.Tenant {
		return false
	}
	c := f.Request.Connection
	return c == "" || slices.ContainsFunc(f.Session.Evidence, func(e session.Evidence) bool { return e.Connection == c })
}
