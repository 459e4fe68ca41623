package signal

import (
	"context"
	"maps"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
)

// Type is the typ of a Security Event Token (RFC 8417 section 2.3).
const Type = "secevent+jwt"

// Signer signs by the account's keys for ID tokens.
type Signer func(ctx context.Context, s Stream, typ string, claims any) (secret.Text, error)

// claims of a Security Event Token. It has no sub and no exp, so that it cannot be taken for another token
// (SSF 1.0 section 4.1), and the same jti and iat however often it is sent.
type claims struct {
	Issuer   string                    `json:"iss"`
	Audience string                    `json:"aud"`
	ID       string                    `json:"jti"`
	IssuedAt int64                     `json:"iat"`
	Subject  subject                   `json:"sub_id"`
	Events   map[string]map[string]any `json:"events"`
}

// subject is a Subject Identifier (RFC 9493), or a complex one (SSF 1.0 section 3.3).
type subject struct {
	Format  string   `json:"format"`
	Issuer  string   `json:"iss,omitempty"`
	Sub     string   `json:"sub,omitempty"`
	ID      string   `json:"id,omitempty"`
	User    *subject `json:"user,omitempty"`
	Session *subject `json:"session,omitempty"`
	Tenant  *subject `json:"tenant,omitempty"`
}

// Critical are the members of complex subjects that a receiver must understand.
var Critical = []string{"user", "session", "tenant"}

func (e Event) subject(issuer string) subject {
	person := subject{Format: "iss_sub", Issuer: issuer, Sub: string(e.User)}
	switch {
	case e.Kind&about != 0:
		return subject{Format: "opaque", ID: e.Stream}
	case e.Session != "":
		return subject{Format: "complex", User: &person, Session: &subject{Format: "opaque", ID: string(e.Session)}}
	case e.User != "":
		return person
	}
	return subject{Format: "complex", Tenant: &subject{Format: "opaque", ID: string(e.Account)}}
}

// caep are the kinds that carry when and by whom (CAEP 1.0 section 2).
const caep = SessionRevoked | CredentialChange | AssuranceChange

// Token makes the token of an event.
func (s *Service) Token(ctx context.Context, to Stream, e Event, sign Signer) (secret.Text, error) {
	issuer := s.d.Issuer(e.Account)
	if issuer == "" || e.Account != to.Account || e.Stream != to.ID {
		return secret.Text{}, fault.New(fault.Internal, fault.CodeInternal, "An event goes to its own stream only.")
	}
	said := map[string]any{}
	maps.Copy(said, e.Claims)
	if e.Kind&caep != 0 {
		said["event_timestamp"] = e.CreatedAt.Unix()
	}
	text, err := sign(ctx, to, Type, claims{
		Issuer: issuer, Audience: string(to.Client), ID: e.ID, IssuedAt: e.CreatedAt.Unix(), Subject: e.subject(issuer),
		Events: map[string]map[string]any{e.Kind.URI(): said},
	})
	return text, fault.Wrap("signal.Token", err)
}
