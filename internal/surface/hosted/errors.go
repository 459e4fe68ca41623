package hosted

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/web"
)

// Error is the pages' one translation of errors: a sentence, a way forward, and the
// request's id to ask about. The cause stays in the log.
func (s *Surface) Error(w http.ResponseWriter, r *http.Request, err error) {
	f := web.Translate(r, err)
	m := message{status: f.Status, sign: "warn"}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.NotFound, fault.Misdirected, fault.Unprocessable, fault.Conflict, fault.TooLarge, fault.Precondition:
		m.key, m.sign = "invalid", "link"
	case fault.Unauthenticated, fault.Forbidden:
		m.key, m.sign = "refused", "hand"
	case fault.Limited:
		m.key, m.sign = "limited", "clock"
	case fault.Unavailable:
		m.key, m.sign = "unavailable", "clock"
	default:
		m.key, m.tone = "failed", "bad"
		if f.Status == http.StatusServiceUnavailable {
			m.key, m.tone, m.sign = "unavailable", "", "clock"
		}
	}
	p := s.messagePage(r, m)
	p.Reference = f.ErrorID
	switch {
	case m.key == "invalid" && s.deps.Development:
		p.Target, p.Submit = "/try", "setup.done.try"
	case m.key != "invalid" && m.key != "refused":
		p.Target, p.Submit = again(r), "try_again"
	}
	if s.write(w, m.status, "message", p) != nil {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// again is where the same thing can be tried once more, or "" when it cannot: a provider's
// answer counts only once.
func again(r *http.Request) string {
	path, q := r.URL.EscapedPath(), r.URL.Query()
	switch {
	case q.Has("code") || strings.HasPrefix(path, "//"): // "//host" would lead to another host
		return ""
	case r.Method == http.MethodGet:
		return r.URL.RequestURI()
	case strings.HasPrefix(path, "/login/") && q.Get("state") != "":
		return "/login?" + url.Values{"state": {q.Get("state")}}.Encode()
	}
	return ""
}
