package party

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// Deps is what the package works with.
type Deps struct {
	DB           tx.Runner
	Applications Applications
	Services     Services
	Extensions   Extensions
	Documents    Documents
	Fit          func(oauth.Client) oauth.Client // holds clients that registered themselves to the account's rules; see registration.Fit
	Assertions   Assertions
	Remote       Remote
	Issuer       func(ident.AccountID) string
	Clock        clock.Clock
}

// Parties finds clients and lets them prove themselves. It implements oauth.Clients.
type Parties struct {
	d       Deps
	keys    keyCache
	guesses *guesses
}

// New makes it.
func New(d Deps) *Parties {
	return &Parties{d: d, keys: keyCache{remote: d.Remote, clock: d.Clock}, guesses: newGuesses(d.Clock)}
}

var _ oauth.Clients = (*Parties)(nil)

// AssertionType is the client_assertion_type of every assertion (RFC 7523 section 2.2).
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// maxClientID is how long a client_id may be, in bytes.
const maxClientID = 2048

// claim is how a request says which client it comes from.
type claim struct {
	id        string
	method    string // "", "basic", "post" or "assertion"
	secret    string
	assertion string
}

// Authenticate returns the client that a request comes from, when it has proved itself in exactly
// its registered way. Errors: an *oauth.Error with InvalidClient or InvalidRequest; a fault of kind
// Limited after too many wrong proofs, or Unavailable when a client's keys cannot be had now. It may
// fetch and write, and so must not be called inside a unit of work.
func (p *Parties) Authenticate(ctx context.Context, account ident.AccountID, r Presented) (oauth.Client, error) {
	said, err := read(r)
	if err != nil {
		return oauth.Client{}, err
	}
	if said.method != "" { // who presents nothing guesses nothing: others' guesses shut no public client out
		if err := p.guesses.allow(account, said.id, r.Address); err != nil {
			return oauth.Client{}, err
		}
	}
	c, err := p.Client(ctx, account, said.id)
	if err == nil {
		err = p.prove(ctx, c, said, r)
	} else if said.method == "post" || said.method == "basic" {
		p.dummy(said.secret)
	}
	if err == nil {
		return c, nil
	}
	if oauth.CodeOf(err) == oauth.InvalidClient && said.method != "" && p.guesses.wrong(account, said.id, r.Address) && c.ID != "" {
		if failed := p.tell(ctx, c, r); failed != nil {
			return oauth.Client{}, failed
		}
	}
	return oauth.Client{}, whose(c, err)
}

// whose adds for the log which client it was; the answer is the same.
func whose(c oauth.Client, err error) error {
	e, ok := errors.AsType[*oauth.Error](err)
	switch {
	case !ok || c.ID == "":
		return err
	case e.Err == nil:
		return e.With(errors.New("client " + c.ID))
	}
	return e.With(fmt.Errorf("client %s: %w", c.ID, e.Err))
}

// prove lets the client's registered method judge, after seeing that it is the one that was used.
func (p *Parties) prove(ctx context.Context, c oauth.Client, said claim, r Presented) error {
	if c.Kind == oauth.Service {
		return p.proveService(ctx, c, said, r)
	}
	method := c.Settings.AuthMethod
	if said.method != usual[method] {
		return errUnknown.With(errors.New("another method than the registered one"))
	}
	switch method {
	case application.AuthNone:
		return nil
	case application.AuthSecretBasic, application.AuthSecretPost:
		return p.secret(c, said.secret)
	case application.AuthPrivateKeyJWT:
		return p.ownAssertion(ctx, c, said.assertion, r)
	case application.AuthWorkload:
		return p.workload(ctx, c, said.assertion)
	case application.AuthTLS:
		return subject(c, r)
	case application.AuthSelfSignedTLS:
		return p.selfSigned(ctx, c, r)
	}
	return errUnknown.With(errors.New("the client has a method that is not known"))
}

// usual is what a request shows of each method besides its client_id.
var usual = map[application.AuthMethod]string{
	application.AuthNone: "", application.AuthTLS: "", application.AuthSelfSignedTLS: "",
	application.AuthSecretBasic: "basic", application.AuthSecretPost: "post",
	application.AuthPrivateKeyJWT: "assertion", application.AuthWorkload: "assertion",
}

// read finds out how a request says whose it is. More than one way is refused (RFC 6749 section 2.3).
func read(r Presented) (claim, error) {
	c := claim{id: r.Form.Get("client_id")}
	ways := 0
	if len(r.Authorization) > 0 {
		ways++
		if err := c.readBasic(r); err != nil {
			return c, err
		}
	}
	if r.Form.Has("client_secret") {
		ways++
		c.method, c.secret = "post", r.Form.Get("client_secret")
	}
	if r.Form.Has("client_assertion") || r.Form.Has("client_assertion_type") {
		ways++
		c.method, c.assertion = "assertion", r.Form.Get("client_assertion")
		if r.Form.Get("client_assertion_type") != AssertionType {
			return c, oauth.Fail(oauth.InvalidClient, "client_assertion_type must be "+AssertionType+".")
		}
		if c.id == "" {
			c.id = peekIssuer(c.assertion)
		}
	}
	switch {
	case ways > 1:
		return c, oauth.Fail(oauth.InvalidRequest, "The client has authenticated in more than one way. Use only its registered one.")
	case c.id == "":
		return c, oauth.Fail(oauth.InvalidClient, "The request does not say which client it comes from. Send client_id, or authenticate the client.")
	case len(c.id) > maxClientID || !utf8.ValidString(c.id):
		return c, errUnknown
	}
	return c, nil
}

var errBasic = oauth.Fail(oauth.InvalidClient, "The Authorization header must be Basic, with client id and secret each form-urlencoded, joined by a colon and base64-encoded.")

// readBasic reads the header as RFC 6749 section 2.3.1 wants it: id and secret are each
// form-urlencoded before they are joined.
func (c *claim) readBasic(r Presented) error {
	if len(r.Authorization) > 1 {
		return oauth.Fail(oauth.InvalidRequest, "There is more than one Authorization header.")
	}
	scheme, value, ok := strings.Cut(r.Authorization[0], " ")
	if !ok || !strings.EqualFold(scheme, "Basic") {
		return errBasic
	}
	plain, err := base64.StdEncoding.Strict().DecodeString(value)
	if err != nil || strings.ContainsAny(value, "\r\n") || !utf8.Valid(plain) {
		return errBasic
	}
	user, password, ok := strings.Cut(string(plain), ":")
	if !ok {
		return errBasic
	}
	id, err1 := url.QueryUnescape(user)
	text, err2 := url.QueryUnescape(password)
	if err := errors.Join(err1, err2); err != nil || id == "" || !utf8.ValidString(id) || !utf8.ValidString(text) {
		return errBasic
	}
	if r.Form.Has("client_id") && r.Form.Get("client_id") != id {
		return oauth.Fail(oauth.InvalidRequest, "client_id is another than the one in the Authorization header.")
	}
	c.id, c.method, c.secret = id, "basic", text
	return nil
}

// now is the time by which proofs are judged.
func (p *Parties) now() time.Time { return p.d.Clock.Now() }
