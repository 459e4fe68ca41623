package introspection

import (
	"context"
	"encoding/json"
	"slices"
	"sync/atomic"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/token"
	"github.com/admit-id/admit/internal/user"
)

// infoCache keeps the userinfo answer of a token, as long as the person is the same, and whether the client is the account's own.
type infoCache struct {
	requested json.RawMessage // the `claims` parameter, where known
	known     bool
	last      atomic.Pointer[info]
}

type info struct {
	person *user.User
	own    bool // the client was the account's own
	body   []byte
}

// Info is the answer of userinfo.
type Info struct {
	Body []byte
	JWT  bool
}

var (
	errNobody    = oauth.Fail(oauth.InvalidToken, "The token speaks for no person.")
	errScope     = oauth.Fail(oauth.InsufficientScope, "This needs a token with the scope openid.")
	errElsewhere = oauth.Fail(oauth.InvalidToken, "The token is for another resource than this one.")
)

// Userinfo tells about the person of a token that the caller has proved to hold. Errors: *oauth.Error,
// ErrDead, or a fault of kind Unavailable.
func (s *Service) Userinfo(ctx context.Context, l *Living) (Info, error) {
	switch {
	case !l.Person:
		return Info{}, errNobody
	case !slices.Contains(l.Audience, string(l.Account)) && !slices.Contains(l.Audience, s.d.Reader.d.Issuer(l.Account)):
		return Info{}, errElsewhere
	case !l.Has("openid"):
		return Info{}, errScope
	}
	person, err := s.d.People.find(ctx, l.Account, ident.UserID(l.Subject))
	switch {
	case fault.Is(err, fault.NotFound):
		return Info{}, ErrDead.With(err)
	case err != nil:
		return Info{}, err
	}
	c, err := s.d.Parties.Client(ctx, l.Account, l.Client)
	if oauth.CodeOf(err) != "" {
		return Info{}, ErrDead.With(err)
	}
	if err != nil {
		return Info{}, err
	}
	if have := l.info.last.Load(); have != nil && have.person == person && have.own == c.FirstParty() && c.Settings.UserinfoAlg == "" {
		return Info{Body: have.body}, nil
	}
	return s.tell(ctx, l, person, c)
}

func (s *Service) tell(ctx context.Context, l *Living, person *user.User, c oauth.Client) (Info, error) {
	requested, err := s.requested(ctx, l)
	if err != nil {
		return Info{}, err
	}
	claims := map[string]any{}
	if len(person.Claims.Identity) > 0 && l.Has("profile") && c.FirstParty() {
		if err := json.Unmarshal(person.Claims.Identity, &claims); err != nil {
			return Info{}, fault.Wrap("introspection.Userinfo", err)
		}
		for name := range claims {
			if jose.Reserved(name) {
				delete(claims, name)
			}
		}
	}
	for name, value := range oauth.PersonClaims(*person, l.Scopes, requested, oauth.InUserinfo) {
		claims[name] = value
	}
	claims["sub"] = l.Subject
	if alg := c.Settings.UserinfoAlg; alg != "" {
		claims["iss"], claims["aud"] = s.d.Reader.d.Issuer(l.Account), c.ID
		out, err := s.d.Signer.Response(ctx, token.ResponseParams{
			Account: l.Account, Type: jose.TypeJWT, Claims: claims, Signing: token.Signing{Alg: alg, Static: c.Settings.StaticKey},
		})
		return Info{Body: []byte(out.Reveal()), JWT: true}, err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return Info{}, fault.Wrap("introspection.Userinfo", err)
	}
	l.info.last.Store(&info{person: person, own: c.FirstParty(), body: body})
	return Info{Body: body}, nil
}

// requested finds the `claims` parameter of the token's grant. Grants do not change in that.
func (s *Service) requested(ctx context.Context, l *Living) (json.RawMessage, error) {
	if l.info.known || l.Grant == "" {
		return l.info.requested, nil
	}
	var g oauth.Grant
	err := s.d.DB.Read(ctx, tx.In(l.Account), func(ctx context.Context, t tx.Tx) (err error) {
		g, err = s.d.Grants.Grant(ctx, t, l.Account, l.Grant)
		return err
	})
	if fault.Is(err, fault.NotFound) { // of an exchange, which has none
		return nil, nil
	}
	return g.Claims, err
}
