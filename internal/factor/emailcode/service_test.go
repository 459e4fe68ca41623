package emailcode_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/factor/emailcode/emailcodedb"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

type bench struct {
	t       *testing.T
	db      *sqldb.DB
	clk     *clock.Fake
	service *emailcode.Service
	code    string
	link    secret.Text
}

func each(t *testing.T, fn func(*bench)) {
	migrations := slices.Concat(emailcodedb.Migrations(), mail.Migrations(), ratelimit.Migrations())
	sqldbtest.Each(t, migrations, func(t *testing.T, db *sqldb.DB, clk *clock.Fake) {
		keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		fn(&bench{t: t, db: db, clk: clk, service: &emailcode.Service{Store: emailcodedb.Store{}, Keys: keys, Outbox: &mail.Outbox{Keys: keys}}})
	})
}

func (b *bench) send(login ident.LoginID, address mail.Address) (sent emailcode.Sent) {
	b.t.Helper()
	err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) (err error) {
		sent, err = b.service.Send(ctx, t, emailcode.Request{Account: "a", Login: login, Browser: []byte("b"), Address: address,
			Compose: func(code string, link secret.Text) (mail.Message, error) {
				b.code, b.link = code, link
				return mail.Message{Subject: code, Text: link.Reveal()}, nil
			}})
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return sent
}

func (b *bench) enter(login ident.LoginID, browser, typed string) (check emailcode.Check) {
	b.t.Helper()
	err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) (err error) {
		check, err = b.service.Enter(ctx, t, "a", login, []byte(browser), typed)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return check
}

func (b *bench) follow(browser string, link secret.Text) (check emailcode.Check) {
	b.t.Helper()
	err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) (err error) {
		check, err = b.service.Follow(ctx, t, "a", []byte(browser), link)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return check
}

func (b *bench) want(got emailcode.Check, want emailcode.Outcome) {
	b.t.Helper()
	if got.Outcome != want {
		b.t.Fatalf("outcome %d; want %d (%+v)", got.Outcome, want, got)
	}
}

