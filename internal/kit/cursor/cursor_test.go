package cursor

import (
	"bytes"
	"testing"

	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/fault"
)

func sealer(t testing.TB, fill byte) *Sealer {
	keys, err := crypt.NewKeys(bytes.Repeat([]byte{fill}, crypt.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return New(keys)
}

func TestCursor(t *testing.T) {
	s := sealer(t, 1)
	text := s.Seal("rec_9", "acc", "user:u1", "records", "filter")
	if got, err := s.Open(text, "acc", "user:u1", "records", "filter"); err != nil || got != "rec_9" {
		t.Fatalf("Open = %q, %v", got, err)
	}
	if got, err := s.Open("", "acc"); err != nil || got != "" {
		t.Fatalf("no cursor: %q, %v", got, err)
	}
	refused := map[string]func() (string, error){
		"another caller":   func() (string, error) { return s.Open(text, "acc", "user:u2", "records", "filter") },
		"another query":    func() (string, error) { return s.Open(text, "acc", "user:u1", "records", "other") },
		"parts run over":   func() (string, error) { return s.Open(text, "acc", "user:u1", "recordsfilter", "") },
		"another key":      func() (string, error) { return sealer(t, 2).Open(text, "acc", "user:u1", "records", "filter") },
		"cut":              func() (string, error) { return s.Open(text[:len(text)-2], "acc", "user:u1", "records", "filter") },
		"other alphabet":   func() (string, error) { return s.Open(text+"=", "acc", "user:u1", "records", "filter") },
		"not base64":       func() (string, error) { return s.Open("%%%", "acc") },
		"longer than ever": func() (string, error) { return s.Open(string(make([]byte, 5000)), "acc") },
	}
	for name, open := range refused {
		if got, err := open(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	s := sealer(f, 1)
	good := s.Seal("position", "acc")
	f.Add(good)
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := s.Open(text, "acc")
		if err == nil && text != "" && got != "position" {
			t.Fatalf("%q opened as %q", text, got)
		}
	})
}
