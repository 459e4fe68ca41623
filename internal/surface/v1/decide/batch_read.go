package decide

import (
	"net/http"
	"strings"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
)

// The bounds of one request.
const (
	mostChecks   = 1000
	mostOfABatch = 1 << 20 // bytes: 1,000 checks with the longest names
)

type checksWire struct {
	Checks []checkWire `json:"checks"`
}

type checkWire struct {
	UserID      ident.UserID `json:"userId"`
	ResourceURI string       `json:"resourceUri"`
	Permission  string       `json:"permission"`
}

var (
	errNoChecks   = fault.New(fault.Invalid, fault.CodeInvalidRequest, "checks is a list of at least one check.")
	errManyChecks = fault.New(fault.Unprocessable, fault.CodeInvalidRequest, "One request has at most 1000 checks.")
)

func readChecks(r *http.Request) ([]access.Question, error) {
	data, err := web.ReadBody(r, mostOfABatch)
	if err != nil {
		return nil, err
	}
	checks, ok := scanChecks(string(data))
	if !ok {
		var in checksWire
		if err := web.DecodeStrict(data, &in); err != nil {
			return nil, err
		}
		checks = make([]access.Question, len(in.Checks))
		for i, c := range in.Checks {
			checks[i] = access.Question{User: c.UserID, Resource: c.ResourceURI, Action: c.Permission}
		}
	}
	switch {
	case len(checks) == 0:
		return nil, errNoChecks
	case len(checks) > mostChecks:
		return nil, errManyChecks
	}
	return checks, nil
}

// scanChecks reads the plain spelling of a batch: the known members, each once, with strings of
// ASCII. That is what programs send, and it takes a tenth of the time. It says
// no to everything else, also to what is wrong; the strict decoder then judges that. It stops
// after one check more than is accepted.
func scanChecks(text string) (checks []access.Question, ok bool) {
	s := scanner{text: text}
	if !s.next('{') || s.plain() != "checks" || !s.next(':') || !s.next('[') {
		return nil, false
	}
	checks = make([]access.Question, 0, min(len(text)/40+1, mostChecks+1))
	for {
		c, ok := s.check()
		if !ok {
			return nil, false
		}
		checks = append(checks, c)
		if len(checks) > mostChecks {
			return checks, true
		}
		if s.next(',') {
			continue
		}
		return checks, s.next(']') && s.next('}') && s.end()
	}
}

// scanner reads JSON from its start. After its first no, what it returns means nothing.
type scanner struct {
	text string
	at   int
}

func (s *scanner) check() (c access.Question, ok bool) {
	if !s.next('{') {
		return c, false
	}
	const user, resource, action = 1, 2, 4
	seen := 0
	for {
		which, to := 0, (*string)(nil)
		switch s.plain() {
		case "userId":
			which, to = user, (*string)(&c.User)
		case "resourceUri":
			which, to = resource, &c.Resource
		case "permission":
			which, to = action, &c.Action
		}
		if to == nil || seen&which != 0 || !s.next(':') {
			return c, false
		}
		seen |= which
		if *to = s.plain(); *to == "" {
			return c, false
		}
		if s.next(',') {
			continue
		}
		return c, s.next('}')
	}
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\n', '\t', '\r':
			s.at++
		default:
			return
		}
	}
}

// next goes past white space and one byte, if it is this.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) end() bool {
	s.space()
	return s.at == len(s.text)
}

// plain returns a string of printable ASCII, or "". Of the escapes it knows only that of the slash,
// which some encoders always write.
func (s *scanner) plain() string {
	if !s.next('"') {
		return ""
	}
	escaped := false
	for i := s.at; i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '"':
			value := s.text[s.at:i]
			s.at = i + 1
			if escaped {
				value = strings.ReplaceAll(value, `\/`, "/")
			}
			return value
		case c == '\\' && i+1 < len(s.text) && s.text[i+1] == '/':
			escaped = true
			i++
		case c < 0x20 || c > 0x7e || c == '\\':
			return ""
		}
	}
	return ""
}
