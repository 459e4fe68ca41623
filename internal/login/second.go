package login

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login/demand"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

var (
	// errOther refuses a proof of somebody else than the one whom the request is about (I-8).
	errOther = errors.New("login: the request is about somebody else")
	// errDemand refuses a proof with which nobody can go on under the policy.
	errDemand = errors.New("login: the policy cannot be fulfilled")
)

// factors fills in what the policy wants of a person, and what they have. Whatever fails here fails the
// login: it never stands for nothing (MFA-09).
func (s *Service) factors(ctx context.Context, t tx.Tx, v Visit, f *Facts, who ident.UserID) (err error) {
	tenant := f.Request.Tenant
	if all := f.Evidence(who); tenant == "" && len(all) > 0 {
		tenant = all[len(all)-1].Tenant
	}
	f.Only = s.Doors().Only(f.Request)
	f.Policy, f.NoPasskeys = s.d.Policies.Of(v.Account, tenant, f.Request.Application), !s.d.Passkeys(v.Account)
	if who == "" {
		return nil
	}
	if f.Held, err = s.d.Held(ctx, t, v.Account, who); err != nil {
		return err
	}
	f.Remembered, err = s.d.Browsers.Knows(ctx, t, v.Account, who, v.Device, rememberLife(f.Policy.RememberDays))
	return err
}

// lost tells whether what a half-proved request began with is its subject's no more: an address that was
// taken back, an identity that was unlinked.
func (s *Service) lost(ctx context.Context, t tx.Tx, r Request) (bool, error) {
	if r.Subject == "" || len(r.Evidence) == 0 || !r.DoneAt.IsZero() {
		return false, nil
	}
	e, address := r.Evidence[0], r.Evidence[0].Method == session.MethodPassword
	if !address && e.Method != session.MethodEmail && e.Method != session.MethodUpstream {
		return false, nil
	}
	u, err := s.d.Users.Find(ctx, t, r.Account, r.Subject)
	if fault.Is(err, fault.NotFound) {
		return true, nil
	}
	i := user.Identity{Connection: e.Connection, Issuer: e.Issuer, Subject: e.Subject}
	if address { // a password goes with the address
		i.Connection = emailcode.Connection
	}
	return !slices.ContainsFunc(u.Identities, i.Same), err
}

func rememberLife(days int) time.Duration { return time.Duration(max(days, 0)) * 24 * time.Hour }

// Answers tells whether a session is what the policy demands of sign-ins to an application, which may be empty.
func (s *Service) Answers(ctx context.Context, t tx.Tx, v Visit, found session.Session, app ident.ApplicationID) (enough bool, err error) {
	p := s.d.Policies.Of(found.Account, found.Tenant(), app)
	f := demand.Facts{Policy: p, Evidence: found.Evidence, Used: slices.Contains(found.Applications, string(app))}
	if p.SecondWhen == policy.WhenAlways || p.SecondWhen == policy.WhenHeld && f.Used {
		return demand.Answers(f), nil
	}
	f.Remembered, err = s.d.Browsers.Knows(ctx, t, found.Account, found.User, v.Device, rememberLife(p.RememberDays))
	if err == nil && p.SecondWhen == policy.WhenHeld {
		f.Held, err = s.d.Held(ctx, t, found.Account, found.User)
	}
	return err == nil && demand.Answers(f), err
}

// advance adds a proof to an open request and ends it, or leaves it to the step that is still wanted.
func (s *Service) advance(ctx context.Context, t tx.Tx, v Visit, r Request, person user.User, proof session.Evidence) (ended, error) {
	f, err := s.FactsIn(ctx, t, v, r.ID)
	if err != nil {
		return ended{}, err
	}
	before := f.Request.Evidence
	switch {
	case f.Request.Link != "": // only linking ends it
		return ended{}, ErrMoved
	case !f.Found || !f.Request.BoundTo(f.Browser) || !f.Request.DoneAt.IsZero() || !f.Now.Before(f.Request.ExpiresAt):
		return ended{}, ErrMoved
	case f.Request.Subject != "" && f.Request.Subject != person.ID:
		return ended{}, errOther
	}
	f.Request.Subject, f.Request.Evidence = person.ID, append(before[:len(before):len(before)], proof)
	if err := s.factors(ctx, t, v, &f, person.ID); err != nil {
		return ended{}, err
	}
	switch step := f.demand().Step; {
	case step == demand.Fulfilled && !f.spent():
		return s.start(ctx, t, v, f, person)
	case step == demand.Refuse:
		return ended{}, errDemand
	}
	ok, err := s.d.Store.Prove(ctx, t, Proof{
		Account: v.Account, ID: r.ID, Browser: f.Browser, Subject: person.ID, Before: before, Added: []session.Evidence{proof},
	})
	if err != nil || !ok {
		return ended{}, errors.Join(err, NotOK(ok))
	}
	who := userActor(v, person.ID, "")
	return ended{half: true}, t.Emit(ctx, event.New(who, "login.proved", string(r.ID), "method", proof.Method))
}

