package oidc

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/jose"
	"github.com/admit-id/admit/internal/kit/tx"
)

// TestCompleteSet is JWT-15 for the set of all keys.
func TestCompleteSet(t *testing.T) {
	f := start(t)
	by := actor.ForOperator("acc_a")
	err := f.db.Write(t.Context(), tx.In("acc_a"), func(ctx context.Context, x tx.Tx) error {
		return f.service.Provide(ctx, x, by, "id/RS256", "access/ES256", "static/PS256", "static/EdDSA")
	})
	if err != nil {
		t.Fatal(err)
	}
	f.load(t)
	get := func(host string) ([]jose.PublicJWK, string) {
		res := f.do("GET", host, pathKeys)
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK || res.Header.Get("Etag") == "" || res.Header.Get("Cache-Control") != "public, max-age=300" || res.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Fatal(res.Status, res.Header, err)
		}
		var raw struct{ Keys []map[string]string }
		if err := json.Unmarshal(body, &raw); err != nil {
			t.Fatal(err)
		}
		for _, k := range raw.Keys {
			for name := range k {
				if !slices.Contains([]string{"kty", "crv", "x", "y", "n", "e", "alg", "use", "kid"}, name) {
					t.Errorf("a key has the member %s", name)
				}
			}
			if k["alg"] == "" || k["use"] != "sig" || k["kid"] == "" {
				t.Errorf("%v", k)
			}
		}
		keys, err := jose.ParseJWKS(body)
		if err != nil {
			t.Fatal(err)
		}
		return keys, res.Header.Get("Etag")
	}
	keys, tag := get("login.a.example")
	var algs, kids []string
	for _, k := range keys {
		algs, kids = append(algs, k.Algorithm), append(kids, k.KeyID)
	}
	slices.Sort(algs)
	slices.Sort(kids)
	if strings.Join(algs, " ") != "ES256 EdDSA EdDSA EdDSA PS256 RS256" || len(slices.Compact(kids)) != 6 {
		t.Fatal(algs, kids)
	}
	if a, i := f.kids(t, "login.a.example", pathAccessKeys), f.kids(t, "login.a.example", pathIDKeys); len(a) != 1 || len(i) != 1 {
		t.Errorf("the sets of SDKs have other keys than theirs: %v %v", a, i)
	}
	if keys, _ := get("login.b.example"); len(keys) != 2 {
		t.Errorf("another account has %d keys", len(keys))
	}
	if res := f.do("GET", "login.a.example", pathKeys, "If-None-Match", tag); res.StatusCode != http.StatusNotModified {
		t.Error(res.Status)
	}
	rs, err := f.ring.Signer("acc_a", "id/RS256")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.service.Withdraw(t.Context(), by, rs.KID); err != nil {
		t.Fatal(err)
	}
	f.load(t)
	keys, changed := get("login.a.example")
	if changed == tag || slices.ContainsFunc(keys, func(k jose.PublicJWK) bool { return k.KeyID == string(rs.KID) }) || len(keys) != 6 {
		t.Error("a withdrawn key is published")
	}
	if _, err := f.service.Rotate(t.Context(), by, keyring.ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	f.load(t)
	if keys, _ := get("login.a.example"); len(keys) != 7 {
		t.Errorf("%d keys: a new key is published before it signs", len(keys))
	}
	f.clk.Advance(time.Hour + keyring.MaxTokenLife + keyring.Margin)
	if keys, _ := get("login.a.example"); len(keys) != 6 { // by the clock alone
		t.Errorf("%d keys: an old key is published after its last token", len(keys))
	}
}

func BenchmarkCompleteSet(b *testing.B) {
	f := start(b)
	r := httptest.NewRequest("GET", "http://login.a.example"+pathKeys, nil)
	w := httptest.NewRecorder()
	b.ReportAllocs()
	for b.Loop() {
		w.Body.Reset()
		f.handler.ServeHTTP(w, r)
	}
}
