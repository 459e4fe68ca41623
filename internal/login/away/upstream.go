package away

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/login/address"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/user"
)

const (
	statePurpose = "login/leg"
	legPurpose   = "login/leg-secrets"
)

// legSecrets is what a leg keeps under a seal.
type legSecrets struct {
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

// StartUpstream sends the browser to a connection's provider.
func (s *Service) StartUpstream(ctx context.Context, v login.Visit, id ident.LoginID, c ident.ConnectionID) (login.View, error) {
	f, ok, err := s.d.Box.Open(ctx, v, id)
	if err != nil {
		return login.View{}, err
	}
	if !ok {
		return s.d.Box.Refused(ctx, v, f)
	}
	if !s.d.Box.Doors().Offered(f.Request, c) {
		return s.d.Box.Page(ctx, login.StepChoose, v, f, login.ProblemConnectionGone)
	}
	view, err := s.Forward(ctx, v, f.Request, c)
	if errors.Is(err, login.ErrMoved) {
		return s.d.Box.View(ctx, v, id)
	}
	return view, err
}

// Forward begins a leg: fresh state, nonce and code verifier for this browser and connection. login.ErrMoved
// when the request has moved on meanwhile.
func (s *Service) Forward(ctx context.Context, v login.Visit, r login.Request, id ident.ConnectionID) (login.View, error) {
	c, ok := s.d.Connections.Get(v.Account, id)
	if !ok || id == emailcode.Connection || c.Type == login.TypePassword {
		return s.fail(ctx, v, r, login.ProblemConnectionGone)
	}
	leg := connection.Leg{
		State: secret.Random(""), Nonce: secret.Random(""), Verifier: secret.Random(""),
		RedirectURI: login.CallbackAddress(s.d.Accounts.Issuer(v.Account)), LoginHint: r.Hint,
	}
	if r.Connection == id {
		leg.Properties = r.Properties
	}
	if r.Fresh { // the provider is asked not to answer from its own session
		leg.Properties = map[string]string{"max_age": "0"}
	}
	location, err := s.d.Upstream.AuthorizeURL(ctx, c, leg)
	if err != nil {
		s.d.Log.WarnContext(ctx, "a provider cannot be reached", "connection", id, "error", err)
		return s.fail(ctx, v, r, login.ProblemUpstreamFailed)
	}
	plain, err := json.Marshal(legSecrets{leg.Nonce.Reveal(), leg.Verifier.Reveal()})
	if err != nil {
		return login.View{}, err
	}
	hash := stateHash(leg.State)
	err = s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		r.Problem = login.ProblemNone
		if ok, err := s.d.Store.Choose(ctx, t, r); err != nil || !ok {
			return errors.Join(err, login.NotOK(ok))
		}
		life := login.LegLife
		if c.Leeway > 0 {
			life = c.Leeway
		}
		return s.d.Artifacts.InsertLeg(ctx, t, login.Leg{
			Account: v.Account, State: hash, Login: r.ID, Connection: id, Browser: r.Browser,
			Sealed: s.d.Keys.Seal(legPurpose, plain, string(v.Account), string(hash)), ExpiresAt: t.Now().Add(life),
		})
	})
	if err != nil {
		return login.View{}, err
	}
	return login.View{State: login.StateRedirect, ID: r.ID, Account: v.Account, Application: r.Application, Result: &login.Result{Location: location}}, nil
}

// FinishUpstream takes the provider's answer. Which login and connection it is for, only the
// leg says; the leg is used up first, so that an answer counts once and in one browser.
func (s *Service) FinishUpstream(ctx context.Context, v login.Visit, c login.Callback) (login.View, error) {
	leg, err := s.takeLeg(ctx, v, c.State)
	if fault.Is(err, fault.NotFound) {
		return s.strayAnswer(ctx, v, c)
	}
	if err != nil {
		return login.View{}, err
	}
	f, ok, err := s.d.Box.Open(ctx, v, leg.Login)
	if err != nil {
		return login.View{}, err
	}
	if !ok {
		return s.d.Box.Refused(ctx, v, f)
	}
	found, problem, err := s.askUpstream(ctx, v, leg, c)
	if err != nil {
		return login.View{}, err
	}
	if problem != login.ProblemNone {
		return s.fail(ctx, v, f.Request, problem)
	}
	return s.d.Box.Try(ctx, v, leg.Login, login.StepChoose, func(context.Context, tx.Tx, login.Facts) (login.Found, error) {
		return found, nil
	})
}

func (s *Service) takeLeg(ctx context.Context, v login.Visit, state secret.Text) (leg login.Leg, err error) {
	browser := login.BrowserHash(v.Browser)
	if browser == nil {
		return login.Leg{}, fault.New(fault.NotFound, fault.CodeNotFound, "There is no such sign-in.")
	}
	err = s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		leg, err = s.d.Artifacts.TakeLeg(ctx, t, v.Account, stateHash(state), browser)
		return err
	})
	return leg, err
}

