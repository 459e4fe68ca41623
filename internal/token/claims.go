package token

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
)

// Params is what the tokens of one person in one application are made from. AMR and AuthTime
// come from the session's evidence at this moment (I-9).
type Params struct {
	At          time.Time // the token's iat: when the facts below were read
	Account     ident.AccountID
	User        ident.UserID
	Session     ident.SessionID
	Application ident.ApplicationID
	Connection  ident.ConnectionID
	Audiences   []string      // besides the account itself
	Scopes      []string      // besides DefaultScope
	MaxLife     time.Duration // bounds the tokens' life besides the account's; 0 for no bound
	AuthTime    time.Time
	AMR         []string
	Nonce       string // of an OpenID Connect request, or empty
	Profile     Profile
	// Custom claims of the access token and of the ID token: the JSON of an object, or empty.
	AccessClaims, IDClaims json.RawMessage
}

// Profile is what an ID token tells about the person. Members that are empty are left out.
type Profile struct {
	Name          string
	Email         string
	EmailVerified bool
	Picture       string
	Locale        string
}

// DefaultScope is in every token of a person.
const DefaultScope = "openid profile email"

// accessClaims are an access token's, in the shape that the SDKs read (RFC 9068 section 2.2,
// with azp for the connection and client_id for the application). How the person signed in
// is the ID token's to tell.
type accessClaims struct {
	Issuer      string   `json:"iss"`
	Subject     string   `json:"sub"`
	Audience    []string `json:"aud"`
	IssuedAt    int64    `json:"iat"`
	ExpiresAt   int64    `json:"exp"`
	ID          string   `json:"jti"`
	Scope       string   `json:"scope"`
	Connection  string   `json:"azp"`
	Application string   `json:"client_id"`
	Session     string   `json:"sid"`
}

// idClaims are an ID token's (OpenID Connect Core section 2).
type idClaims struct {
	Issuer        string   `json:"iss"`
	Subject       string   `json:"sub"`
	Audience      string   `json:"aud"`
	IssuedAt      int64    `json:"iat"`
	ExpiresAt     int64    `json:"exp"`
	AuthTime      int64    `json:"auth_time"`
	AMR           []string `json:"amr"`
	Session       string   `json:"sid"`
	Nonce         string   `json:"nonce,omitempty"`
	Scope         string   `json:"scope"`
	Name          string   `json:"name,omitempty"`
	Email         string   `json:"email,omitempty"`
	EmailVerified *bool    `json:"email_verified,omitempty"`
	Picture       string   `json:"picture,omitempty"`
	Locale        string   `json:"locale,omitempty"`
}

func (p Params) access(issuer string, now, expires time.Time, id string) accessClaims {
	return accessClaims{
		Issuer: issuer, Subject: string(p.User), Audience: unique(append([]string{string(p.Account)}, p.Audiences...)),
		IssuedAt: now.Unix(), ExpiresAt: expires.Unix(), ID: id, Scope: p.scope(),
		Connection: string(p.Connection), Application: string(p.Application), Session: string(p.Session),
	}
}

func (p Params) id(issuer string, now, expires time.Time) idClaims {
	c := idClaims{
		Issuer: issuer, Subject: string(p.User), Audience: string(p.Application), IssuedAt: now.Unix(), ExpiresAt: expires.Unix(),
		AuthTime: p.AuthTime.Unix(), AMR: p.AMR, Session: string(p.Session), Nonce: p.Nonce, Scope: p.scope(),
		Name: p.Profile.Name, Email: p.Profile.Email, Picture: p.Profile.Picture, Locale: p.Profile.Locale,
	}
	if c.Email != "" {
		c.EmailVerified = &p.Profile.EmailVerified
	}
	return c
}

func (p Params) scope() string {
	return strings.Join(unique(append(strings.Fields(DefaultScope), p.Scopes...)), " ")
}

func unique(list []string) []string {
	seen := make(map[string]bool, len(list))
	out := list[:0:0]
	for _, v := range list {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}

// merged are claims of ours with custom ones behind. A custom claim that Admit or a standard
// gives a meaning to is an error: nothing may be said in Admit's name that Admit does not say.
func merged(ours any, custom json.RawMessage) (any, error) {
	if len(custom) == 0 {
		return ours, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(custom, &members); err != nil {
		return nil, fmt.Errorf("custom claims: %w", err)
	}
	for name := range members {
		if jose.Reserved(name) {
			return nil, fmt.Errorf("the custom claim %q is reserved", name)
		}
	}
	if len(members) == 0 {
		return ours, nil
	}
	text, err := json.Marshal(ours)
	if err != nil {
		return nil, err
	}
	head := bytes.TrimSuffix(text, []byte("}"))
	tail := bytes.TrimPrefix(bytes.TrimSpace(custom), []byte("{"))
	return json.RawMessage(append(append(head, ','), tail...)), nil
}
