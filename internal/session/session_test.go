package session_test

import (
	"testing"
	"time"

	"github.com/admit-id/admit/internal/session"
)

// TestACR: the context class is computed from the evidence, wherever it is asked for (I-9).
func TestACR(t *testing.T) {
	if got := (session.Session{}).ACR(); got != "" {
		t.Errorf("without evidence: %q", got)
	}
	s := session.Session{Evidence: []session.Evidence{{Method: "email", At: time.Unix(1, 0)}}}
	if got := s.ACR(); got != "urn:admit:aal1" {
		t.Error(got)
	}
	s.Evidence = append(s.Evidence, session.Evidence{Method: "email", At: time.Unix(2, 0)})
	if got := s.ACR(); got != session.ACR1 {
		t.Errorf("one factor twice is one factor: %q", got)
	}
}