// askUpstream turns the provider's answer into a person. Faults of the provider are problems
// for the page; what the provider says about them goes to the log only.
func (s *Service) askUpstream(ctx context.Context, v login.Visit, leg login.Leg, c login.Callback) (login.Found, login.Problem, error) {
	if c.Error != "" {
		s.d.Log.InfoContext(ctx, "a provider said no", "connection", leg.Connection, "code", connection.PlainText(c.Error, 64), "text", connection.PlainText(c.ErrorDescription, 200))
		if c.Error == "access_denied" {
			return login.Found{}, login.ProblemUpstreamDenied, nil
		}
		return login.Found{}, login.ProblemUpstreamFailed, nil
	}
	via, ok := s.d.Connections.Get(v.Account, leg.Connection)
	if !ok {
		return login.Found{}, login.ProblemConnectionGone, nil
	}
	plain, err := s.d.Keys.Open(legPurpose, leg.Sealed, string(v.Account), string(leg.State))
	if err != nil {
		return login.Found{}, "", err
	}
	var kept legSecrets
	if err := json.Unmarshal(plain, &kept); err != nil {
		return login.Found{}, "", err
	}
	got, err := s.d.Upstream.Finish(ctx, via, connection.Callback{Code: c.Code, Issuer: c.Issuer, User: c.User}, connection.Leg{
		State: c.State, Nonce: secret.New(kept.Nonce), Verifier: secret.New(kept.Verifier),
		RedirectURI: login.CallbackAddress(s.d.Accounts.Issuer(v.Account)),
	})
	if err != nil {
		s.d.Log.WarnContext(ctx, "a provider's answer was refused", "connection", leg.Connection, "error", err)
		return login.Found{}, login.ProblemUpstreamFailed, nil
	}
	if got.Subject == "" || got.Issuer == "" {
		s.d.Log.WarnContext(ctx, "a provider named nobody", "connection", leg.Connection)
		return login.Found{}, login.ProblemUpstreamFailed, nil
	}
	return login.Found{
		Profile:  user.Profile{Name: got.Name, Email: got.Email, EmailVerified: got.EmailVerified, Picture: got.Picture, Locale: got.Locale},
		Evidence: session.Evidence{Method: session.MethodUpstream, Connection: leg.Connection, Issuer: got.Issuer, Subject: got.Subject},
	}, login.ProblemNone, nil
}

// fail notes the problem in the request, so that its page shows the choice instead of going to
// the same provider again, and shows it.
func (s *Service) fail(ctx context.Context, v login.Visit, r login.Request, p login.Problem) (login.View, error) {
	r.Problem = p
	err := s.d.DB.Write(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) error {
		ok, err := s.d.Store.Choose(ctx, t, r)
		if err != nil || !ok {
			return errors.Join(err, login.NotOK(ok))
		}
		return t.Emit(ctx, event.New(v.Actor, "login.upstream.failed", string(r.ID), "problem", string(p)))
	})
	if err != nil && !errors.Is(err, login.ErrMoved) {
		return login.View{}, err
	}
	f, err := s.d.Box.Facts(ctx, v, r.ID)
	if err != nil {
		return login.View{}, err
	}
	step := login.Next(f)
	if step == login.StepContinue || step == login.StepForward || step == login.StepCode {
		step = login.StepChoose
	}
	return s.d.Box.Page(ctx, step, v, f, login.ProblemNone)
}

// strayAnswer is for an answer that no leg of this browser waits for. While the public URL is a
// loopback one, the browser may have begun on the twin host, where its cookie is; the answer is
// carried there once.
func (s *Service) strayAnswer(ctx context.Context, v login.Visit, c login.Callback) (login.View, error) {
	var leg login.Leg
	var r login.Request
	err := s.d.DB.Read(ctx, tx.In(v.Account), func(ctx context.Context, t tx.Tx) (err error) {
		if leg, err = s.d.Artifacts.PeekLeg(ctx, t, v.Account, stateHash(c.State)); err != nil {
			return err
		}
		r, err = s.d.Store.Get(ctx, t, v.Account, leg.Login)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return s.viewHandover(ctx, v, c)
	}
	if err != nil {
		return login.View{}, err
	}
	if r.Twin && address.SameHost(v.Host, s.d.Accounts.Issuer(v.Account)) {
		return s.toTwin(v, r, c), nil
	}
	f, err := s.d.Box.Facts(ctx, v, leg.Login)
	if err != nil {
		return login.View{}, err
	}
	return s.d.Box.Refused(ctx, v, f)
}

// toTwin carries an answer to the host where the browser began.
func (s *Service) toTwin(v login.Visit, r login.Request, c login.Callback) login.View {
	return login.View{State: login.StateRedirect, Account: v.Account, Result: &login.Result{Location: login.CallbackAddress(login.Base(s.d.Accounts, r)) + "?" + c.RawQuery}}
}

func stateHash(state secret.Text) []byte { return secret.Hash(statePurpose, state.Reveal()) }
