package ssf

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/signal"
)

// streamWire is a Stream Configuration (SSF 1.0 section 8.1.1), with signing_alg of Admit's own.
type streamWire struct {
	ID          string       `json:"stream_id"`
	Issuer      string       `json:"iss"`
	Audience    string       `json:"aud"`
	Delivery    deliveryWire `json:"delivery"`
	Supported   []string     `json:"events_supported"`
	Requested   []string     `json:"events_requested,omitempty"`
	Delivered   []string     `json:"events_delivered"`
	Every       int64        `json:"min_verification_interval"` // seconds
	Description string       `json:"description,omitempty"`
	Alg         string       `json:"signing_alg"`
}

// deliveryWire never tells the authorization header: it is the receiver's secret.
type deliveryWire struct {
	Method   string  `json:"method"`
	Endpoint string  `json:"endpoint_url,omitempty"`
	Header   *string `json:"authorization_header,omitempty"`
}

func (s *Surface) wire(one signal.Stream) streamWire {
	base := s.d.Issuer(one.Account)
	out := streamWire{
		ID: one.ID, Issuer: base, Audience: string(one.Client), Delivery: deliveryWire{Method: string(one.Method), Endpoint: one.Endpoint},
		Supported: signal.Supported(), Requested: one.Requested, Delivered: one.Kinds.URIs(),
		Every: int64(signal.VerifyEvery.Seconds()), Description: one.Description, Alg: one.Alg,
	}
	if one.Method == signal.Poll {
		out.Delivery.Endpoint = s.events(one.Account, one.ID)
	}
	return out
}

func (s *Surface) events(account ident.AccountID, id string) string {
	return s.d.Issuer(account) + strings.ReplaceAll(pathEvents, "{streamId}", id)
}

// streamInput is what a receiver sends. What the transmitter says may stand there if it is right.
type streamInput struct {
	ID          string          `json:"stream_id"`
	Issuer      *string         `json:"iss"`
	Audience    json.RawMessage `json:"aud"` // a text or a list
	Delivery    *deliveryWire   `json:"delivery"`
	Supported   *[]string       `json:"events_supported"`
	Requested   *[]string       `json:"events_requested"`
	Delivered   *[]string       `json:"events_delivered"`
	Description *string         `json:"description"`
	Alg         *string         `json:"signing_alg"`
}

func (in streamInput) settings() signal.Settings {
	out := signal.Settings{Requested: in.Requested, Description: in.Description, Alg: in.Alg}
	if d := in.Delivery; d != nil {
		out.Delivery = &signal.Delivery{Method: signal.Method(d.Method), Endpoint: d.Endpoint, Header: d.Header}
	}
	return out
}

// matches refuses what a receiver says about the transmitter's own part when it is not so (SSF 1.0 section 8.1.1.3).
func (in streamInput) matches(now streamWire) error {
	same := func(said *[]string, is []string) bool {
		if said == nil {
			return true
		}
		a, b := slices.Sorted(slices.Values(*said)), slices.Sorted(slices.Values(is))
		return slices.Equal(a, b)
	}
	switch {
	case in.Issuer != nil && *in.Issuer != now.Issuer, !oneAudience(in.Audience, now.Audience), !same(in.Supported, now.Supported), !same(in.Delivered, now.Delivered),
		in.Delivery != nil && in.Delivery.Method == string(signal.Poll) && in.Delivery.Endpoint != "" && in.Delivery.Endpoint != now.Delivery.Endpoint:
		return fault.New(fault.Invalid, fault.CodeInvalidRequest,
			"iss, aud, events_supported, events_delivered and the endpoint_url of a stream that is polled are not yours to change. Leave them out.")
	}
	return nil
}

func oneAudience(said json.RawMessage, is string) bool {
	var one string
	var many []string
	switch {
	case len(said) == 0 || string(said) == "null":
		return true
	case web.DecodeStrict(said, &one) == nil:
		return one == is
	}
	return web.DecodeStrict(said, &many) == nil && len(many) == 1 && many[0] == is
}

func (s *Surface) create(w http.ResponseWriter, r *http.Request) error {
	if err := s.d.Guard.Allow(web.ActorOf(r), "CREATE", access.System("Streams")); err != nil {
		return err
	}
	var in streamInput
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody, web.AllowEmpty); err != nil {
		return err
	}
	one, err := s.d.Streams.Create(r.Context(), web.ActorOf(r), in.settings())
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusCreated, s.wire(one))
}

// read answers with one stream, or with all of the caller's.
func (s *Surface) read(w http.ResponseWriter, r *http.Request) error {
	id, err := streamID(r)
	if err != nil {
		return err
	}
	if !r.URL.Query().Has("stream_id") {
		return s.list(w, r)
	}
	if err := s.allow(r, "READ", id); err != nil {
		return err
	}
	one, err := s.d.Streams.Get(r.Context(), web.ActorOf(r), id)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.wire(one))
}

func (s *Surface) list(w http.ResponseWriter, r *http.Request) error {
	if err := s.d.Guard.Allow(web.ActorOf(r), "READ", access.System("Streams", "*")); err != nil {
		return err
	}
	all, err := s.d.Streams.List(r.Context(), web.ActorOf(r))
	if err != nil {
		return err
	}
	out := make([]streamWire, len(all))
	for i, one := range all {
		out[i] = s.wire(one)
	}
	return web.JSON(w, http.StatusOK, out)
}

func (s *Surface) update(w http.ResponseWriter, r *http.Request) error { return s.change(w, r, false) }

func (s *Surface) replace(w http.ResponseWriter, r *http.Request) error { return s.change(w, r, true) }

func (s *Surface) change(w http.ResponseWriter, r *http.Request, whole bool) error {
	var in streamInput
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	if err := s.allow(r, "UPDATE", in.ID); err != nil {
		return err
	}
	by := web.ActorOf(r)
	now, err := s.d.Streams.Get(r.Context(), by, in.ID)
	if err != nil {
		return err
	}
	was := s.wire(now)
	if was.Delivery.Endpoint = s.events(now.Account, now.ID); in.Delivery != nil && in.Delivery.Method != string(signal.Poll) {
		was.Delivery.Endpoint = in.Delivery.Endpoint
	}
	if err := in.matches(was); err != nil {
		return err
	}
	one, err := s.d.Streams.Change(r.Context(), by, in.ID, in.settings(), whole)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.wire(one))
}

func (s *Surface) remove(w http.ResponseWriter, r *http.Request) error {
	id, err := streamID(r)
	if err == nil {
		err = s.allow(r, "UPDATE", id)
	}
	if err == nil {
		err = s.d.Streams.Delete(r.Context(), web.ActorOf(r), id)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
