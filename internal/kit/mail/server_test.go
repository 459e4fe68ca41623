package mail_test

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/secret"
)

// sinkServer is an SMTP server that takes one mail, or answers DATA with a refusal.
func sinkServer(t *testing.T, refusal string) (address string, mails <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	got := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		r := bufio.NewScanner(c)
		say := func(line string) { c.Write([]byte(line + "\r\n")) }
		say("220 sink")
		var data []string
		for r.Scan() {
			switch line := r.Text(); {
			case strings.HasPrefix(line, "EHLO"):
				say("250-sink")
				say("250 8BITMIME")
			case line == "DATA" && refusal != "":
				say(refusal)
			case line == "DATA":
				say("354 go on")
				for r.Scan() && r.Text() != "." {
					data = append(data, r.Text())
				}
				say("250 taken")
				got <- strings.Join(data, "\n")
			case line == "QUIT":
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}()
	return l.Addr().String(), got
}

func TestDeliver(t *testing.T) {
	address, mails := sinkServer(t, "")
	s, err := mail.ParseURL(secret.New("smtp://" + address + "?from=Admit%20%3Cno-reply%40login.example%3E"))
	if err != nil {
		t.Fatal(err)
	}
	err = s.Deliver(context.Background(), mail.Kept{
		ID: "mail_1", CreatedAt: time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC),
		Message: mail.Message{To: "ann@x.example", Subject: "Grüße\r\nBcc: eve@evil.example", Text: "code 123456", HTML: "<p>123456</p>"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := <-mails
	for _, want := range []string{
		"To: <ann@x.example>", `From: "Admit" <no-reply@login.example>`, "Message-ID: <mail_1@login.example>", "Auto-Submitted: auto-generated",
		"multipart/alternative", "text/plain", "text/html", "code 123456", "Date: Tue, 03 Mar 2026 12:00:00 +0000",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	if strings.Contains(got, "\nBcc:") {
		t.Errorf("a header was smuggled in:\n%s", got)
	}
}

func TestDeliverRefused(t *testing.T) {
	for _, refusal := range []string{"451 later", "554 never"} {
		address, _ := sinkServer(t, refusal)
		s, err := mail.ParseURL(secret.New("smtp://" + address + "?from=a%40login.example"))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Deliver(context.Background(), mail.Kept{ID: "mail_1", Message: mail.Message{To: "ann@x.example", Subject: "hi", Text: "x"}}); err == nil {
			t.Errorf("%s: taken", refusal)
		}
	}
}
