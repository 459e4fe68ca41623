package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/client/internal/strict"
)

// JWT is a token taken apart.
type JWT struct {
	Header, Claims json.RawMessage
	Algorithm      string
	KeyID          string
	Type           string // typ, or empty

	signed    string
	signature []byte
}

// Decode takes a compact JWS apart. Nothing is verified: use KeySet.Verify before anything is believed.
func Decode(token string) (JWT, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return JWT{}, errors.New("oauth: no signed token of three parts: it is opaque, or encrypted")
	}
	j := JWT{signed: parts[0] + "." + parts[1]}
	var err error
	for i, into := range []*[]byte{(*[]byte)(&j.Header), (*[]byte)(&j.Claims), &j.signature} {
		if *into, err = strict.Segment(parts[i]); err != nil {
			return JWT{}, fmt.Errorf("oauth: a part of the token is %w", err)
		}
	}
	members, err := strict.Object(j.Header)
	if err != nil {
		return JWT{}, fmt.Errorf("oauth: the token's header: %w", err)
	}
	for _, m := range members {
		switch m.Name {
		case "alg":
			j.Algorithm, err = strict.String(m.Value)
		case "kid":
			j.KeyID, err = strict.String(m.Value)
		case "typ":
			j.Type, err = strict.String(m.Value)
		case "crit", "b64":
			err = errors.New("an extension that is not known here")
		}
		if err != nil {
			return JWT{}, fmt.Errorf("oauth: the token's header: %w", err)
		}
	}
	if _, err := strict.Object(j.Claims); err != nil {
		return JWT{}, fmt.Errorf("oauth: the token's claims: %w", err)
	}
	return j, nil
}

// KeySet is a server's public keys.
type KeySet struct{ keys []*strict.Key }

// Keys fetches the server's key set.
func (c *Client) Keys(ctx context.Context) (KeySet, error) {
	if c.Server.KeySet == "" {
		return KeySet{}, errors.New("oauth: the server has no jwks_uri")
	}
	var body struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := getJSON(ctx, c.HTTP, c.Server.KeySet, &body); err != nil {
		return KeySet{}, err
	}
	var s KeySet
	for _, text := range body.Keys {
		if key, err := strict.ReadKey(text); err == nil && (key.Use == "" || key.Use == "sig") {
			s.keys = append(s.keys, key)
		}
	}
	if len(s.keys) == 0 {
		return KeySet{}, errors.New("oauth: the server's key set has no key that can be used here")
	}
	return s, nil
}

// Verify takes a token apart whose signature one of the keys has made.
func (s KeySet) Verify(token string) (JWT, error) {
	j, err := Decode(token)
	if err != nil {
		return JWT{}, err
	}
	for _, key := range s.keys {
		if key.ID == j.KeyID && key.Verify(j.Algorithm, []byte(j.signed), j.signature) {
			return j, nil
		}
	}
	return JWT{}, errors.New("oauth: the token's signature is by none of the server's keys")
}

const leeway = time.Minute // for clocks that differ

// CheckIDToken verifies an ID token that this client was given (OpenID Connect Core section 3.1.3.7). nonce is that of
// the request, empty where there was none.
func (c *Client) CheckIDToken(ctx context.Context, token, nonce string) error {
	keys, err := c.Keys(ctx)
	if err != nil {
		return err
	}
	j, err := keys.Verify(token)
	if err != nil {
		return err
	}
	return c.checkClaims(j, nonce, time.Now())
}

func (c *Client) checkClaims(j JWT, nonce string, now time.Time) error {
	var said struct {
		Issuer   string   `json:"iss"`
		Subject  string   `json:"sub"`
		Audience audience `json:"aud"`
		Party    string   `json:"azp"`
		Expires  float64  `json:"exp"`
		Issued   float64  `json:"iat"`
		Nonce    string   `json:"nonce"`
	}
	if err := json.Unmarshal(j.Claims, &said); err != nil {
		return fmt.Errorf("oauth: the ID token's claims: %w", err)
	}
	switch {
	case j.Type != "" && !strings.EqualFold(j.Type, "JWT"):
		return errors.New("oauth: the ID token is a token of another type")
	case said.Issuer != c.Server.Issuer:
		return errors.New("oauth: the ID token is of another issuer")
	case said.Subject == "":
		return errors.New("oauth: the ID token names nobody")
	case !slices.Contains(said.Audience, c.ID):
		return errors.New("oauth: the ID token is for another client")
	case len(said.Audience) > 1 && said.Party != c.ID:
		return errors.New("oauth: the ID token is for several clients, and this one did not ask for it")
	case nonce != "" && said.Nonce != nonce:
		return errors.New("oauth: the ID token's nonce is not the request's: it belongs to another request")
	case !now.Add(-leeway).Before(time.Unix(int64(said.Expires), 0)):
		return errors.New("oauth: the ID token has expired; is this machine's clock right?")
	case time.Unix(int64(said.Issued), 0).After(now.Add(leeway)):
		return errors.New("oauth: the ID token was issued in the future; is this machine's clock right?")
	}
	return nil
}

// audience is one string or several (RFC 7519 section 4.1.3).
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(a))
}
