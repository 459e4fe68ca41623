package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/admit-id/admit/internal/keyring"
	"github.com/admit-id/admit/internal/kit/ident"
)

// document is an answer ready to be sent; its header values are shared by all answers.
type document struct {
	body   []byte
	length []string
	etag   []string

	source *keyring.Set // what a key set was made from
	until  time.Time    // when it is wrong by the clock alone; zero: never
	issuer string       // what discovery was made from, with offer
	offer  Offer
}

func newDocument(v any) (*document, error) {
	body, err := encode(v)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	return &document{
		body: body, length: []string{strconv.Itoa(len(body))},
		etag: []string{`"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`},
	}, nil
}

// measured is up to which size net/http finds out a body's length itself, cheaper than from a header.
const measured = 1 << 10 // bytes; its buffer has twice as many

var contentType = []string{"application/json; charset=utf-8"}

// send answers with the document, or with 304 to a caller who has it.
func (d *document) send(w http.ResponseWriter, r *http.Request, cache []string) error {
	h := w.Header()
	// A map of nine headers is another kind of map than one of eight, and net/http copies it. So the
	// date, which net/http writes itself if nobody else does, makes room for what is still to come.
	long := len(d.body) > measured
	if long || len(h) > 6 {
		delete(h, "Date")
	}
	h["Cache-Control"] = cache
	h["Etag"] = d.etag
	if have := r.Header["If-None-Match"]; len(have) > 0 && d.matches(have) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Content-Type"] = contentType
	if long {
		h["Content-Length"] = d.length
	}
	w.WriteHeader(http.StatusOK)
	w.Write(d.body) // a client that has gone is no error of ours
	return nil
}

// matches compares weakly, RFC 9110 section 13.1.2.
func (d *document) matches(have []string) bool {
	for _, line := range have {
		for tag := range strings.SplitSeq(line, ",") {
			if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag == d.etag[0] || tag == "*" {
				return true
			}
		}
	}
	return false
}

// shelf keeps one document per account. Reading takes no lock. Only accounts that exist get
// here, so it is as large as there are accounts.
type shelf struct {
	mu        sync.Mutex
	documents atomic.Pointer[map[ident.AccountID]*document]
}

func newShelf() *shelf {
	s := &shelf{}
	s.documents.Store(&map[ident.AccountID]*document{})
	return s
}

func (s *shelf) get(account ident.AccountID) *document { return (*s.documents.Load())[account] }

func (s *shelf) put(account ident.AccountID, d *document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := maps.Clone(*s.documents.Load())
	next[account] = d
	s.documents.Store(&next)
}
