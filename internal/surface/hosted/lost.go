package hosted

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// Recoveries are the verbs of somebody who lost every second factor, or has used their last recovery code.
type Recoveries interface {
	RenewCodes(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error)
	RequestRecovery(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error)
	FinishRecovery(ctx context.Context, v login.Visit, id ident.LoginID) (login.View, error)
}

// Stops are the verbs of the link by which a mail lets its reader stop a recovery.
type Stops interface {
	// Waits finds out whether the link stops anything. A fault of kind NotFound when it does not.
	Waits(ctx context.Context, account ident.AccountID, link secret.Text) error
	// Stop ends the recovery of the link. A fault of kind NotFound when there is none.
	Stop(ctx context.Context, by actor.Actor, link secret.Text) error
}

const pathStop = "/login/recovery"

func (s *Surface) lostRoutes() []web.Route {
	return []web.Route{
		s.kit.Route("POST", "/login/lost", web.Browser, web.LimitMail, s.requestRecovery),
		s.kit.Route("POST", "/login/lost/finish", web.Browser, web.LimitLogin, s.finishRecovery),
		s.kit.Route("GET", "/login/lost", web.Public, web.LimitPage, s.returnToLogin),
		s.kit.Route("GET", "/login/lost/finish", web.Public, web.LimitPage, s.returnToLogin),
		s.kit.Route("GET", pathStop, web.Public, web.LimitGuess, s.showStop),
		s.kit.Route("POST", pathStop, web.Browser, web.LimitGuess, s.stop),
	}
}

// lost is what the pages of a recovery show.
type lost struct {
	box
	Time string // when it is ready; empty on the pages that do not say so
	ISO  string
}

// showLost says what a recovery is, how far it is, or that it can be finished.
func (s *Surface) showLost(w http.ResponseWriter, r *http.Request, v login.View) error {
	key := "lost"
	if !v.RecoveryAt.IsZero() {
		key = "lost.waiting"
		if s.kit.MinutesUntil(v.RecoveryAt) == 0 {
			key = "lost.ready"
		}
	}
	p := lost{box: s.box(r, v.ID, key+".title")}
	if key == "lost.waiting" {
		p.Time, p.ISO = p.Moment(v.RecoveryAt), v.RecoveryAt.UTC().Format(time.RFC3339)
	}
	p.Heading, p.Lead, p.OtherURL = key+".heading", key+".lead", at(v, "ui_locales", p.Locale)
	p.At(at(v, "way", "lost"))
	p.Alert, p.Notice = s.told(r, p.box, v)
	switch key {
	case "lost":
		p.Action, p.Submit = "/login/lost?state="+string(v.ID), "lost.submit"
	case "lost.ready":
		p.Action, p.Submit = "/login/lost/finish?state="+string(v.ID), "lost.ready.submit"
	}
	return s.pages.Write(w, statusOf(r, v), "lost", p, page.FormTarget(v.ReturnURL)...)
}

// wantsLost tells whether the page is the one for those who lost everything.
func wantsLost(r *http.Request, v login.View) bool {
	return v.Recovery && (r.URL.Query().Get("way") == "lost" || r.URL.Path == "/login/lost" || r.URL.Path == "/login/lost/finish")
}

// requestRecovery is POST /login/lost: the person begins to wait.
func (s *Surface) requestRecovery(w http.ResponseWriter, r *http.Request) error {
	v, id, err := s.stepForm(r)
	if err != nil {
		return err
	}
	view, err := s.deps.Recoveries.RequestRecovery(r.Context(), v, id)
	return s.answer(w, r, view, err)
}

// finishRecovery is POST /login/lost/finish: what was lost is removed.
func (s *Surface) finishRecovery(w http.ResponseWriter, r *http.Request) error {
	v, id, err := s.stepForm(r)
	if err != nil {
		return err
	}
	view, err := s.deps.Recoveries.FinishRecovery(r.Context(), v, id)
	return s.answer(w, r, view, err)
}

// showStop is GET /login/recovery: the link of the mail. It changes nothing (I-24).
func (s *Surface) showStop(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	if token == "" {
		return page.ErrIncomplete
	}
	switch err := s.deps.Stops.Waits(r.Context(), web.AccountOf(r), secret.New(token)); {
	case fault.Is(err, fault.NotFound):
		return s.sayStopped(w, r, page.Message{Status: http.StatusGone, Key: "recovery.gone", Sign: "link"})
	case err != nil:
		return err
	}
	p := lost{box: s.box(r, "", "recovery.cancel.title")}
	p.Heading, p.Lead, p.Submit, p.Action = "recovery.cancel.heading", "recovery.cancel.lead", "recovery.cancel.submit", pathStop
	p.Hide("token", token)
	p.At(pathStop + "?" + url.Values{"token": {token}}.Encode())
	return s.pages.Write(w, http.StatusOK, "lost", p)
}

// stop is POST /login/recovery: the button under it.
func (s *Surface) stop(w http.ResponseWriter, r *http.Request) error {
	token, err := formToken(r)
	if err != nil {
		return err
	}
	switch err := s.deps.Stops.Stop(r.Context(), s.kit.Visit(r).Actor, token); {
	case fault.Is(err, fault.NotFound):
		return s.sayStopped(w, r, page.Message{Status: http.StatusGone, Key: "recovery.gone", Sign: "link"})
	case err != nil:
		return err
	}
	return s.sayStopped(w, r, page.Message{Status: http.StatusOK, Key: "recovery.stopped", Sign: "tick", Tone: "good"})
}

func (s *Surface) sayStopped(w http.ResponseWriter, r *http.Request, m page.Message) error {
	return s.kit.WriteMessage(w, m.Status, s.kit.Message(r, m))
}
