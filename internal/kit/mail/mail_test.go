package mail_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

type sink struct {
	mu   sync.Mutex
	got  []mail.Kept
	fail error
}

func (s *sink) Deliver(_ context.Context, k mail.Kept) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	s.got = append(s.got, k)
	return nil
}

func newOutbox(t *testing.T) *mail.Outbox {
	keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return &mail.Outbox{Keys: keys}
}

func put(t *testing.T, db *sqldb.DB, o *mail.Outbox, m mail.Message) {
	t.Helper()
	err := db.Write(context.Background(), tx.In("a"), func(ctx context.Context, tt tx.Tx) error {
		_, err := o.Put(ctx, tt, "a", m)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, db *sqldb.DB, o *mail.Outbox) (kept []mail.Kept) {
	t.Helper()
	err := db.Read(context.Background(), tx.In("a"), func(ctx context.Context, tt tx.Tx) (err error) {
		kept, err = o.List(ctx, tt, "a", 10)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func once(t *testing.T, s *mail.Sender, want int) {
	t.Helper()
	n, err := s.Worker().Once(context.Background())
	if err != nil || n != want {
		t.Fatalf("claimed %d, %v; want %d", n, err, want)
	}
}

func TestOutbox(t *testing.T) {
	sqldbtest.Each(t, mail.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		o, s := newOutbox(t), &sink{}
		sender := &mail.Sender{DB: db, Outbox: o, Transport: s, Log: slog.New(slog.DiscardHandler)}
		put(t, db, o, mail.Message{To: "ann@x.example", Subject: "One\r\nBcc: eve@evil.example", Text: "code 123456", HTML: "<p>123456</p>"})
		kept := list(t, db, o)
		if len(kept) != 1 || kept[0].Subject != "One  Bcc: eve@evil.example" || kept[0].Text != "code 123456" {
			t.Fatalf("kept %+v", kept)
		}
		s.fail = errors.New("down")
		once(t, sender, 1)
		once(t, sender, 0)
		clk.Advance(5 * time.Second)
		s.fail = nil
		once(t, sender, 1)
		once(t, sender, 0)
		if len(s.got) != 1 || s.got[0].To != "ann@x.example" || s.got[0].Attempts != 2 {
			t.Fatalf("delivered %+v", s.got)
		}
		if kept := list(t, db, o); len(kept) != 0 {
			t.Fatalf("the body is still there: %+v", kept)
		}
		put(t, db, o, mail.Message{To: "ann@x.example", Subject: "late", Expires: clk.Now().Add(time.Minute)})
		clk.Advance(2 * time.Minute)
		once(t, sender, 0)
		clk.Advance(8 * 24 * time.Hour)
		var n int64
		err := db.Write(context.Background(), tx.System(), func(ctx context.Context, tt tx.Tx) (err error) {
			n, err = o.Purge(ctx, tt, 10)
			return err
		})
		if err != nil || n != 2 {
			t.Fatalf("purged %d, %v; want 2", n, err)
		}
	})
}

// TestClaim lets several nodes empty one outbox: every mail goes out once.
func TestClaim(t *testing.T) {
	sqldbtest.Each(t, mail.Migrations(), func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		o, s := newOutbox(t), &sink{}
		for range 40 {
			put(t, db, o, mail.Message{To: "ann@x.example", Subject: "hi"})
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				sender := &mail.Sender{DB: db, Outbox: o, Transport: s, Log: slog.New(slog.DiscardHandler)}
				for {
					n, err := sender.Worker().Once(context.Background())
					if err != nil {
						t.Error(err)
					}
					if n == 0 {
						return
					}
				}
			})
		}
		wg.Wait()
		seen := map[string]bool{}
		for _, k := range s.got {
			seen[k.ID] = true
		}
		if len(s.got) != 40 || len(seen) != 40 {
			t.Fatalf("%d deliveries of %d mails; want 40 of 40", len(s.got), len(seen))
		}
	})
}

func TestParseAddress(t *testing.T) {
	good := map[string]mail.Address{
		"ann@example.com":             "ann@example.com",
		"  Ann.Lee+tag@Example.COM\t": "ann.lee+tag@example.com",
		"o'neil@sub.example.co":       "o'neil@sub.example.co",
		"a@xn--bcher-kva.example":     "a@xn--bcher-kva.example",
	}
	for in, want := range good {
		if got, ok := mail.ParseAddress(in); !ok || got != want {
			t.Errorf("%q: got %q, %v; want %q", in, got, ok, want)
		}
	}
	bad := []string{
		"", "@", "a@", "@b.c", "a@b", "a@localhost", "a b@c.de", "a@b c.de", "a@b..de", ".a@b.de", "a.@b.de", "a..b@c.de",
		"a@-b.de", "a@b-.de", "a@b.de.", "a@[127.0.0.1]", "a@127.0.0.1", "a@b@c.de", `"a b"@c.de`, `"a"@c.de`, "a(c)@b.de", "a@b.de(c)",
		"<a@b.de>", "Ann <a@b.de>", "a@b.de,c@d.de", "a@b.de;c@d.de", "a@b.de\r\nBcc: x@y.de", "a@b.de\x00", "a\x00@b.de", "ä@b.de", "a@ä.de",
		"=?utf-8?q?x?=@b.de", "x%y.de@b.de", "y!x@b.de", "a\u202e@b.de", "ａ@b.de", "a@b。de", "a@b_c.de", "mailto:a@b.de",
		strings.Repeat("a", 65) + "@b.de", "a@" + strings.Repeat("b", 64) + ".de", "a@" + strings.Repeat("b.", 130) + "de",
	}
	for _, in := range bad {
		if got, ok := mail.ParseAddress(in); ok {
			t.Errorf("%q was taken as %q", in, got)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add("ann@example.com")
	f.Add("=?x?q?=41=42collab=40psres.net=3e?=foo@example.com")
	f.Add(`"@"@evil.example`)
	f.Fuzz(func(t *testing.T, in string) {
		a, ok := mail.ParseAddress(in)
		if !ok {
			return
		}
		if again, ok := mail.ParseAddress(string(a)); !ok || again != a {
			t.Fatalf("%q is not its own form: %q %v", a, again, ok)
		}
		if strings.Count(string(a), "@") != 1 || len(a) > 254 {
			t.Fatalf("took %q", a)
		}
		for i := range len(a) {
			if a[i] <= ' ' || a[i] >= 0x7f || strings.IndexByte(`"(),:;<>[\]%!`, a[i]) >= 0 {
				t.Fatalf("took %q", a)
			}
		}
	})
}

func TestParseURL(t *testing.T) {
	s, err := mail.ParseURL(secret.New("smtp://bob%40x.example:p%3Aw@mail.x.example"))
	if err != nil || s.Port != 587 || s.Plain || s.Implicit || s.From.Address != "bob@x.example" || s.Password.Reveal() != "p:w" {
		t.Fatalf("%+v, %v", s, err)
	}
	s, err = mail.ParseURL(secret.New("smtps://mail.x.example?from=Admit%20%3Cno-reply%40x.example%3E"))
	if err != nil || s.Port != 465 || !s.Implicit || s.From.Name != "Admit" {
		t.Fatalf("%+v, %v", s, err)
	}
	s, err = mail.ParseURL(secret.New("smtp://127.0.0.1:2525?from=a@x.example"))
	if err != nil || !s.Plain || s.Port != 2525 {
		t.Fatalf("%+v, %v", s, err)
	}
	for _, bad := range []string{"", "http://x", "smtp://", "smtp://h?from=nobody", "smtp://h:99999?from=a@x.example", "smtp://h?from=a@x.example&tls=off", "smtp://h/path?from=a@x.example", "smtp://h?from=a@x.example&from=b@x.example"} {
		if _, err := mail.ParseURL(secret.New(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
