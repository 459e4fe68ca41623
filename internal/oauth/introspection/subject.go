package introspection

import (
	"context"
	"encoding/json"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/pipeline"
)

// Subjects reads tokens that are to be exchanged. It implements pipeline.Subjects.
type Subjects struct{ Reader *Reader }

// Subject implements pipeline.Subjects.
func (s Subjects) Subject(ctx context.Context, c oauth.Client, text string) (pipeline.Subject, error) {
	l, err := s.Reader.Look(ctx, c.Account, text)
	if err != nil {
		return pipeline.Subject{}, err
	}
	var more struct {
		AuthTime int64           `json:"auth_time"`
		AMR      []string        `json:"amr"`
		ACR      string          `json:"acr"`
		Actor    json.RawMessage `json:"act"`
		Details  json.RawMessage `json:"authorization_details"`
	}
	if err := json.Unmarshal(l.claims, &more); err != nil {
		return pipeline.Subject{}, fault.Wrap("introspection.Subject", err)
	}
	out := pipeline.Subject{
		Person: l.Person, ID: l.Subject, Client: l.Client, Audience: l.Audience, Scopes: l.Scopes, Session: l.Session, Grant: l.Grant,
		AMR: more.AMR, ACR: more.ACR, Actor: more.Actor, Details: more.Details, Expires: l.Expires, Concerning: concerns(l, c),
	}
	if more.AuthTime != 0 {
		out.AuthTime = time.Unix(more.AuthTime, 0).UTC()
	}
	if l.Bound != nil {
		out.JKT, out.X5T = l.Bound.JKT, l.Bound.X5T
	}
	return out, nil
}
