package pipeline

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/token"
	"github.com/admit-id/admit/internal/user"
)

// issue is what a unit of work has written and is signed afterwards.
type issue struct {
	asked      Asked
	out        Outcome
	at         time.Time
	life       time.Duration
	scopes     []string
	audience   []string
	person     user.User
	read       bool            // the person was read, not remembered
	over       ident.SessionID // one that has ended, or empty
	refresh    secret.Text
	opaque     secret.Text
	encryption *jose.Encryption
	refused    error
}

// OpaqueHash is what is kept of an opaque access token.
func OpaqueHash(text string) []byte { return secret.Hash("oauth/access-token", text) }

// write uses the grant's proof up, narrows, and writes what the tokens come from.
func (s *Service) write(ctx context.Context, t tx.Tx, a Asked, take Take) (issue, error) {
	out, err := take(ctx, t)
	if err != nil || out.Refused != nil {
		return issue{refused: out.Refused}, err
	}
	m := issue{asked: a, out: out, at: t.Now()}
	m.out.JKT, m.out.X5T = a.Holder.JKT, a.Holder.X5T
	if err := s.narrow(&m); err != nil {
		return issue{}, err
	}
	if err := s.subject(ctx, t, &m); err != nil {
		return issue{}, err
	}
	if err := s.lives(&m); err != nil {
		return issue{}, err
	}
	if out.Begin {
		g, err := s.d.Families.begin(ctx, t, a, m.out.Authorization, m.life)
		if err != nil {
			return issue{}, err
		}
		m.out.Family = &g
	}
	if f := m.out.Family; f != nil && f.Offline {
		m.refresh = s.d.Families.refresh.of(*f, f.Version)
	}
	if a.Client.Settings.AccessTokenFormat == application.FormatOpaque {
		m.opaque = secret.Random(OpaquePrefix)
		if err := s.d.Opaques.InsertOpaque(ctx, t, m.row()); err != nil {
			return issue{}, err
		}
	}
	detail := append([]string{"client", a.Client.ID, "grantType", a.Form.Get("grant_type"), "user", string(m.out.User), "session", string(m.out.Session)}, out.Detail...)
	return m, t.Emit(ctx, event.New(a.Actor, EventIssued, m.out.Grant, dropEmpty(detail)...))
}

func dropEmpty(pairs []string) []string {
	out := pairs[:0:0]
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, pairs[i], pairs[i+1])
		}
	}
	return out
}

// notForMachines are the scopes that mean nothing without a person.
var notForMachines = []string{"openid", "profile", "email", "address", "phone", OfflineScope}

// narrow finds out what the token is for. A new family keeps all that was granted; its first token may have less.
func (s *Service) narrow(m *issue) error {
	a, o := m.asked, &m.out
	registered := a.Client.Settings
	asked, err := scopesAsked(a.Form)
	if err != nil {
		return err
	}
	resources := a.Form["resource"]
	if o.Own {
		own := slices.DeleteFunc(slices.Clone(registered.Scopes), func(one string) bool { return has(notForMachines, one) })
		asked = slices.DeleteFunc(asked, func(one string) bool { return has(notForMachines, one) && has(registered.Scopes, one) })
		o.Scopes, o.Resources = own, nil
	} else if o.Begin {
		asked = nil // a code or a device has its scopes; the token endpoint does not know that parameter for them
	}
	if m.scopes, err = narrowScopes(o.Scopes, asked, registered.Scopes); err != nil {
		return err
	}
	switch {
	case o.Audience != nil:
		m.audience = o.Audience
		return nil
	case len(resources) > 0 && len(o.Resources) == 0 && !o.Own && !o.Anew:
		return oauth.Fail(oauth.InvalidTarget, "No resource was granted. Name resources in the authorization request.")
	}
	if m.audience, err = narrowResources(o.Resources, resources, registered.Resources); err != nil {
		return err
	}
	if len(m.audience) == 0 {
		m.audience = []string{s.d.Issuer(a.Account)}
		if a.Client.FirstParty() {
			m.audience[0] = string(a.Account)
		}
	}
	return nil
}

// subject looks at the person and their sign-in as they are now. A session that has ended is not
// named any more: tokens from a refresh outlive it.
func (s *Service) subject(ctx context.Context, t tx.Tx, m *issue) error {
	o := &m.out
	if o.User == "" {
		return nil
	}
	vouched := o.Family != nil // whoever ends a person ends their families, and this one was used a moment ago
	if o.Session != "" {
		there, err := s.alive(ctx, t, o)
		switch {
		case err != nil:
			return err
		case there:
			vouched = true // and their sessions
		case o.Family == nil || !o.Family.Offline:
			return errGone
		default:
			m.over = o.Session
			o.Session = ""
		}
	}
	if user.Foreign(o.User) { // of those whom linked issuers name nothing is kept
		return nil
	}
	if vouched {
		if known := s.d.People.Recall(o.Account, o.User); known != nil {
			m.person = *known
			return nil
		}
	}
	var err error
	if m.person, err = s.d.Users.Find(ctx, t, o.Account, o.User); err != nil {
		return gone(err)
	}
	m.read = true
	return nil
}

