package page

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/web"
)

// Message is a page without a field: what happened, and the way forward.
type Message struct {
	Status int
	Key    string // of title, heading and lead
	Tone   string // "", "good" or "bad"
	Sign   string // the icon
}

// Message starts the page of a message.
func (k *Kit) Message(r *http.Request, m Message) *Page {
	p := k.Page(r, m.Key+".title")
	p.Heading, p.Lead, p.Tone, p.Sign = m.Key+".heading", m.Key+".lead", m.Tone, m.Sign
	p.Provider = p.T("upstream.someone")
	return p
}

// WriteMessage sends the page of a message.
func (k *Kit) WriteMessage(w http.ResponseWriter, status int, p *Page, targets ...string) error {
	return k.own.Write(w, status, "message", p, targets...)
}

// Error is the pages' one translation of errors: a sentence, a way forward, and the
// request's id to ask about. The cause stays in the log.
func (k *Kit) Error(w http.ResponseWriter, r *http.Request, err error) {
	f := web.Translate(r, err)
	m := Message{Status: f.Status, Sign: "warn"}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.NotFound, fault.Misdirected, fault.Unprocessable, fault.Conflict, fault.TooLarge, fault.Precondition:
		m.Key, m.Sign = "invalid", "link"
	case fault.Unauthenticated, fault.Forbidden:
		m.Key, m.Sign = "refused", "hand"
	case fault.Limited:
		m.Key, m.Sign = "limited", "clock"
	case fault.Unavailable:
		m.Key, m.Sign = "unavailable", "clock"
	default:
		m.Key, m.Tone = "failed", "bad"
		if f.Status == http.StatusServiceUnavailable {
			m.Key, m.Tone, m.Sign = "unavailable", "", "clock"
		}
	}
	p := k.Message(r, m)
	p.Reference = f.ErrorID
	switch {
	case m.Key == "invalid" && k.deps.Development:
		p.Target, p.Submit = "/try", "setup.done.try"
	case m.Key != "invalid" && m.Key != "refused":
		p.Target, p.Submit = again(r), "try_again"
	}
	if k.WriteMessage(w, m.Status, p) != nil {
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