// start makes the session of a request whose evidence is enough (I-10), and ends the request.
func (s *Service) start(ctx context.Context, t tx.Tx, v Visit, f Facts, person user.User) (ended, error) {
	r, by := f.Request, v.Actor
	by.Account = v.Account
	n, _ := s.d.Tenants.Get(v.Account, r.Evidence[len(r.Evidence)-1].Tenant)
	started, cookie, err := s.d.Sessions.Start(ctx, t, session.NewSession{
		Actor: by, User: person.ID, Evidence: r.Evidence[0], More: r.Evidence[1:], Previous: v.Session, MaxLife: n.SessionLife,
		KeepOther: r.MultiAccount || r.Other,
	})
	if err != nil {
		return ended{}, err
	}
	e := ended{user: person, session: started, cookie: cookie}
	if e.device, e.deviceUntil, err = s.rememberBrowser(ctx, t, v, f, person.ID); err != nil {
		return ended{}, err
	}
	return s.close(ctx, t, v, r, e)
}

// rememberBrowser remembers the browser for a person who wished so and has just shown a second factor.
func (s *Service) rememberBrowser(ctx context.Context, t tx.Tx, v Visit, f Facts, who ident.UserID) (cookie secret.Text, until time.Time, err error) {
	life := rememberLife(f.Policy.RememberDays)
	if !v.Remember || life == 0 || !session.Fulfils(session.Assurance(f.Request.Evidence), session.ACR2) && !f.steppedUp(who) {
		return cookie, until, nil
	}
	return s.d.Browsers.Add(ctx, t, userActor(v, who, ""), session.Device(v.Actor.Agent), v.Device, life)
}

// steppedUp tells whether the request itself has a second factor, which was added to a living session.
func (f Facts) steppedUp(who ident.UserID) bool {
	for _, e := range f.Request.Evidence {
		if demand.SecondKind(e.Method) != "" {
			return session.Fulfils(session.Assurance(f.Evidence(who)), session.ACR2)
		}
	}
	return false
}

// complete ends a request that has enough evidence already: the policy has become laxer since, or the
// person's factors are others.
func (s *Service) complete(ctx context.Context, v Visit, f Facts) (View, error) {
	var end ended
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		again, err := s.FactsIn(ctx, t, v, f.Request.ID)
		if err != nil {
			return err
		}
		if Next(again) != StepComplete {
			return ErrMoved
		}
		person, err := s.d.Users.Find(ctx, t, v.Account, again.Request.Subject)
		if err != nil {
			return err
		}
		end, err = s.start(ctx, t, v, again, person)
		return err
	})
	if err != nil {
		return s.finishFailed(ctx, v, f.Request, err)
	}
	return s.leave(ctx, v, f.Request, end)
}

// fillSecond says what the page of a second step offers, and to whom.
func (s *Service) fillSecond(ctx context.Context, view *View, f Facts) error {
	view.Ways, view.Current = f.demand().Ways, nil
	if view.State == StateSecond {
		view.RememberDays = max(f.Policy.RememberDays, 0)
		view.Recovery = f.Request.Subject != "" && f.Held.Second()
	}
	return s.d.DB.Read(ctx, tx.In(view.Account), func(ctx context.Context, t tx.Tx) error {
		u, err := s.d.Users.Find(ctx, t, view.Account, f.Whose())
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		view.Current = &Person{ID: u.ID, Name: u.Name, Email: u.Email}
		if view.Recovery {
			view.RecoveryAt, err = s.d.Recovering(ctx, t, view.Account, u.ID)
			view.Recovery = !f.Policy.NoRecovery || !view.RecoveryAt.IsZero()
		}
		return err
	})
}

// Found is what a step found out: who somebody is, or what is wrong.
type Found struct {
	User ident.UserID
	// Named says that Evidence.Subject is the person's id: the connection may sign in as anyone. Without
	// it, and without User, the evidence's identity is somebody's, or a new person's with that Profile.
	Named    bool
	Profile  user.Profile
	Evidence session.Evidence // of a first proof; of a second its Method, Subject, Verified and Synced
	Problem  Problem          // then nothing was proved
	Stay     bool             // nothing was proved, and nothing is wrong
	Code     bool             // a problem is shown on the page of the code, while there is one
	Fill     func(*View)      // of the page that is shown when nothing was proved
}

