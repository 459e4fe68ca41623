package oidc_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/connectiontest"
	"github.com/admit-id/admit/internal/kit/fault"
)

// OIU-05: what the user-info endpoint says must be about the person of the ID token, and a
// token must be the one that the ID token was issued with.
func TestOIU05_Substitution(t *testing.T) {
	noEmail := func(tr *trip) { tr.Claims = func(c map[string]any) { delete(c, "email"); delete(c, "email_verified") } }
	for name, spoil := range map[string]func(*trip){
		"another sub":       func(tr *trip) { noEmail(tr); tr.Userinfo = func(u map[string]any) { u["sub"] = "person-2" } },
		"no sub":            func(tr *trip) { noEmail(tr); tr.Userinfo = func(u map[string]any) { delete(u, "sub") } },
		"sub in other case": func(tr *trip) { noEmail(tr); tr.Userinfo = func(u map[string]any) { u["sub"] = "PERSON-1" } },
		"sub with a space":  func(tr *trip) { noEmail(tr); tr.Userinfo = func(u map[string]any) { u["sub"] = "person-1 " } },
		"sub as a list":     func(tr *trip) { noEmail(tr); tr.Userinfo = func(u map[string]any) { u["sub"] = []string{"person-1"} } },
		"signed user-info": func(tr *trip) {
			noEmail(tr)
			tr.Handle[connectiontest.PathUserinfo] = text("application/jwt", "e30.e30.AA")
		},
		"HTML": func(tr *trip) { noEmail(tr); tr.Handle[connectiontest.PathUserinfo] = text("text/html", "<html>") },
		"another's token": func(tr *trip) {
			noEmail(tr)
			tr.Token = func(a map[string]any) { a["access_token"] = "of somebody else" }
		},
		"no token type":      func(tr *trip) { tr.Token = func(a map[string]any) { delete(a, "token_type") } },
		"other token type":   func(tr *trip) { tr.Token = func(a map[string]any) { a["token_type"] = "DPoP" } },
		"no access token":    func(tr *trip) { tr.Token = func(a map[string]any) { delete(a, "access_token") } },
		"error and a token":  func(tr *trip) { tr.Token = func(a map[string]any) { a["error"] = "access_denied" } },
		"token page is HTML": func(tr *trip) { tr.Handle[connectiontest.PathToken] = text("text/html", "<html>") },
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrip(t)
			spoil(tr)
			tr.refused(t)
		})
	}
	tr := newTrip(t)
	noEmail(tr)
	tr.Userinfo = func(u map[string]any) { u["email"] = "from.userinfo@example.com" }
	if id, err := tr.run(t); err != nil || id.Email != "from.userinfo@example.com" {
		t.Errorf("honest user-info: %+v, %v", id, err)
	}
}

func text(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		fmt.Fprint(w, body)
	}
}

// A wrong client secret is the administrator's to mend, not the person's.
func TestWrongSecretIsUnusable(t *testing.T) {
	tr := newTrip(t)
	b := tr.start(t)
	tr.ClientSecret = "changed"
	_, err := tr.upstream.Finish(t.Context(), tr.connection, b, tr.leg)
	if !fault.Is(err, fault.Unprocessable) || strings.Contains(err.Error(), "s3cret") {
		t.Error(err)
	}
}

func TestClientAuthentication(t *testing.T) {
	for _, methods := range [][]string{nil, {"client_secret_basic"}, {"client_secret_post"}, {"client_secret_post", "client_secret_basic"}} {
		tr := newTrip(t)
		tr.Discovery = func(d map[string]any) {
			if methods != nil {
				d["token_endpoint_auth_methods_supported"] = methods
			}
		}
		if _, err := tr.run(t); err != nil {
			t.Errorf("%v: %v", methods, err)
		}
	}
}

// OIU-06: whatever hangs, drips or swells, the person gets an answer in bounded time.
func TestOIU06_HugeAndHangingUpstreams(t *testing.T) {
	huge := func(w http.ResponseWriter, _ *http.Request) {
		for block := []byte(strings.Repeat(" ", 64<<10)); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
	redirect := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }
	squeezed := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write([]byte{0x1f, 0x8b})
	}
	reset := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, handler := range map[string]http.HandlerFunc{"huge": huge, "redirect": redirect, "gzip": squeezed, "reset": reset} {
		for _, path := range []string{connectiontest.PathDiscovery, connectiontest.PathKeys, connectiontest.PathToken, connectiontest.PathUserinfo} {
			t.Run(name+path, func(t *testing.T) {
				tr := newTrip(t)
				tr.Claims = func(c map[string]any) { delete(c, "email") }
				tr.Handle[path] = handler
				began := time.Now()
				u, err := tr.upstream.AuthorizeURL(t.Context(), tr.connection, tr.leg)
				if err == nil {
					_, err = tr.upstream.Finish(t.Context(), tr.connection, tr.Authorize(t, u), tr.leg)
				}
				if !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.Unauthenticated) {
					t.Error(err)
				}
				if d := time.Since(began); d > time.Minute {
					t.Errorf("it took %v", d)
				}
				if name == "redirect" && tr.Count(path) > 2 {
					t.Errorf("%d requests", tr.Count(path))
				}
			})
		}
	}
}

