package totp

import (
	"bytes"
	"context"
	"math"
	"strings"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/tx"
)

// ErrSeed says that a seed that was brought is not good enough.
var ErrSeed = fault.New(fault.Unprocessable, fault.CodeInvalidRequest, "The secret must be base32 of 16 to 64 random bytes.")

// ErrSame says that the person has registered the seed already. Other people's seeds are not compared.
var ErrSame = fault.New(fault.Conflict, fault.CodeConflict, "This authenticator app is registered already.")

// ImportSeed registers a device whose seed was made elsewhere, with a code that shows that the person
// has it. The code is used up. The caller must commit whatever the outcome.
func (s *Service) ImportSeed(ctx context.Context, t tx.Tx, by actor.Actor, user ident.UserID, name string, text secret.Text, code string) (Device, factor.Result, error) {
	seed, err := readSeed(text)
	if err != nil {
		return Device{}, factor.Result{}, err
	}
	ok, retry, err := factor.Take(ctx, t, s.limits, counters(by.Account, user)...)
	if err != nil || !ok {
		return Device{}, factor.Result{Outcome: factor.Paused, Retry: retry}, err
	}
	typed, plain := factor.Digits(code, Digits)
	step, right := match(seed, typed, t.Now(), 0)
	if !plain || !right {
		return Device{}, factor.Result{Outcome: factor.Wrong}, nil
	}
	if err := s.unknown(ctx, t, by.Account, user, seed); err != nil {
		return Device{}, factor.Result{}, err
	}
	d, err := s.register(ctx, t, by, Device{Account: by.Account, User: user, ID: ident.New(prefix), Name: name}, seed, step)
	if err != nil {
		return Device{}, factor.Result{}, err
	}
	return d, factor.Result{Outcome: factor.Right}, factor.Return(ctx, t, s.limits, counters(by.Account, user)...)
}

// unknown refuses a seed that the person has: its steps would be good once for each device.
func (s *Service) unknown(ctx context.Context, t tx.Tx, account ident.AccountID, user ident.UserID, seed []byte) error {
	held, err := s.Store.List(ctx, t, account, user)
	if err != nil {
		return err
	}
	for _, d := range held {
		has, err := s.open(d.Account, d.User, "seed", d.ID, d.Sealed)
		if err != nil {
			return err
		}
		if secret.Equal(has, seed) {
			return ErrSame
		}
	}
	return nil
}

// readSeed reads base32 in any case, with or without padding and spaces, and refuses what is short, long
// or plainly not random. That a seed looks random does not make it so; those that are made here are.
func readSeed(text secret.Text) ([]byte, error) {
	if len(text.Reveal()) > 4*MaxSeed {
		return nil, ErrSeed
	}
	plain := strings.ToUpper(strings.TrimRight(strings.ReplaceAll(text.Reveal(), " ", ""), "="))
	seed, err := base32Text.DecodeString(plain)
	// Go's decoder skips line ends and takes bits that are left over; a seed has one spelling.
	if err != nil || base32Text.EncodeToString(seed) != plain || len(seed) < MinSeed || len(seed) > MaxSeed || !random(seed, plain) {
		return nil, ErrSeed
	}
	return seed, nil
}

// random refuses the patterns that people write: few different characters, repetitions, sequences, and
// words.
func random(seed []byte, text string) bool {
	switch {
	case distinct(seed) < 8, distinct([]byte(text)) < 8, guessed(seed) < 8*MinSeed:
		return false
	case sequence(seed), sequence([]byte(text)), periodic(seed), periodic([]byte(text)):
		return false
	}
	return true
}

func distinct(b []byte) int {
	seen := map[byte]bool{}
	for _, c := range b {
		seen[c] = true
	}
	return len(seen)
}

// guessed is how many bits bytes have at most, if they are letters of some alphabets.
func guessed(b []byte) int {
	alphabets, has := []struct {
		size  float64
		holds func(c byte) bool
	}{
		{26, func(c byte) bool { return c >= 'a' && c <= 'z' }},
		{26, func(c byte) bool { return c >= 'A' && c <= 'Z' }},
		{10, func(c byte) bool { return c >= '0' && c <= '9' }},
		{33, func(c byte) bool { return c >= ' ' && c <= '~' }},
		{256, func(byte) bool { return true }},
	}, [5]bool{}
	for _, c := range b {
		for i, a := range alphabets {
			if a.holds(c) {
				has[i] = true
				break
			}
		}
	}
	size := 0.0
	for i, a := range alphabets {
		if has[i] {
			size += a.size
		}
	}
	return int(float64(len(b)) * math.Log2(min(size, 256)))
}

// sequence tells whether most bytes differ from the one before by the same.
func sequence(b []byte) bool {
	steps := map[byte]int{}
	for i := 1; i < len(b); i++ {
		steps[b[i]-b[i-1]]++
	}
	for _, n := range steps {
		if 2*n > len(b) {
			return true
		}
	}
	return false
}

// periodic tells whether bytes are one part again and again.
func periodic(b []byte) bool {
	for n := 1; n <= len(b)/2; n++ {
		if bytes.Equal(b[n:], b[:len(b)-n]) {
			return true
		}
	}
	return false
}