func (f Found) nothing() bool { return f.Stay || f.Problem != ProblemNone }

// Prepare runs what makes a step ready, in a unit of work, on an open request of this browser. A fault of
// kind Conflict when it is not at one of the steps.
func (s *Service) Prepare(ctx context.Context, v Visit, id ident.LoginID, do func(ctx context.Context, t tx.Tx, f Facts) error, at ...Step) error {
	if _, _, err := s.Open(ctx, v, id); err != nil {
		return err
	}
	return s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		f, err := s.FactsIn(ctx, t, v, id)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(at, f.Takes) {
			return fault.New(fault.Conflict, fault.CodeConflict, "This sign-in is at another step. Load its page again.")
		}
		return do(ctx, t, f)
	})
}

// At is the step that a second factor could work on now: StepSecond or StepEnrol, or else StepChoose.
func (f Facts) At() Step {
	if step := Next(f); step == StepSecond || step == StepEnrol {
		return step
	}
	return StepChoose
}

// Ways are the factors that can be shown or registered now.
func (f Facts) Ways() []factor.Kind { return f.demand().Ways }

// Try runs a step on an open request of this browser: a second step where one
// is wanted (at is StepSecond or StepEnrol), else a first proof (StepChoose). Look judges what was sent, in
// the unit of work that moves the request on; what it counts is kept when it finds a problem. The page of
// another step comes when the request is not at this one.
func (s *Service) Try(ctx context.Context, v Visit, id ident.LoginID, at Step, look func(ctx context.Context, t tx.Tx, f Facts) (Found, error)) (View, error) {
	if f, ok, err := s.Open(ctx, v, id); err != nil || !ok && f.Request.Subject == "" {
		if err != nil {
			return View{}, err
		}
		return s.Refused(ctx, v, f)
	}
	var found Found
	var end ended
	var r Request
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		found, end = Found{}, ended{}
		f, err := s.FactsIn(ctx, t, v, id)
		if err != nil {
			return err
		}
		if r = f.Request; !f.Takes(at) {
			return ErrMoved
		}
		if found, err = look(ctx, t, f); err != nil || found.nothing() {
			return err
		}
		if at != StepChoose && found.User != f.Whose() {
			return errOther
		}
		return s.taken(ctx, t, v, f, at, found, &end)
	})
	if err != nil {
		return s.finishFailed(ctx, v, Request{Account: v.Account, ID: id}, err)
	}
	switch {
	case !found.nothing():
		return s.leave(ctx, v, r, end)
	case found.Stay:
		return s.show(ctx, v, id, shown{fill: found.Fill})
	}
	f, err := s.Facts(ctx, v, id)
	if err != nil {
		return View{}, err
	}
	step := Next(f)
	if at == StepChoose && step.Open() {
		step = StepChoose
		if found.Code && f.Code != nil {
			step = StepCode
		}
	}
	return s.page(ctx, step, v, f, shown{problem: found.Problem, fill: found.Fill})
}

// taken adds what a step found out to the request.
func (s *Service) taken(ctx context.Context, t tx.Tx, v Visit, f Facts, at Step, found Found, end *ended) (err error) {
	if at == StepChoose {
		*end, err = s.finish(ctx, t, v, f.Request, proved{
			known: found.User, named: found.Named, profile: found.Profile, method: found.Evidence.Method, verified: found.Evidence.Verified, synced: found.Evidence.Synced,
			identity: user.Identity{Connection: found.Evidence.Connection, Issuer: found.Evidence.Issuer, Subject: found.Evidence.Subject},
		})
		return err
	}
	person, err := s.d.Users.Find(ctx, t, v.Account, found.User)
	if err != nil {
		return err
	}
	// A second factor says nothing of where somebody comes from and what for: that is the first one's.
	proof, all := found.Evidence, f.Evidence(found.User)
	first := all[len(all)-1]
	proof.Connection, proof.Issuer, proof.Tenant, proof.At = first.Connection, "", first.Tenant, t.Now()
	*end, err = s.advance(ctx, t, v, f.Request, person, proof)
	return err
}

// Takes tells whether a step may work on the request now.
func (f Facts) Takes(at Step) bool {
	step := Next(f)
	if at == StepChoose {
		return step.Open() || f.Request.Subject == "" && (step == StepSecond || step == StepEnrol)
	}
	return step == at
}
