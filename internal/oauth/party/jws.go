package party

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/jwks"
	"github.com/admit-id/admit/internal/kit/strictjson"
)

// MaxJWT is how long a token that a client sends may be, in bytes.
const MaxJWT = 32 << 10

// leeway is how far a client's clock may be from ours.
const leeway = 10 * time.Second

// ignored are the members that a header may have beside alg, kid and typ (I-18). They name a
// certificate and are not looked at.
var ignored = []string{"x5t", "x5t#S256"}

// Claims are what a token says. Values are string, bool, json.Number, nil, map[string]any or []any.
type Claims map[string]any

// compact is a token whose form has been checked and whose signature has not.
type compact struct {
	text          string
	alg, kid, typ string
}

// parse reads the form and the header of a compact JWS. Types are the values of typ that are taken,
// in lower case; "" stands for none.
func parse(text string, algorithms, types []string) (compact, error) {
	t := compact{text: text}
	if text == "" || len(text) > MaxJWT || strings.Count(text, ".") != 2 {
		return t, errors.New("this is no signed JSON Web Token in compact form")
	}
	var header Claims
	for i, part := range strings.Split(text, ".") {
		b, err := decode(part)
		if err != nil {
			return t, err
		}
		if i == 0 {
			if header, err = object(b); err != nil {
				return t, err
			}
		}
	}
	for name, v := range header {
		if _, isText := v.(string); !isText || !slices.Contains(append(ignored, "alg", "kid", "typ"), name) {
			return t, errors.New("the header has a member that is not taken")
		}
	}
	t.alg, t.kid, t.typ = header.Text("alg"), header.Text("kid"), header.Text("typ")
	if t.alg == "Ed25519" { // RFC 9864's name of it
		t.alg = jose.EdDSA
	}
	if !slices.Contains(algorithms, t.alg) {
		return t, errors.New("the algorithm is not one that this client may use")
	}
	typ := strings.TrimPrefix(strings.ToLower(t.typ), "application/")
	if !slices.Contains(types, typ) {
		return t, errors.New("the token is of another type")
	}
	return t, nil
}

// verify returns the claims under the key of a set that the header names.
func (t compact) verify(set *jwks.Set) (Claims, error) {
	key, ok := set.Verifier(t.kid, t.alg)
	if !ok {
		return nil, errNoKey
	}
	return t.verifyWith(key.Public)
}

func (t compact) verifyWith(public any) (Claims, error) {
	_, payload, err := jose.VerifyForeign(t.text, []jose.PublicJWK{{KeyID: t.kid, Key: public}}, jose.Expect{
		Algorithms: []string{t.alg}, Types: []string{t.typ}, Ignore: ignored, MaxBytes: MaxJWT,
	})
	if err != nil {
		return nil, err
	}
	return object(payload)
}

// peek reads claims that nobody has checked.
func (t compact) peek() Claims {
	parts := strings.Split(t.text, ".")
	b, err := decode(parts[1])
	if err != nil {
		return nil
	}
	c, err := object(b)
	if err != nil {
		return nil
	}
	return c
}

// peekIssuer returns what a token that nobody has checked says of its issuer, and "" when it cannot be read.
func peekIssuer(text string) string {
	if len(text) > MaxJWT || strings.Count(text, ".") != 2 {
		return ""
	}
	return compact{text: text}.peek().Text("sub")
}

func decode(part string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil || len(b) == 0 || strings.ContainsAny(part, "\r\n") {
		return nil, errors.New("a part of the token is not base64url")
	}
	return b, nil
}

func object(text []byte) (Claims, error) {
	var c map[string]any
	if err := strictjson.Check(text, &c); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&c); err != nil {
		return nil, err
	}
	return c, nil
}

// Has tells whether there is such a claim, even null.
func (c Claims) Has(name string) bool {
	_, ok := c[name]
	return ok
}

// Text returns a claim that is a string, otherwise "".
func (c Claims) Text(name string) string {
	s, _ := c[name].(string)
	return s
}

// Sole returns a claim that is a string or an array of exactly one.
func (c Claims) Sole(name string) string {
	if list, ok := c[name].([]any); ok && len(list) == 1 {
		s, _ := list[0].(string)
		return s
	}
	return c.Text(name)
}

// Time returns a claim that is a NumericDate (RFC 7519 section 2): decimal seconds without an
// exponent, within the years 1970 to 5138.
func (c Claims) Time(name string) (time.Time, bool) {
	n, ok := c[name].(json.Number)
	if !ok || strings.ContainsAny(string(n), "eE-") {
		return time.Time{}, false
	}
	whole, _, _ := strings.Cut(string(n), ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds > 1e11 {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}

// within checks exp, which must be there, and nbf and iat, which need not. The token must end
// within life from now.
func (c Claims) within(now time.Time, life time.Duration) (expires time.Time, err error) {
	expires, ok := c.Time("exp")
	switch {
	case !ok:
		return expires, errors.New("exp is missing or no number")
	case !now.Before(expires.Add(leeway)):
		return expires, errors.New("the token has expired")
	case expires.After(now.Add(life + leeway)):
		return expires, errors.New("the token lives too long")
	}
	for _, name := range []string{"nbf", "iat"} {
		if !c.Has(name) {
			continue
		}
		if at, ok := c.Time(name); !ok || at.After(now.Add(leeway)) {
			return expires, errors.New(name + " is in the future or no number")
		}
	}
	return expires, nil
}
