package token

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/strictjson"
)

// MaxCustomClaims is how many bytes the custom claims of one token may have together.
const MaxCustomClaims = 3 << 10

// providerAccess are an access token's claims (RFC 9068 section 2.2), with `sid` of OpenID Connect
// and Admit's own `gid`, the family of tokens that it ends with.
type providerAccess struct {
	Issuer    string          `json:"iss"`
	Subject   string          `json:"sub"`
	Audience  any             `json:"aud"` // a string, or a list of several
	IssuedAt  int64           `json:"iat"`
	ExpiresAt int64           `json:"exp"`
	ID        string          `json:"jti"`
	Client    string          `json:"client_id"`
	Scope     string          `json:"scope,omitempty"`
	Session   string          `json:"sid,omitempty"`
	Grant     string          `json:"gid,omitempty"`
	AuthTime  int64           `json:"auth_time,omitempty"`
	ACR       string          `json:"acr,omitempty"`
	AMR       []string        `json:"amr,omitempty"`
	Confirm   *Confirmation   `json:"cnf,omitempty"`
	Actor     json.RawMessage `json:"act,omitempty"`
	Details   json.RawMessage `json:"authorization_details,omitempty"`
}

// Confirmation is the `cnf` claim (RFC 7800): whose proof a bound token needs.
type Confirmation struct {
	JKT string `json:"jkt,omitempty"`      // RFC 9449 section 6.1
	X5T string `json:"x5t#S256,omitempty"` // RFC 8705 section 3.1
}

// providerID are an ID token's claims besides those about the person.
type providerID struct {
	Issuer     string   `json:"iss"`
	Subject    string   `json:"sub"`
	Audience   string   `json:"aud"`
	IssuedAt   int64    `json:"iat"`
	ExpiresAt  int64    `json:"exp"`
	AuthTime   int64    `json:"auth_time"`
	Nonce      string   `json:"nonce,omitempty"`
	ACR        string   `json:"acr,omitempty"`
	AMR        []string `json:"amr,omitempty"`
	Session    string   `json:"sid,omitempty"`
	AccessHash string   `json:"at_hash,omitempty"`
	CodeHash   string   `json:"c_hash,omitempty"`
}

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutClaims have no nonce, so that no ID token can stand for one.
type logoutClaims struct {
	Issuer    string              `json:"iss"`
	Subject   string              `json:"sub,omitempty"`
	Audience  string              `json:"aud"`
	IssuedAt  int64               `json:"iat"`
	ExpiresAt int64               `json:"exp"`
	ID        string              `json:"jti"`
	Session   string              `json:"sid,omitempty"`
	Events    map[string]struct{} `json:"events"`
}

func (p AccessParams) claims(issuer string, now, expires time.Time, id string) providerAccess {
	c := providerAccess{
		Issuer: issuer, Subject: p.Subject, Audience: p.Audience[0], IssuedAt: now.Unix(), ExpiresAt: expires.Unix(), ID: id,
		Client: p.Client, Scope: strings.Join(unique(p.Scopes), " "), Session: string(p.Session), Grant: p.Grant,
		ACR: p.ACR, AMR: p.AMR, Actor: p.Actor, Details: p.Details,
	}
	if audience := unique(p.Audience); len(audience) > 1 {
		c.Audience = audience
	}
	if !p.AuthTime.IsZero() {
		c.AuthTime = p.AuthTime.Unix()
	}
	if p.JKT != "" || p.X5T != "" {
		c.Confirm = &Confirmation{JKT: p.JKT, X5T: p.X5T}
	}
	return c
}

func (p IDParams) claims(issuer string, now, expires time.Time) (any, error) {
	c := providerID{
		Issuer: issuer, Subject: string(p.Subject), Audience: p.Client, IssuedAt: now.Unix(), ExpiresAt: expires.Unix(),
		AuthTime: p.AuthTime.Unix(), Nonce: p.Nonce, ACR: p.ACR, AMR: p.AMR, Session: string(p.Session),
	}
	alg := p.Alg
	if alg == "" {
		alg = jose.EdDSA
	}
	if p.AccessToken != "" {
		c.AccessHash = jose.HalfHash(alg, p.AccessToken)
	}
	if p.Code != "" {
		c.CodeHash = jose.HalfHash(alg, p.Code)
	}
	if len(p.Person) == 0 {
		return c, nil
	}
	for name := range p.Person {
		if !jose.AboutPerson(name) {
			return nil, fmt.Errorf("the claim %q says nothing about a person", name)
		}
	}
	person, err := json.Marshal(p.Person)
	if err != nil {
		return nil, err
	}
	return appended(c, person)
}

// withCustom puts custom claims behind ours. A reserved name is left out, whoever set it: it was
// refused when it was set, or became reserved later (JWT-16).
func withCustom(ours any, custom []json.RawMessage) (any, error) {
	all, size := map[string]json.RawMessage{}, 0
	for _, object := range custom {
		if len(object) == 0 {
			continue
		}
		var members map[string]json.RawMessage
		if size += len(object); size > MaxCustomClaims {
			return nil, fmt.Errorf("the custom claims have more than %d bytes", MaxCustomClaims)
		}
		if err := strictjson.Unmarshal(object, &members); err != nil {
			return nil, fmt.Errorf("custom claims: %w", err)
		}
		maps.DeleteFunc(members, func(name string, _ json.RawMessage) bool { return jose.Reserved(name) })
		for name := range members { // a later claim replaces one that differs in case only
			maps.DeleteFunc(all, func(have string, _ json.RawMessage) bool { return strings.EqualFold(have, name) })
		}
		maps.Copy(all, members)
	}
	if len(all) == 0 {
		return ours, nil
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return appended(ours, text)
}

// appended is the object of ours with the members of another, not empty, object behind.
func appended(ours any, more []byte) (json.RawMessage, error) {
	text, err := json.Marshal(ours)
	if err != nil {
		return nil, err
	}
	return append(append(text[:len(text)-1], ','), more[1:]...), nil
}
