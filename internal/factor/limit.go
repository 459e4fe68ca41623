package factor

import (
	"context"
	"strings"
	"time"
	"unicode"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Counter is one limit of wrong attempts on one key of an account.
type Counter struct {
	Account ident.AccountID
	Name    string
	Key     string
	Rule    ratelimit.Rule
}

// Take counts an attempt under all counters, or under none and tells how many seconds to wait.
func Take(ctx context.Context, t tx.Tx, limits ratelimit.Store, all ...Counter) (ok bool, retry int, err error) {
	for i, c := range all {
		ok, wait, err := limits.Take(ctx, t, c.Account, c.Name, c.Key, c.Rule)
		if err != nil {
			return false, 0, err
		}
		if !ok {
			return false, Seconds(wait), Return(ctx, t, limits, all[:i]...)
		}
	}
	return true, 0, nil
}

// Return takes back an attempt that turned out right.
func Return(ctx context.Context, t tx.Tx, limits ratelimit.Store, all ...Counter) error {
	for _, c := range all {
		if err := limits.Return(ctx, t, c.Account, c.Name, c.Key, c.Rule); err != nil {
			return err
		}
	}
	return nil
}

// Seconds is a time to wait, rounded up.
func Seconds(d time.Duration) int { return max(1, int((d+time.Second-1)/time.Second)) }

// Visible is a name that somebody typed, without control and formatting characters, and at most n
// characters long.
func Visible(typed string, n int) string {
	typed = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(typed, ""))
	if r := []rune(typed); len(r) > n {
		return string(r[:n])
	}
	return typed
}
