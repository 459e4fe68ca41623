package dpop_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	proof "github.com/admit-id/admit/client/dpop"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/dpop"
	"github.com/admit-id/admit/internal/oauth/dpop/dpopdb"
	"github.com/admit-id/admit/internal/oauth/dpop/dpoptest"
)

const endpoint = "https://login.example.test/oauth/token"

type world struct {
	*dpop.Service
	clk *clock.Fake
}

func open(t *testing.T, requireNonce bool) world {
	t.Helper()
	db, clk := sqldbtest.SQLite(t, dpopdb.Migrations(), nil)
	clk.Advance(clock.NewSystem().Now().Sub(clk.Now()))
	keys, err := crypt.NewKeys(bytes.Repeat([]byte{1}, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return world{dpop.New(dpop.Deps{DB: db, Store: dpopdb.Store{}, Keys: keys, Clock: clk, RequireNonce: requireNonce}), clk}
}

func request(t *testing.T, key, token, nonce string) dpop.Request {
	t.Helper()
	made, err := proof.Proof(dpoptest.Key(key), "POST", endpoint, token, nonce)
	if err != nil {
		t.Fatal(err)
	}
	return dpop.Request{Headers: []string{made}, Method: "POST", URL: endpoint}
}

func jkt(t *testing.T, key string) string {
	t.Helper()
	got, err := proof.Thumbprint(dpoptest.Key(key).Public())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// A binding cannot be dropped or changed (DPO-03).
func TestCheck(t *testing.T) {
	w, ctx := open(t, false), context.Background()
	a := jkt(t, "a")
	none := dpop.Request{Method: "POST", URL: endpoint}
	other := request(t, "a", "", "")
	other.URL = "https://login.example.test/oauth/par"
	replayed := request(t, "a", "", "")
	if _, err := w.Check(ctx, "acc_a", replayed, dpop.Want{}); err != nil {
		t.Fatal(err)
	}
	twice := request(t, "a", "", "")
	twice.Headers = append(twice.Headers, twice.Headers[0])
	for name, c := range map[string]struct {
		r    dpop.Request
		want dpop.Want
		jkt  string
		code oauth.Code
	}{
		"good":                         {request(t, "a", "", ""), dpop.Want{Required: true}, a, ""},
		"of the bound key":             {request(t, "a", "", ""), dpop.Want{JKT: a}, a, ""},
		"of another key":               {request(t, "b", "", ""), dpop.Want{JKT: a}, "", oauth.InvalidDPoPProof},
		"none, none needed":            {none, dpop.Want{}, "", ""},
		"none, one needed":             {none, dpop.Want{Required: true}, "", oauth.InvalidDPoPProof},
		"none, bound":                  {none, dpop.Want{JKT: a}, "", oauth.InvalidDPoPProof},
		"for another endpoint":         {other, dpop.Want{}, "", oauth.InvalidDPoPProof},
		"used before":                  {replayed, dpop.Want{}, "", oauth.InvalidDPoPProof},
		"two headers":                  {twice, dpop.Want{}, "", oauth.InvalidDPoPProof},
		"a nonce that nobody gave":     {request(t, "a", "", "x"), dpop.Want{}, "", oauth.UseDPoPNonce},
		"a nonce of the API":           {request(t, "a", "", w.Nonce("acc_a", dpop.ForAPI)), dpop.Want{}, "", oauth.UseDPoPNonce},
		"a nonce of another account":   {request(t, "a", "", w.Nonce("acc_b", dpop.ForServer)), dpop.Want{}, "", oauth.UseDPoPNonce},
		"a good nonce, though no need": {request(t, "a", "", w.Nonce("acc_a", dpop.ForServer)), dpop.Want{}, a, ""},
	} {
		got, err := w.Check(ctx, "acc_a", c.r, c.want)
		if oauth.CodeOf(err) != c.code || c.code == "" && err != nil || c.code == "" && got != c.jkt {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if e, ok := errors.AsType[*oauth.Error](err); ok {
			for _, b := range []byte(e.Description) {
				if b < 0x20 || b > 0x7e || b == '"' || b == '\\' {
					t.Errorf("%s: description %q", name, e.Description)
				}
			}
		}
	}
	// What was used in one account is another account's own affair.
	if _, err := w.Check(ctx, "acc_b", replayed, dpop.Want{}); err != nil {
		t.Error(err)
	}
}

// Nonces that are demanded (DPO-05).
func TestRequiredNonce(t *testing.T) {
	w, ctx := open(t, true), context.Background()
	check := func(nonce string) oauth.Code {
		_, err := w.Check(ctx, "acc_a", request(t, "a", "", nonce), dpop.Want{Required: true})
		if err != nil && oauth.CodeOf(err) == "" {
			t.Fatal(err)
		}
		return oauth.CodeOf(err)
	}
	nonce := w.Nonce("acc_a", dpop.ForServer)
	if got := check(""); got != oauth.UseDPoPNonce {
		t.Errorf("without: %q", got)
	}
	if got := check(nonce); got != "" {
		t.Errorf("with: %q", got)
	}
	for _, bad := range []string{nonce + "A", nonce[:len(nonce)-1], "B" + nonce[1:], nonce[:8] + "AAAAAAAA" + nonce[16:]} {
		if got := check(bad); got != oauth.UseDPoPNonce {
			t.Errorf("%q: %q", bad, got)
		}
	}
}

// Nonces work on all nodes of one master key, and on none of another.
func TestNoncesOfOtherNodes(t *testing.T) {
	a, b := open(t, true), open(t, true)
	if _, err := b.Check(context.Background(), "acc_a", request(t, "a", "", a.Nonce("acc_a", dpop.ForServer)), dpop.Want{}); err != nil {
		t.Error(err)
	}
	if a.Nonce("acc_a", dpop.ForServer) == a.Nonce("acc_a", dpop.ForAPI) || a.Nonce("acc_a", dpop.ForAPI) == a.Nonce("acc_b", dpop.ForAPI) {
		t.Error("nonces of different things are equal")
	}
}

func TestNonceLife(t *testing.T) {
	for after, want := range map[time.Duration]bool{0: true, dpop.NonceLife - time.Second: true, dpop.NonceLife + 31*time.Second: false, time.Hour: false, -30 * time.Second: true, -2 * time.Minute: false} {
		w := open(t, true)
		nonce := w.Nonce("acc_a", dpop.ForServer)
		w.clk.Advance(after)
		if got := w.Knows("acc_a", dpop.ForServer, nonce); got != want {
			t.Errorf("after %s: %v", after, got)
		}
	}
}

func TestCheckToken(t *testing.T) {
	w := open(t, false)
	a := jkt(t, "a")
	check := func(account ident.AccountID, r dpop.Request, token string) oauth.Code {
		err := w.CheckToken(account, r, a, token)
		if err != nil && oauth.CodeOf(err) == "" {
			t.Fatal(err)
		}
		return oauth.CodeOf(err)
	}
	good := request(t, "a", "token", "")
	for name, got := range map[string]oauth.Code{
		"of another key":     check("acc_a", request(t, "b", "token", ""), "token"),
		"of another token":   check("acc_a", request(t, "a", "other", ""), "token"),
		"of no token":        check("acc_a", request(t, "a", "", ""), "token"),
		"no proof":           check("acc_a", dpop.Request{Method: "POST", URL: endpoint}, "token"),
		"an AS nonce at API": check("acc_a", request(t, "a", "token", w.Nonce("acc_a", dpop.ForServer)), "token"),
	} {
		want := oauth.InvalidDPoPProof
		if name == "an AS nonce at API" {
			want = oauth.UseDPoPNonce
		}
		if got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := check("acc_a", good, "token"); got != "" {
		t.Errorf("good: %q", got)
	}
	if got := check("acc_a", good, "token"); got != oauth.InvalidDPoPProof {
		t.Errorf("again: %q", got)
	}
	if got := check("acc_a", request(t, "a", "token", w.Nonce("acc_a", dpop.ForAPI)), "token"); got != "" {
		t.Errorf("with a nonce: %q", got)
	}
}
