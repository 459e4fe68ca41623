package handover_test

import (
	"errors"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor/handover"
	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
)

func TestTicketIsForOneBrowserOfOneAccount(t *testing.T) {
	keys, err := crypt.NewKeys(make([]byte, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	s := &handover.Service{Keys: keys}
	opened := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	want := handover.Ticket{Login: "login_1", Code: secret.New("a.b.c"), Issuer: "https://login.example.test/v1/clients/sc_1", Opened: opened}
	ticket, err := s.Seal("acc_a", []byte("browser"), want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Open("acc_a", []byte("browser"), ticket, opened.Add(handover.ConfirmLife-1)); err != nil || got != want {
		t.Fatal(got, err)
	}
	text := ticket.Reveal()
	for name, c := range map[string]struct {
		account ident.AccountID
		browser string
		ticket  string
		after   time.Duration
	}{
		"another account":   {"acc_b", "browser", text, 0},
		"another browser":   {"acc_a", "other", text, 0},
		"no browser":        {"acc_a", "", text, 0},
		"too late":          {"acc_a", "browser", text, handover.ConfirmLife},
		"nothing":           {"acc_a", "browser", "", 0},
		"cut":               {"acc_a", "browser", text[:len(text)-1], 0},
		"longer":            {"acc_a", "browser", text + "A", 0},
		"another character": {"acc_a", "browser", "A" + text[1:], 0},
		"no base64url":      {"acc_a", "browser", "+" + text[1:], 0},
		"bytes that follow": {"acc_a", "browser", text + "\n", 0},
	} {
		if name == "another character" && text[0] == 'A' {
			c.ticket = "B" + text[1:]
		}
		if _, err := s.Open(c.account, []byte(c.browser), secret.New(c.ticket), opened.Add(c.after)); !errors.Is(err, handover.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOnlyServiceClientsAreClients(t *testing.T) {
	for id, want := range map[ident.ConnectionID]bool{"sc_1": true, "": false, "SC_1": false, "con_email": false, "xsc_1": false} {
		if handover.IsClient(id) != want {
			t.Errorf("%s: %v", id, !want)
		}
	}
}
