package session_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"math/bits"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/session/sessiondb"
)

// TestSES10_Entropy looks at 20,000 cookies, ids and other random texts: none twice, no prefix in common but
// the name of the kind, and no bit that leans to one side, whatever the order they were made in.
func TestSES10_Entropy(t *testing.T) {
	const n = 20_000
	db, clk := sqldbtest.SQLite(t, sessiondb.Migrations(), nil)
	s := service(db)
	kinds := map[string][][]byte{}
	add := func(kind string, raw []byte) { kinds[kind] = append(kinds[kind], raw) }
	for range n / 500 {
		err := db.Write(t.Context(), tx.In("a"), func(ctx context.Context, x tx.Tx) error {
			for range 500 {
				_, cookie, err := s.Start(ctx, x, session.NewSession{Actor: who, User: "u1", Evidence: session.Evidence{Method: "email", At: clk.Now()}})
				if err != nil {
					return err
				}
				raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(cookie.Reveal(), "ase_"))
				if err != nil {
					return err
				}
				add("salt of a cookie", raw[38:54])
				add("MAC of a cookie", raw[54:])
				add("id", base32(t, string(raw[4:30])))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		raw, err := base64.RawURLEncoding.DecodeString(secret.Random("").Reveal())
		if err != nil {
			t.Fatal(err)
		}
		add("random text", raw)
		add("login id", base32(t, strings.TrimPrefix(ident.New("x_"), "x_")))
	}
	for kind, all := range kinds {
		if len(all) != n || len(all[0])*8 < 128 {
			t.Errorf("%s: %d of %d bits", kind, len(all), len(all[0])*8)
		}
		seen, ones, flips := map[string]bool{}, make([]int, len(all[0])*8), 0
		for i, raw := range all {
			if seen[string(raw)] {
				t.Errorf("%s: one twice", kind)
			}
			seen[string(raw)] = true
			for bit := range ones {
				ones[bit] += int(raw[bit/8] >> (bit % 8) & 1)
			}
			if i > 0 {
				for j := range raw {
					flips += bits.OnesCount8(raw[j] ^ all[i-1][j])
				}
			}
		}
		// A fair bit is 1 in 10,000 of them, give or take 71; seven times that is once in 10^12.
		for bit, count := range ones {
			if count < n/2-500 || count > n/2+500 {
				t.Errorf("%s: bit %d is set in %d of %d", kind, bit, count, n)
			}
		}
		if half := (n - 1) * len(ones) / 2; flips < half*99/100 || flips > half*101/100 {
			t.Errorf("%s: neighbours differ in %d bits; want about %d", kind, flips, half)
		}
	}
}

// base32 reads the 128 bits of an identifier.
func base32(t *testing.T, text string) []byte {
	t.Helper()
	const letters = "0123456789abcdefghjkmnpqrstvwxyz"
	var out bytes.Buffer
	held, have := 0, 0
	for _, c := range text {
		v := strings.IndexRune(letters, c)
		if v < 0 {
			t.Fatalf("%q in an identifier", c)
		}
		held, have = held<<5|v, have+5
		if have >= 8 {
			have -= 8
			out.WriteByte(byte(held >> have))
			held &= 1<<have - 1
		}
	}
	return out.Bytes()
}