// alive tells whether the session lives that the authorization names. Refresh tokens outlive it: what ends all
// must not miss a family that is being made.
func (s *Service) alive(ctx context.Context, t tx.Tx, o *Outcome) (bool, error) {
	switch {
	case o.Begin:
		return s.d.Sessions.Hold(ctx, t, o.Account, o.Session)
	case s.over.has(o.Account, o.Session):
		return false, nil
	}
	return s.d.Sessions.Alive(ctx, t, o.Account, o.Session)
}

// lives bounds the life of the token by the client's settings, the account's, the family's and the subject token's.
func (s *Service) lives(m *issue) error {
	m.life = min(m.asked.Client.Settings.AccessTokenLife, token.MaxLife)
	if s.d.Life != nil {
		if l := s.d.Life(m.asked.Account); l > 0 {
			m.life = min(m.life, l)
		}
	}
	at := m.at.Truncate(time.Second)
	if u := m.out.Until; !u.IsZero() {
		m.life = min(m.life, u.Sub(at))
	}
	if f := m.out.Family; f != nil {
		m.life = min(m.life, f.ExpiresAt.Sub(at))
	}
	if m.life = m.life.Truncate(time.Second); m.life <= 0 {
		return errGone
	}
	return nil
}

// row is the opaque token.
func (m *issue) row() oauth.OpaqueToken {
	o := m.out.Authorization
	o.Scopes, o.Resources, o.Nonce = m.scopes, nil, ""
	at := m.at.Truncate(time.Second)
	return oauth.OpaqueToken{
		Hash: OpaqueHash(m.opaque.Reveal()), Authorization: o, ID: ident.New("jti_"), Audience: m.audience, IssuedAt: at, ExpiresAt: at.Add(m.life),
	}
}

// sign makes the answer.
func (s *Service) sign(ctx context.Context, m issue) (Result, error) {
	out := Result{
		TokenType: "Bearer", ExpiresIn: m.life, RefreshToken: m.refresh, Scope: strings.Join(m.scopes, " "),
		IssuedType: m.out.Type, Details: m.out.Details, AccessToken: m.opaque,
	}
	if m.out.JKT != "" {
		out.TokenType = "DPoP"
	}
	if out.AccessToken.Empty() {
		access, err := s.d.Signer.AccessToken(ctx, m.access())
		if err != nil {
			return Result{}, err
		}
		out.AccessToken = access.Token
	}
	if m.out.User == "" || m.out.NoID || !has(m.scopes, "openid") {
		return out, nil
	}
	id, err := s.d.Signer.IDToken(ctx, m.id(out.AccessToken))
	out.IDToken = id.Token
	return out, err
}

func (m *issue) access() token.AccessParams {
	o, set := m.out, m.asked.Client.Settings
	p := token.AccessParams{
		At: m.at, Life: m.life, Account: m.asked.Account, Subject: string(o.User), Client: m.asked.Client.ID, Audience: m.audience,
		Scopes: m.scopes, Grant: o.Grant, Session: o.Session, AuthTime: o.AuthTime, AMR: o.AMR, ACR: o.ACR, JKT: o.JKT, X5T: o.X5T,
		Actor: o.Actor, Details: o.Details, Custom: []json.RawMessage{set.Claims}, Signing: token.Signing{Alg: set.AccessTokenAlg, Static: set.StaticKey},
	}
	if p.Subject == "" {
		p.Subject = m.asked.Client.ID
	} else if m.asked.Client.FirstParty() {
		p.Custom = append(p.Custom, m.person.Claims.Access)
	}
	return p
}

func (m *issue) id(access secret.Text) token.IDParams {
	o, set := m.out, m.asked.Client.Settings
	p := token.IDParams{
		At: m.at, Life: m.life, Account: m.asked.Account, Subject: o.User, Client: m.asked.Client.ID, Session: o.Session, Nonce: o.Nonce,
		AuthTime: o.AuthTime, AMR: o.AMR, ACR: o.ACR, AccessToken: access.Reveal(), Code: o.Code,
		Person: oauth.PersonClaims(m.person, m.scopes, o.Claims, oauth.InIDToken),
		Custom: []json.RawMessage{set.Claims}, Signing: token.Signing{Alg: set.IDTokenAlg, Static: set.StaticKey}, Encryption: m.encryption,
	}
	if m.asked.Client.FirstParty() {
		p.Custom = append(p.Custom, m.person.Claims.Identity)
	}
	return p
}