// OIU-07: random key ids, failing key sets and rotation.
func TestOIU07_KeySetIsAskedSeldom(t *testing.T) {
	tr := newTrip(t)
	if _, err := tr.run(t); err != nil {
		t.Fatal(err)
	}
	n := 0
	tr.Header = func(h map[string]any) { n++; h["kid"] = fmt.Sprint("random", n) }
	for range 200 {
		tr.refused(t)
		tr.clock.Advance(250 * time.Millisecond) // 50 s
	}
	if got := tr.Count(connectiontest.PathKeys); got > 2 {
		t.Errorf("the key set was asked for %d times within a minute", got)
	}
	tr.Header = nil

	tr.Handle[connectiontest.PathKeys] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }
	for range 20 {
		tr.clock.Advance(10 * time.Minute)
		if _, err := tr.run(t); err != nil {
			t.Errorf("old keys do not serve while the key set fails: %v", err)
		}
	}
	delete(tr.Handle, connectiontest.PathKeys)

	tr.clock.Advance(time.Minute)
	tr.Change(func() { tr.Keys = []connectiontest.Key{connectiontest.NewKey(t, "k2", "EdDSA")} })
	if _, err := tr.run(t); err != nil {
		t.Errorf("a new key was not picked up: %v", err)
	}
	tr.Change(func() { tr.Keys = []connectiontest.Key{connectiontest.NewKey(t, "k3", "RS256")} })
	tr.clock.Advance(61 * time.Second)
	if _, err := tr.run(t); err != nil {
		t.Errorf("a new key was not picked up within a minute: %v", err)
	}
	tr.Handle[connectiontest.PathKeys] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }
	tr.clock.Advance(25 * time.Hour)
	if _, err := tr.run(t); !fault.Is(err, fault.Unavailable) {
		t.Errorf("keys of yesterday still serve: %v", err)
	}
}

