package registration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/strictjson"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/remote"
)

// Bounds of metadata documents.
const (
	MaxDocument   = 16 << 10 // bytes
	MaxDocumentID = 512      // bytes of the URL

	documentFresh = time.Hour       // where the host says nothing
	freshLeast    = 5 * time.Minute // what hosts may say
	freshMost     = 24 * time.Hour
	documentStale = time.Hour        // how long an old document serves while its host cannot be reached
	askDocument   = 30 * time.Second // a host is asked this seldom
)

// Fetcher is remote.Client.
type Fetcher interface {
	Fetch(ctx context.Context, address string, limit int64) (remote.Answer, error)
}

// DocumentDeps is what Documents works with.
type DocumentDeps struct {
	Fetch    Fetcher
	Settings func(ident.AccountID) Settings
	Clock    clock.Clock
	// From tells where the request that ctx belongs to comes from; invalid for work of the server's own.
	// Nil is always that.
	From func(context.Context) netip.Addr
}

// Documents finds clients whose id is the URL of their metadata document. It implements party.Documents.
type Documents struct {
	d      DocumentDeps
	memory remote.Memory[document]
	budget *budget
}

// NewDocuments makes it, remembering nothing.
func NewDocuments(d DocumentDeps) *Documents { return &Documents{d: d, budget: newBudget(d.Clock)} }

type document struct {
	client   oauth.Client
	anyScope bool // it names none
	fresh    time.Duration
}

// errDocument says that a document is there and is no good.
var errDocument = errors.New("registration: the metadata document is no good")

// Client returns the client of a document. An account that does not allow the document's host is never
// a reason to fetch it.
func (d *Documents) Client(ctx context.Context, account ident.AccountID, id string) (oauth.Client, error) {
	settings := d.d.Settings(account)
	if err := allowed(id, settings.DocumentHosts); err != nil {
		return oauth.Client{}, oauth.Fail(oauth.InvalidClient, "This account does not take the client metadata document at that address.").With(err)
	}
	var from netip.Addr
	if d.d.From != nil {
		from = d.d.From(ctx)
	}
	found, err := d.memory.Recall(ctx, remote.Question[document]{
		Place: remote.Place{Account: account, Address: id}, Clock: d.d.Clock, Every: askDocument, Stale: documentStale,
		Fresh: func(x document) time.Duration { return x.fresh },
		Final: func(err error) bool {
			return errors.Is(err, errDocument) || errors.Is(err, remote.ErrAnswer) || oauth.CodeOf(err) != ""
		},
		Admit: func(known bool) (func(), error) { return d.budget.take(from, hostOf(id), known) },
		Fetch: func(ctx context.Context) (document, error) {
			answer, err := d.d.Fetch.Fetch(ctx, id, MaxDocument)
			if err != nil {
				return document{}, err
			}
			x, err := read(id, answer.Body)
			x.fresh = freshness(answer.MaxAge)
			return x, err
		},
	})
	var refused *oauth.Error
	switch {
	case errors.As(err, &refused):
		return oauth.Client{}, oauth.Fail(oauth.InvalidClient, "The client metadata document cannot be used: "+refused.Description).With(err)
	case errors.Is(err, errDocument), errors.Is(err, remote.ErrAnswer):
		return oauth.Client{}, oauth.Fail(oauth.InvalidClient, "There is no usable client metadata document at the client_id.").With(err)
	case err != nil:
		return oauth.Client{}, fault.New(fault.Unavailable, fault.CodeUnavailable, "The client's metadata document cannot be fetched now.").With(err)
	}
	c := found.client
	c.Account = account
	if found.anyScope {
		c.Settings.Scopes = settings.Scopes
	}
	return Fit(c, settings), nil
}

// Fit holds a client that the account did not make to what the account's settings allow such clients
// now. One that names no scopes may ask for all of those.
func Fit(c oauth.Client, s Settings) oauth.Client {
	if len(c.Settings.Scopes) == 0 {
		c.Settings.Scopes = application.DefaultScopes
	}
	scopes := s.Scopes
	if len(scopes) == 0 {
		scopes = application.DefaultScopes
	}
	kept := make([]string, 0, len(scopes))
	for _, one := range c.Settings.Scopes {
		if slices.Contains(scopes, one) {
			kept = append(kept, one)
		}
	}
	c.Settings.Scopes, c.Settings.Resources, c.Settings.ThirdParty = kept, s.Resources, true
	return c
}

