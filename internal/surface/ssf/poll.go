package ssf

import (
	"net/http"

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
	p := signal.Polling{Max: signal.MaxPolled, Now: in.Now, Ack: in.Ack, Refused: map[string]string{}, Stop: s.d.Draining}
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