func wrong(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

func TestEnter(t *testing.T) {
	each(t, func(b *bench) {
		b.send("l1", "ann@x.example")
		b.want(b.enter("l1", "other", b.code), emailcode.Gone)
		b.want(b.enter("l2", "b", b.code), emailcode.Gone)
		if got := b.enter("l1", "b", wrong(b.code)); got.Outcome != emailcode.Wrong || got.Left != 4 {
			t.Fatalf("got %+v", got)
		}
		b.want(b.enter("l1", "b", ""), emailcode.Wrong)
		got := b.enter("l1", "b", " "+b.code[:3]+"-"+b.code[3:]+"\u3000")
		if got.Outcome != emailcode.Right || got.Address != "ann@x.example" || got.Login != "l1" {
			t.Fatalf("got %+v", got)
		}
		b.want(b.enter("l1", "b", b.code), emailcode.Gone)
		b.want(b.follow("b", b.link), emailcode.Gone)
	})
}

func TestSpent(t *testing.T) {
	each(t, func(b *bench) {
		b.send("l1", "ann@x.example")
		for range 4 {
			b.want(b.enter("l1", "b", wrong(b.code)), emailcode.Wrong)
		}
		b.want(b.enter("l1", "b", wrong(b.code)), emailcode.Spent)
		b.want(b.enter("l1", "b", b.code), emailcode.Spent)
		b.want(b.follow("b", b.link), emailcode.Gone)
		former := b.code
		b.send("l1", "ann@x.example")
		if former != b.code {
			b.want(b.enter("l1", "b", former), emailcode.Wrong)
		}
		b.want(b.enter("l1", "b", b.code), emailcode.Right)
	})
}

func TestExpiryAndResend(t *testing.T) {
	each(t, func(b *bench) {
		b.send("l1", "ann@x.example")
		first := b.code
		b.send("l1", "ann@x.example")
		if b.code != first {
			t.Fatal("a double click sent two mails")
		}
		b.clk.Advance(emailcode.ResendAfter)
		firstLink := b.link
		b.send("l1", "ann@x.example")
		b.want(b.follow("b", firstLink), emailcode.Gone)
		b.clk.Advance(emailcode.Life - time.Second)
		b.want(b.follow("other", b.link), emailcode.Elsewhere)
		b.want(b.follow("", b.link), emailcode.Elsewhere)
		b.clk.Advance(time.Second)
		b.want(b.enter("l1", "b", b.code), emailcode.Gone)
		b.want(b.follow("b", b.link), emailcode.Gone)
		b.send("l1", "ann@x.example")
		if got := b.follow("b", b.link); got.Outcome != emailcode.Right || got.Login != "l1" {
			t.Fatalf("got %+v", got)
		}
	})
}

func TestTagsDoNotFloodAMailbox(t *testing.T) {
	each(t, func(b *bench) {
		for i := range emailcode.MailboxLimit.Count {
			if sent := b.send(ident.LoginID(fmt.Sprint("l", i)), mail.Address(fmt.Sprintf("ann+%d@x.example", i))); sent.Limited {
				t.Fatalf("mail %d is held back", i)
			}
		}
		if sent := b.send("more", "ann+more@x.example"); !sent.Limited || sent.Retry != 3*time.Minute {
			t.Fatal(sent)
		}
		for _, other := range []mail.Address{"ann@x.example", "bob+1@x.example", "ann+1@y.example"} {
			if sent := b.send(ident.LoginID(other), other); sent.Limited {
				t.Error(other, sent)
			}
		}
	})
}

func TestLimits(t *testing.T) {
	each(t, func(b *bench) {
		for i := range 5 {
			if sent := b.send(ident.LoginID(fmt.Sprint("l", i)), "ann@x.example"); sent.Limited {
				t.Fatalf("mail %d was held back", i+1)
			}
		}
		if sent := b.send("l9", "ann@x.example"); !sent.Limited || sent.Retry != 12*time.Minute {
			t.Fatalf("sixth mail: %+v", sent)
		}
		if sent := b.send("l9", "bob@x.example"); sent.Limited {
			t.Fatal("another address was held back")
		}
		for i := range 5 {
			for range 4 {
				b.enter(ident.LoginID(fmt.Sprint("l", i)), "b", "x")
			}
		}
		// Twenty wrong codes for one address, in five logins: the right one waits now too.
		b.want(b.enter("l4", "b", b.code), emailcode.Paused)
	})
}

// TestMailsPerHour asks every minute, and all at once: no hour has more than five mails.
func TestMailsPerHour(t *testing.T) {
	each(t, func(b *bench) {
		var sent []time.Time
		for i := range 150 {
			if s := b.send(ident.LoginID(fmt.Sprint("l", i)), "ann@x.example"); !s.Limited {
				sent = append(sent, b.clk.Now())
			} else if s.Retry <= 0 || s.Retry > time.Hour {
				t.Fatalf("retry %v", s.Retry)
			}
			b.clk.Advance(time.Minute)
		}
		if len(sent) < 10 {
			t.Fatalf("%d mails in two and a half hours", len(sent))
		}
		for i := 5; i < len(sent); i++ {
			if sent[i].Sub(sent[i-5]) < time.Hour {
				t.Fatalf("six mails within %v", sent[i].Sub(sent[i-5]))
			}
		}
		var wg sync.WaitGroup
		var mails atomic.Int32
		for i := range 20 {
			wg.Go(func() {
				err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) error {
					s, err := b.service.Send(ctx, t, emailcode.Request{Account: "a", Login: ident.LoginID(fmt.Sprint("r", i)), Browser: []byte("b"), Address: "bob@x.example",
						Compose: func(string, secret.Text) (mail.Message, error) { return mail.Message{}, nil }})
					if err == nil && !s.Limited {
						mails.Add(1)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if mails.Load() != 5 {
			t.Fatalf("%d of 20 mails at once; want 5", mails.Load())
		}
	})
}
