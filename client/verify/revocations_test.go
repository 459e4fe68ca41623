package verify

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// teller is an issuer that tells whatever a test wants.
func teller(t *testing.T) (issuer string, tell func(typ, claims string, forge bool) (text string)) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	body := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == AllKeysPath || r.URL.Path == KeySetPath {
			fmt.Fprintf(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","alg":"EdDSA","use":"sig","x":%q}]}`, b64(public))
			return
		}
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL, func(typ, claims string, forge bool) string {
		signed := b64([]byte(`{"alg":"EdDSA","kid":"k","typ":"`+typ+`"}`)) + "." + b64([]byte(claims))
		key := private
		if forge {
			key = other
		}
		body = signed + "." + b64(ed25519.Sign(key, []byte(signed)))
		return body
	}
}

func TestRevocations(t *testing.T) {
	issuer, tell := teller(t)
	r, err := NewRevocations(issuer, nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	r.now = func() time.Time { return now }
	claims := func(since, cursor string, issued time.Time, ended string) string {
		return fmt.Sprintf(`{"iss":%q,"sub":"revocations","aud":"revocations","iat":%d,"exp":%d,"since":%q,"cursor":%q,"ended":[%s]}`,
			issuer, issued.Unix(), issued.Unix()+60, since, cursor, ended)
	}
	alive := Claims{Issuer: issuer, Subject: "ann", SessionID: "ses_1", TokenID: "jti_1", GrantID: "gra_1", ClientID: "app_1", IssuedAt: now, KeyID: "key_1"}
	if err := r.Check(alive); !errors.Is(err, ErrRevocationsUnavailable) {
		t.Errorf("nothing was heard: %v", err)
	}
	told := func(kind, name string, at time.Time) string {
		return fmt.Sprintf(`{"k":%q,"h":%q,"at":%d,"until":%d}`, kind, r.hash(kind, name), at.Unix(), at.Add(24*time.Hour).Unix())
	}
	for name, c := range map[string]struct {
		typ, claims string
		forge       bool
	}{
		"another type":                {"at+jwt", claims("", "1", now, ""), false},
		"another key":                 {typeRevocations, claims("", "1", now, ""), true},
		"an answer to another":        {typeRevocations, claims("0", "1", now, ""), false},
		"another issuer's":            {typeRevocations, `{"iss":"https://x.test","since":"","cursor":"1","iat":1,"ended":[]}`, false},
		"a member twice":              {typeRevocations, `{"iss":"x","iss":"` + issuer + `","since":"","cursor":"1","iat":1,"ended":[]}`, false},
		"an ending of another format": {typeRevocations, claims("", "1", now, `{"k":1}`), false},
	} {
		tell(c.typ, c.claims, c.forge)
		if err := r.Follow(t.Context()); err == nil || r.cursor != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	tell(typeRevocations, claims("", "1", now, told("sid", "ses_2", now)), false)
	if err := r.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Check(alive); err != nil {
		t.Fatal(err)
	}
	for name, dead := range map[string]Claims{
		"session": {Subject: "ann", SessionID: "ses_2", IssuedAt: now.Add(time.Hour)},
	} {
		if err := r.Check(dead); !errors.Is(err, ErrRevoked) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for kind, name := range map[string]string{"kid": "key_1", "sid": "ses_1", "sub": "ann", "jti": "ann jti_1", "gid": "jti_1", "client": "app_1 ses_1"} {
		one := &Revocations{issuer: issuer, now: r.now, heard: now, ended: map[string]ending{}}
		one.ended[kind+" "+one.hash(kind, name)] = ending{at: now.Unix(), until: now.Unix() + 60}
		if err := one.Check(alive); !errors.Is(err, ErrRevoked) {
			t.Errorf("%s: %v", kind, err)
		}
		later := alive
		later.IssuedAt = now.Add(time.Second)
		if err := one.Check(later); (kind == "sub" || kind == "client") != (err == nil) {
			t.Errorf("%s, issued later: %v", kind, err)
		}
	}
	// Old knowledge refuses, whatever the clock of the answer's arrival says.
	now = now.Add(DefaultStaleness + time.Second)
	if err := r.Check(alive); !errors.Is(err, ErrRevocationsUnavailable) {
		t.Errorf("stale: %v", err)
	}
	tell(typeRevocations, claims("1", "1", now.Add(-time.Hour), ""), false)
	if err := r.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Check(alive); !errors.Is(err, ErrRevocationsUnavailable) {
		t.Errorf("an old answer counts as new: %v", err)
	}
	r.FailOpen = true
	if err := r.Check(alive); err != nil {
		t.Errorf("fail open: %v", err)
	}
}

// A key that the issuer has withdrawn verifies nothing any more, the next answers included, although it is
// in memory, or in the settings, of whoever verifies.
func TestWithdrawnKeys(t *testing.T) {
	issuer, tell := teller(t)
	r, err := NewRevocations(issuer, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := New(Config{Issuer: issuer, Audience: "acc_a", Revocations: r})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Unix()
	list := func(since, cursor, ended string) string {
		return fmt.Sprintf(`{"iss":%q,"sub":"revocations","aud":"revocations","iat":%d,"exp":%d,"since":%q,"cursor":%q,"ended":[%s]}`, issuer, now, now+60, since, cursor, ended)
	}
	token := tell(TypeAccessToken, fmt.Sprintf(`{"iss":%q,"sub":"ann","aud":"acc_a","iat":%d,"exp":%d}`, issuer, now+5, now+1<<30), false)
	tell(typeRevocations, list("", "1", ""), false)
	if err := r.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c, err := v.Verify(t.Context(), token); err != nil || c.KeyID != "k" {
		t.Fatalf("%+v %v", c, err)
	}
	tell(typeRevocations, list("1", "2", fmt.Sprintf(`{"k":"kid","h":%q,"at":%d,"until":%d}`, r.hash("kid", "k"), now-3600, now+1<<31)), false)
	if err := r.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), token); !errors.Is(err, ErrRevoked) {
		t.Errorf("a token by a withdrawn key: %v", err)
	}
	tell(typeRevocations, list("2", "3", ""), false)
	if err := r.Follow(t.Context()); !errors.Is(err, ErrRevocationsUnavailable) || r.cursor != "2" {
		t.Errorf("an answer by a withdrawn key: %v", err)
	}
	r.FailOpen = true
	if _, err := v.Verify(t.Context(), token); !errors.Is(err, ErrRevoked) {
		t.Errorf("fail open: %v", err)
	}
}
