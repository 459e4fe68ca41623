package dev

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestPreview serves the pages with a made-up server behind them, to look at them:
//
//	ADMIT_PREVIEW=localhost:8090 go test -run Preview -timeout 0 ./internal/surface/dev
//
// ADMIT_PREVIEW_ASSETS names the folder of the hosted pages' assets.
func TestPreview(t *testing.T) {
	address := os.Getenv("ADMIT_PREVIEW")
	if address == "" {
		t.Skip("set ADMIT_PREVIEW to an address to look at the pages")
	}
	issuer := "http://" + address
	pages := handler(t, &world{mails: letters}, issuer)
	mux := http.NewServeMux()
	mux.Handle("/try", pages)
	mux.Handle("/dev/", pages)
	mux.Handle("/assets/", http.StripPrefix("/assets/", http.FileServer(http.Dir(os.Getenv("ADMIT_PREVIEW_ASSETS")))))
	mux.HandleFunc("/assets/theme.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		w.Write([]byte(":root{--accent:#4f46e5;--accent-hover:#463eca;--on-accent:#ffffff;--accent-ink:#4f46e5}@media (prefers-color-scheme:dark){:root{--accent-ink:#8480ee}}"))
	})
	standIn(mux, issuer)
	t.Fatal(http.ListenAndServe(address, mux))
}

// standIn answers as the login API and the authorization API do.
func standIn(mux *http.ServeMux, issuer string) {
	public, private, _ := ed25519.GenerateKey(rand.Reader)
	encode := base64.RawURLEncoding.EncodeToString
	send := func(w http.ResponseWriter, v any) { json.NewEncoder(w).Encode(v) }
	sign := func(typ string, claims map[string]any) string {
		now := time.Now().Unix()
		claims["iss"], claims["sub"], claims["iat"], claims["exp"] = issuer, "u_7h2k9mzq4x1c8v5b3n6tg0pwrd", now, now+86400
		head, _ := json.Marshal(map[string]string{"alg": "EdDSA", "kid": "kq3v9", "typ": typ})
		body, _ := json.Marshal(claims)
		text := encode(head) + "." + encode(body)
		return text + "." + encode(ed25519.Sign(private, []byte(text)))
	}
	tokens := func(w http.ResponseWriter, _ *http.Request) {
		send(w, map[string]any{
			"access_token": sign("at+jwt", map[string]any{"aud": []string{"acc_default"}, "azp": "con_email", "client_id": "app_default", "scope": "openid profile email", "sid": "ses_1", "jti": "x"}),
			"id_token":     sign("JWT", map[string]any{"aud": "app_default", "email": "ada@example.com", "email_verified": true, "amr": []string{"email"}}),
			"expires_in":   86400,
		})
	}
	in := false
	mux.HandleFunc("POST /api/authentication", func(w http.ResponseWriter, _ *http.Request) {
		send(w, map[string]string{"authenticationUrl": "http://127.0.0.1:1/login?state=l_1", "authenticationRequestId": "l_1"})
	})
	mux.HandleFunc("GET /login", func(w http.ResponseWriter, r *http.Request) {
		in = true
		http.Redirect(w, r, "/try?nonce=l_1&code=c&iss="+issuer, http.StatusSeeOther)
	})
	mux.HandleFunc("POST /api/authentication/{id}/tokens", tokens)
	mux.HandleFunc("PATCH /api/session", func(w http.ResponseWriter, r *http.Request) {
		if !in {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		tokens(w, r)
	})
	mux.HandleFunc("DELETE /api/session", func(http.ResponseWriter, *http.Request) { in = false })
	keys := func(w http.ResponseWriter, _ *http.Request) {
		send(w, map[string]any{"keys": []map[string]string{{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": "kq3v9", "x": encode(public)}}})
	}
	mux.HandleFunc("GET /.well-known/openid-configuration/jwks", keys)
	mux.HandleFunc("GET /id-keys", keys)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		send(w, map[string]string{"jwks_uri": issuer + "/id-keys"})
	})
	mux.HandleFunc("GET /v1/", func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/documents:write") {
			w.WriteHeader(http.StatusNotFound)
		}
	})
}