// allowed judges an id before anything is fetched: an https URL with a path, in its one spelling, on a
// host that the account names.
func allowed(id string, hosts []string) error {
	rest, ok := strings.CutPrefix(id, "https://")
	switch {
	case len(hosts) == 0:
		return errors.New("the account takes no documents")
	case !ok || len(id) > MaxDocumentID:
		return errors.New("the id is no https URL of at most 512 characters")
	case strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\\\"<>^`{|}#?@%", r) }):
		return errors.New("the id has a character that two readers could understand differently")
	}
	host, path, found := strings.Cut(rest, "/")
	u, err := url.Parse(id)
	switch {
	case err != nil || !found || path == "" || u.Host != host || u.Path != "/"+path:
		return errors.New("the id has no path, or is not in its one spelling")
	case slices.ContainsFunc(strings.Split(path, "/"), func(s string) bool { return s == "." || s == ".." }):
		return errors.New("the id has a dot segment")
	case host != strings.ToLower(host) || numeric(u.Hostname()) || !strings.Contains(u.Hostname(), ".") || strings.HasSuffix(u.Hostname(), "."):
		return errors.New("the id's host is no lower-case domain name")
	case !slices.Contains(hosts, "*") && !slices.Contains(hosts, host):
		return errors.New("the account does not name this host")
	}
	return nil
}

// numeric tells whether a host is an address, or what some parser takes for one.
func numeric(host string) bool {
	_, err := netip.ParseAddr(host)
	last := host[strings.LastIndexByte(host, '.')+1:]
	return err == nil || strings.HasPrefix(last, "0x") || strings.Trim(last, "0123456789") == ""
}

// read makes a client of a document.
func read(id string, body []byte) (document, error) {
	var m struct {
		ClientID string          `json:"client_id"`
		Secret   json.RawMessage `json:"client_secret"`
		Expires  json.RawMessage `json:"client_secret_expires_at"`
		Metadata
	}
	if err := strictjson.Unmarshal(body, &m); err != nil {
		return document{}, fmt.Errorf("%w: %w", errDocument, err)
	}
	switch {
	case m.ClientID != id:
		return document{}, bad("its client_id is not its own address, byte for byte.")
	case len(m.Secret) > 0 || len(m.Expires) > 0:
		return document{}, bad("a public document has no secret.")
	case m.AuthMethod == "":
		m.AuthMethod = string(application.AuthNone)
	}
	if m.AuthMethod != string(application.AuthNone) && m.AuthMethod != string(application.AuthPrivateKeyJWT) {
		return document{}, bad("token_endpoint_auth_method is none or private_key_jwt.")
	}
	// The document is for every server: what this one does not have is no reason to refuse it.
	m.GrantTypes = slices.DeleteFunc(m.GrantTypes, func(g string) bool { return !slices.Contains(openGrants, g) })
	m.ResponseTypes = slices.DeleteFunc(m.ResponseTypes, func(t string) bool { return t != "code" })
	wanted := strings.Fields(m.Scope)
	o, err := m.settings(append(wanted, application.DefaultScopes...))
	if err != nil {
		return document{}, err
	}
	c := oauth.Client{ID: id, Kind: oauth.Document, Name: m.Name, RedirectURIs: m.RedirectURIs, Settings: o.Filled()}
	if (application.Application{ID: "app_document", Name: m.Name, RedirectMode: application.Exact, SessionType: application.MultiSession}).Validate() != nil {
		c.Name = c.Host() // no name, or one that a page should not show
	}
	return document{client: c, anyScope: len(wanted) == 0}, nil
}

// freshness is how long a document is kept, within bounds.
func freshness(said time.Duration) time.Duration {
	if said == 0 {
		return documentFresh
	}
	return min(max(said, freshLeast), freshMost)
}
