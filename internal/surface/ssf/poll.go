package ssf

import (
	"net/http"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/signal"
)

// pollInput is RFC 8936 section 2.2.
type pollInput struct {
	Max    *int                    `json:"maxEvents"`
	Now    bool                    `json:"returnImmediately"`
	Ack    []string                `json:"ack"`
	Errors map[string]problemInput `json:"setErrs"`
}

type problemInput struct {
	Code string `json:"err"`
}

type pollWire struct {
	Sets map[string]string `json:"sets"`
	More bool              `json:"moreAvailable,omitempty"`
}

func (s *Surface) poll(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("streamId")
	if err := s.allow(r, "READ", id); err != nil {
		return err
	}
	var in pollInput
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	p := signal.Polling{
		Max: signal.MaxPolled, Now: in.Now, Ack: in.Ack, Refused: map[string]string{}, Stop: s.d.Draining,
		May: func() error { return s.judge(r, id) },
	}
	if in.Max != nil {
		p.Max = *in.Max
	}
	for jti, problem := range in.Errors {
		p.Refused[jti] = problem.Code
	}
	found, more, err := s.d.Events.Poll(r.Context(), web.ActorOf(r), id, p, s.d.Sign)
	if err != nil {
		return err
	}
	out := pollWire{Sets: make(map[string]string, len(found)), More: more}
	for _, one := range found {
		out.Sets[one.ID] = one.Text.Reveal()
	}
	return web.JSON(w, http.StatusOK, out)
}

// judge finds out whether the caller may still be told: the token, and what it allows.
func (s *Surface) judge(r *http.Request, id string) error {
	was := web.ActorOf(r)
	again, err := s.d.Tokens.Verify(r.Context(), was.Account, web.BearerOf(r))
	if err != nil {
		return err
	}
	if again.Kind != was.Kind || again.ID != was.ID {
		return fault.New(fault.Unauthenticated, fault.CodeUnauthenticated, "The token is another one's now.")
	}
	return s.allow(r, "READ", id)
}
