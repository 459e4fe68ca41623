package ssf

import (
	"net/http"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/signal"
)

type statusWire struct {
	ID     string `json:"stream_id"`
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

func newStatusWire(one signal.Stream) statusWire {
	return statusWire{one.ID, string(one.Status), one.Reason}
}

func (s *Surface) status(w http.ResponseWriter, r *http.Request) error {
	id, err := streamID(r)
	if err == nil {
		err = s.allow(r, "READ", id)
	}
	if err != nil {
		return err
	}
	one, err := s.d.Streams.Get(r.Context(), web.ActorOf(r), id)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, newStatusWire(one))
}

func (s *Surface) setStatus(w http.ResponseWriter, r *http.Request) error {
	var in statusWire
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	if err := s.allow(r, "UPDATE", in.ID); err != nil {
		return err
	}
	one, err := s.d.Events.SetStatus(r.Context(), web.ActorOf(r), in.ID, signal.Status(in.Status), in.Reason)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, newStatusWire(one))
}

func (s *Surface) verify(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		ID    string `json:"stream_id"`
		State string `json:"state"`
	}
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	if err := s.allow(r, "UPDATE", in.ID); err != nil {
		return err
	}
	if err := s.d.Events.Verify(r.Context(), web.ActorOf(r), in.ID, in.State); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