func TestOneFetchForManyPeople(t *testing.T) {
	tr := newTrip(t)
	tr.Handle[connectiontest.PathDiscovery] = nil
	var wait sync.WaitGroup
	for range 30 {
		wait.Go(func() {
			if _, err := tr.upstream.AuthorizeURL(t.Context(), tr.connection, tr.leg); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := tr.Count(connectiontest.PathDiscovery); got > 2 {
		t.Errorf("%d fetches", got)
	}
}

const (
	home    = "11111111-1111-4111-8111-111111111111"
	foreign = "22222222-2222-4222-8222-222222222222"
)

func manyDirectories(allowed ...string) func(*connection.Input) {
	return func(in *connection.Input) {
		in.IssuerURL += "/{tenantid}/v2.0"
		in.Directories = allowed
	}
}

func (tr *trip) serveDirectories() {
	tr.Handle["/common/v2.0"+connectiontest.PathDiscovery] = func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":"%[1]s/{tenantid}/v2.0","authorization_endpoint":"%[1]s/authorize","token_endpoint":"%[1]s/token",
			"jwks_uri":"%[1]s/keys","id_token_signing_alg_values_supported":["ES256"]}`, tr.URL)
	}
}

// OIU-10: the issuer is a template; the directory must match it and be allowed, and nobody
// vouches for an address.
func TestOIU10_ManyDirectories(t *testing.T) {
	for name, c := range map[string]struct {
		allowed []string
		tid     any
		iss     string
		good    bool
	}{
		"allowed":             {[]string{home}, home, home, true},
		"any":                 {[]string{"*"}, foreign, foreign, true},
		"foreign":             {[]string{home}, foreign, foreign, false},
		"tid lies":            {[]string{home}, home, foreign, false},
		"iss lies":            {[]string{home}, foreign, home, false},
		"no tid":              {[]string{home}, nil, home, false},
		"no tid, any":         {[]string{"*"}, nil, home, false},
		"template as tid":     {[]string{"*"}, "{tenantid}", "{tenantid}", false},
		"path as tid":         {[]string{"*"}, "a/../" + home, "a/../" + home, false},
		"tid in capitals":     {[]string{home}, strings.ToUpper("aaaaaaaa") + home[8:], home, false},
		"common is no tenant": {[]string{"*"}, "common", "common", false},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrip(t, manyDirectories(c.allowed...))
			tr.serveDirectories()
			tr.Claims = func(claims map[string]any) {
				claims["iss"] = tr.URL + "/" + c.iss + "/v2.0"
				if claims["tid"] = c.tid; c.tid == nil {
					delete(claims, "tid")
				}
			}
			if !c.good {
				tr.refused(t)
				return
			}
			id, err := tr.run(t)
			if err != nil || id.Issuer != tr.URL+"/"+c.iss+"/v2.0" || id.EmailVerified {
				t.Errorf("%+v, %v", id, err)
			}
		})
	}
}

// A key that the provider keeps for one directory must not sign for another.
func TestOIU10_KeyOfAnotherDirectory(t *testing.T) {
	for directory, good := range map[string]bool{home: true, foreign: false, "{tenantid}": true} {
		tr := newTrip(t, manyDirectories(home))
		tr.serveDirectories()
		tr.Claims = func(claims map[string]any) { claims["iss"], claims["tid"] = tr.URL+"/"+home+"/v2.0", home }
		tr.KeySet = func(set map[string]any) {
			set["keys"].([]map[string]any)[0]["issuer"] = tr.URL + "/" + directory + "/v2.0"
		}
		if _, err := tr.run(t); (err == nil) != good {
			t.Errorf("%s: %v", directory, err)
		}
	}
}

// Keys that must not verify anything.
func TestKeysThatAreLeftOut(t *testing.T) {
	for name, spoil := range map[string]func(map[string]any){
		"for encryption": func(k map[string]any) { k["use"] = "enc" },
		"use not text":   func(k map[string]any) { k["use"] = 1 },
		"private":        func(k map[string]any) { k["d"] = "AA" },
		"other alg":      func(k map[string]any) { k["alg"] = "ES384" },
		"symmetric":      func(k map[string]any) { k["kty"], k["k"] = "oct", "AA" },
		"off the curve":  func(k map[string]any) { k["x"] = k["y"] },
		"no kid":         func(k map[string]any) { delete(k, "kid") },
	} {
		tr := newTrip(t)
		tr.KeySet = func(set map[string]any) { spoil(set["keys"].([]map[string]any)[0]) }
		t.Run(name, tr.refused)
	}
	tr := newTrip(t)
	tr.Change(func() { tr.Keys = append(slices.Clone(tr.Keys), connectiontest.NewKey(t, "k1", "ES256")) })
	t.Run("two with one kid", tr.refused)
	tr = newTrip(t)
	tr.Change(func() { tr.Keys = append(slices.Clone(tr.Keys), connectiontest.NewKey(t, "k2", "ES256")) })
	tr.Header = func(h map[string]any) { delete(h, "kid") }
	t.Run("no kid among several keys", tr.refused)
	tr = newTrip(t)
	tr.Header = func(h map[string]any) { delete(h, "kid") }
	if _, err := tr.run(t); err != nil {
		t.Errorf("no kid and a single key: %v", err)
	}
}

// I-6: "verified" is the JSON value true, from a provider that is authoritative for the domain.
func TestVerifiedAddresses(t *testing.T) {
	for name, c := range map[string]struct {
		domains  []string
		email    any
		verified any
		want     string
		good     bool
	}{
		"authoritative":        {[]string{"example.com"}, "ada@example.com", true, "ada@example.com", true},
		"domain in capitals":   {[]string{"example.com"}, "ada@EXAMPLE.com", true, "ada@EXAMPLE.com", true},
		"not authoritative":    {nil, "ada@example.com", true, "ada@example.com", false},
		"another domain":       {[]string{"example.org"}, "ada@example.com", true, "ada@example.com", false},
		"subdomain":            {[]string{"example.com"}, "ada@x.example.com", true, "ada@x.example.com", false},
		"verified as text":     {[]string{"example.com"}, "ada@example.com", "true", "ada@example.com", false},
		"verified as a number": {[]string{"example.com"}, "ada@example.com", 1, "ada@example.com", false},
		"verified false":       {[]string{"example.com"}, "ada@example.com", false, "ada@example.com", false},
		"verified missing":     {[]string{"example.com"}, "ada@example.com", nil, "ada@example.com", false},
		"two at signs":         {[]string{"example.com"}, "ada@evil.org@example.com", true, "", false},
		"quoted":               {[]string{"example.com"}, `"ada@evil.org"@example.com`, true, "", false},
		"with a name":          {[]string{"example.com"}, "Ada <ada@example.com>", true, "", false},
		"line break":           {[]string{"example.com"}, "ada@example.com\r\nBcc: x@evil.org", true, "", false},
		"a list":               {[]string{"example.com"}, []string{"ada@example.com"}, true, "", false},
		"a full stop":          {[]string{"example.com"}, "ada@example.com.", true, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			tr := newTrip(t, func(in *connection.Input) { in.EmailDomains = c.domains })
			tr.Claims = func(claims map[string]any) {
				claims["email"], claims["email_verified"] = c.email, c.verified
				if c.verified == nil {
					delete(claims, "email_verified")
				}
			}
			id, err := tr.run(t)
			if err != nil || id.Email != c.want || id.EmailVerified != c.good {
				t.Errorf("%+v, %v", id, err)
			}
		})
	}
}

// The address and what is said about it must come from the same document.
func TestVerifiedIsNeverMixed(t *testing.T) {
	tr := newTrip(t, func(in *connection.Input) {
		in.EmailDomains = []string{"example.com"}
		in.UserEndpointURL = in.IssuerURL + connectiontest.PathUserinfo
	})
	tr.Claims = func(c map[string]any) { delete(c, "email_verified") }
	tr.Userinfo = func(u map[string]any) { u["email"], u["email_verified"] = "other@example.com", true }
	if id, err := tr.run(t); err != nil || id.Email != "ada@example.com" || id.EmailVerified {
		t.Errorf("%+v, %v", id, err)
	}
}
