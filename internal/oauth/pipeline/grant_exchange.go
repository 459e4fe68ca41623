package pipeline

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// TypeAccessToken is the only type of token that is exchanged, and the only one that comes out (RFC 8693 section 3).
const TypeAccessToken = "urn:ietf:params:oauth:token-type:access_token"

// maxActors is how long a chain of delegation may be.
const maxActors = 4

// Subject is what a living access token of this account says, to one who wants to exchange it.
type Subject struct {
	Person     bool // Subject is a person
	ID         string
	Client     string
	Audience   []string
	Scopes     []string
	Session    ident.SessionID
	Grant      string
	JKT, X5T   string
	AuthTime   time.Time
	AMR        []string
	ACR        string
	Details    json.RawMessage
	Actor      json.RawMessage
	Expires    time.Time
	Concerning bool // the client that asks may know what the token says
}

// Subjects reads living access tokens. *introspection.Service does.
type Subjects interface {
	// Subject returns what a token says, or a fault of kind Unauthenticated.
	Subject(ctx context.Context, c oauth.Client, text string) (Subject, error)
}

// ExchangeGrant gives a service, for a person's token that it was sent, one by which it can call the
// next on the person's behalf (RFC 8693). It is delegation, always: the token says in `act` who acts, and the
// earlier actors behind. Scope and audience can only become less, and the new token ends with the old
// one's family and not later than the old one. Tokens of ours have no `may_act`: whom a token concerns
// (its client, its audience, who may introspect it) may act.
type ExchangeGrant struct{ Subjects Subjects }

// Name implements Grant.
func (ExchangeGrant) Name() string { return application.GrantExchange }

var (
	errSubject    = oauth.Fail(oauth.InvalidRequest, "The subject_token is no living access token of a person that this client may exchange.")
	errThirdParty = oauth.Fail(oauth.InvalidTarget, "The subject_token opens Admit's own API, for which a third party gets no token. Name another audience that it has.")
	errActor      = oauth.Fail(oauth.InvalidRequest, "The actor_token is no living access token that this client was given for itself.")
)

// Prove implements Grant.
func (g ExchangeGrant) Prove(ctx context.Context, a Asked) (Take, error) {
	if err := exchangeable(a); err != nil {
		return nil, err
	}
	s, err := g.Subjects.Subject(ctx, a.Client, a.Form.Get("subject_token"))
	switch {
	case fault.Is(err, fault.Unauthenticated):
		return nil, errSubject.With(err)
	case err != nil:
		return nil, err
	case !s.Concerning, !s.Person, s.Grant == "" && s.Session == "":
		return nil, errSubject
	case s.Client == a.Client.ID && (s.JKT != "" && s.JKT != a.Holder.JKT || s.X5T != "" && s.X5T != a.Holder.X5T):
		return nil, oauth.Fail(oauth.InvalidRequest, "The subject_token is bound to a key: prove that key with this request.")
	}
	if err := g.actor(ctx, a); err != nil {
		return nil, err
	}
	act, err := delegated(a.Client.ID, s.Actor)
	if err != nil {
		return nil, err
	}
	audience, err := narrowAudience(s.Audience, append(slices.Clone(a.Form["audience"]), a.Form["resource"]...))
	if err != nil {
		return nil, err
	}
	if has(audience, string(a.Account)) && !a.Client.FirstParty() {
		return nil, errThirdParty
	}
	o := oauth.Authorization{
		Grant: s.Grant, Account: a.Account, Client: a.Client.ID, User: ident.UserID(s.ID), Session: s.Session, Details: s.Details, Actor: act,
		AuthTime: s.AuthTime, AMR: s.AMR, ACR: s.ACR,
		Scopes: slices.DeleteFunc(slices.Clone(s.Scopes), func(one string) bool { return one == OfflineScope }),
	}
	if o.Grant == "" {
		o.Grant = NewGrantID() // of a token of the login API, which ends with its session
	}
	return func(context.Context, tx.Tx) (Outcome, error) {
		return Outcome{
			Authorization: o, Until: s.Expires, Audience: audience, NoID: true, Type: TypeAccessToken, Detail: []string{"from", s.Client},
		}, nil
	}, nil
}

// exchangeable looks at the form of the request.
func exchangeable(a Asked) error {
	f := a.Form
	switch wanted := f.Get("requested_token_type"); {
	case a.Client.Public():
		return oauth.Fail(oauth.UnauthorizedClient, "A client that cannot prove itself may not exchange tokens.")
	case f.Get("subject_token") == "" || f.Get("subject_token_type") == "":
		return oauth.Fail(oauth.InvalidRequest, "subject_token and subject_token_type are both needed.")
	case f.Get("subject_token_type") != TypeAccessToken:
		return oauth.Fail(oauth.InvalidRequest, "subject_token_type must be "+TypeAccessToken+".")
	case wanted != "" && wanted != TypeAccessToken:
		return oauth.Fail(oauth.InvalidRequest, "requested_token_type must be "+TypeAccessToken+" or be left out.")
	case (f.Get("actor_token") == "") != (f.Get("actor_token_type") == ""):
		return oauth.Fail(oauth.InvalidRequest, "actor_token and actor_token_type go together.")
	case f.Has("actor_token_type") && f.Get("actor_token_type") != TypeAccessToken:
		return oauth.Fail(oauth.InvalidRequest, "actor_token_type must be "+TypeAccessToken+".")
	}
	return nil
}

// actor judges the actor's token, where there is one. The client acts for itself and for nobody else.
func (g ExchangeGrant) actor(ctx context.Context, a Asked) error {
	text := a.Form.Get("actor_token")
	if text == "" {
		return nil
	}
	s, err := g.Subjects.Subject(ctx, a.Client, text)
	switch {
	case fault.Is(err, fault.Unauthenticated):
		return errActor.With(err)
	case err != nil:
		return err
	case s.Person, s.Client != a.Client.ID, s.ID != a.Client.ID:
		return errActor
	}
	return nil
}

// delegated is the `act` claim with one more actor in front (RFC 8693 section 4.1).
func delegated(client string, before json.RawMessage) (json.RawMessage, error) {
	type actor struct {
		Subject string          `json:"sub"`
		Act     json.RawMessage `json:"act,omitempty"`
	}
	depth := 1
	for rest := before; len(rest) > 0; depth++ {
		var one actor
		if err := json.Unmarshal(rest, &one); err != nil {
			return nil, fault.Wrap("pipeline.delegated", err)
		}
		rest = one.Act
	}
	if depth > maxActors {
		return nil, oauth.Fail(oauth.InvalidRequest, "The chain of delegation is too long.")
	}
	return json.Marshal(actor{client, before})
}

func narrowAudience(granted, asked []string) ([]string, error) {
	if len(asked) == 0 {
		return granted, nil
	}
	var out []string
	for _, one := range asked {
		if !has(granted, one) {
			return nil, oauth.Fail(oauth.InvalidTarget, "An audience was asked for that the subject_token does not have. An exchange only narrows.")
		}
		if !has(out, one) {
			out = append(out, one)
		}
	}
	return out, nil
}
