package token

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/jose"
)

// links is a foreign world: what bearers prove, and which links are there.
type links struct {
	proofs map[string]LinkedProof
	err    error
	there  map[string]bool
	asked  int
}

func (l *links) Verify(_ context.Context, _ ident.AccountID, bearer string) (LinkedProof, error) {
	l.asked++
	if p, ok := l.proofs[bearer]; ok {
		return p, l.err
	}
	return LinkedProof{}, ErrNotLinked
}

func (l *links) Linked(_ ident.AccountID, link string) bool { return l.there[link] }

func TestLinkedIssuers(t *testing.T) {
	w := newWorld()
	// A foreign token of any form: one that the strict reader refuses, and one that it reads.
	readable := sign(t, "foreign", jose.TypeAccess, claims{"iss": "https://ci.example", "sub": "x", "aud": "api", "exp": w.clock.Now().Unix() + 60}, nil)
	for _, bearer := range []string{"e30.e30.AA", readable} {
		w := newWorld()
		l := &links{there: map[string]bool{"idn_1": true}, proofs: map[string]LinkedProof{bearer: {
			User: "iss_x|repo:a/b", Link: "idn_1", TokenID: "7a", Issued: w.clock.Now(), Expires: w.clock.Now().Add(time.Hour)}}}
		v := w.verifier(func(d *VerifierDeps) { d.Linked = l })
		expect(t, v, bearer, "user:iss_x|repo:a/b")
		if l.asked != 1 {
			t.Errorf("asked %d times", l.asked)
		}
		w.clock.Advance(linkedLife)
		expect(t, v, bearer, "user:iss_x|repo:a/b")
		if l.asked != 2 {
			t.Error("a withdrawn key of the issuer would never be noticed")
		}
		w.user["iss_x|repo:a/b"] = w.clock.Now()
		expect(t, v, bearer, "refused")
		w.user["iss_x|repo:a/b"] = w.clock.Now().Add(-linkedLife - Leeway)
		expect(t, v, bearer, "refused") // the issuer's clock may be ahead
		w.user["iss_x|repo:a/b"] = w.clock.Now().Add(-linkedLife - Leeway - time.Second)
		expect(t, v, bearer, "user:iss_x|repo:a/b")
		delete(w.user, "iss_x|repo:a/b")
		w.off["iss_x|repo:a/b 7a"] = true
		expect(t, v, bearer, "refused")
		delete(w.off, "iss_x|repo:a/b 7a")
		w.off["iss_x|repo:a/b "] = true
		expect(t, v, bearer, "user:iss_x|repo:a/b")
		l.there["idn_1"] = false
		expect(t, v, bearer, "refused")
		l.there["idn_1"] = true
		expect(t, v, bearer, "user:iss_x|repo:a/b")
		w.clock.Advance(50 * time.Minute)
		expect(t, v, bearer, "refused")
		expect(t, w.verifier(), bearer, "refused") // without links
		expect(t, v, w.userToken(t, nil), "user:u_1")
		expect(t, v, w.clientToken(t, "JWT", nil), "client:sc_1")

		l.err = fault.New(fault.Unavailable, fault.CodeUnavailable, "later")
		if _, err := v.Verify(context.Background(), accountA, bearer); !fault.Is(err, fault.Unavailable) {
			t.Errorf("got %v", err)
		}
		l.err = errors.New("bad signature")
		expect(t, v, bearer, "refused")
	}
}

// A link never comes into play for what Admit has signed, however bad that is.
func TestLinkedIssuersAreNotAskedForOurs(t *testing.T) {
	w := newWorld()
	l := &links{}
	v := w.verifier(func(d *VerifierDeps) { d.Linked = l })
	for _, bearer := range []string{
		w.userToken(t, claims{"exp": w.clock.Now().Unix() - 1}), w.userToken(t, claims{"iss": "https://ci.example"}),
		w.clientToken(t, "dpop+jwt", nil), rawKey("sc_1", "m9", "acc_a"),
	} {
		expect(t, v, bearer, "refused")
	}
	if l.asked != 0 {
		t.Errorf("asked %d times", l.asked)
	}
}

// What was ended of a foreign token is no assertion either, so that nobody turns it into a fresh one.
func TestLinkedBearers(t *testing.T) {
	w := newWorld()
	issued := w.clock.Now()
	l := &links{there: map[string]bool{"idn_1": true}, proofs: map[string]LinkedProof{"x": {
		User: "iss_x|repo:a/b", Link: "idn_1", TokenID: "7a", Issued: issued, Expires: issued.Add(time.Hour)}}}
	fresh := true
	b := LinkedBearers{w.verifier(func(d *VerifierDeps) { d.Linked, d.Fresh = l, func() bool { return fresh } })}
	ctx := context.Background()
	good := func() bool {
		_, err := b.Verify(ctx, accountA, "x")
		if err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Error(err)
		}
		return err == nil
	}
	if !good() {
		t.Fatal("a good one")
	}
	for name, end := range map[string]func(on bool){
		"the person was ended": func(on bool) {
			if delete(w.user, "iss_x|repo:a/b"); on {
				w.user["iss_x|repo:a/b"] = issued
			}
		},
		"the token was disabled": func(on bool) { w.off["iss_x|repo:a/b 7a"] = on },
		"the link is gone":       func(on bool) { l.there["idn_1"] = !on },
	} {
		if end(true); good() {
			t.Error(name)
		}
		if end(false); !good() {
			t.Error(name, "and it is good again")
		}
	}
	if _, err := b.Verify(ctx, accountA, "y"); !errors.Is(err, ErrNotLinked) {
		t.Error(err)
	}
	fresh = false
	if _, err := b.Verify(ctx, accountA, "x"); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	b = LinkedBearers{w.verifier()}
	if _, err := b.Verify(ctx, accountA, "x"); !errors.Is(err, ErrNotLinked) {
		t.Error(err)
	}
}
