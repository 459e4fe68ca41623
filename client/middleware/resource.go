package middleware

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/admit-id/admit/client/dpop"
)

// Resource is the metadata of an API (RFC 9728): clients that know only the API learn from it where
// to get tokens. AI agents that speak MCP find their way so.
type Resource struct {
	// ID is the resource identifier, an https URL without a fragment: the audience of the tokens.
	ID string
	// Issuers are the authorization servers whose tokens the API takes, as their issuer URLs.
	Issuers []string
	// Scopes are those that the API knows.
	Scopes []string
	// Name is shown to people; Documentation is a page about the API. Both are optional.
	Name          string
	Documentation string
	// OnlyBound says that every token must be bound to a key (Options.OnlyBound).
	OnlyBound bool
}

const wellKnown = "/.well-known/oauth-protected-resource"

// MetadataURL returns where clients look for the metadata, for Options.Metadata (RFC 9728 section 3.1).
func (r Resource) MetadataURL() (string, error) {
	u, err := r.parse()
	if err != nil {
		return "", err
	}
	path := u.EscapedPath()
	if path == "/" {
		path = ""
	}
	out := u.Scheme + "://" + u.Host + wellKnown + path
	if u.RawQuery != "" {
		out += "?" + u.RawQuery
	}
	return out, nil
}

func (r Resource) parse() (*url.URL, error) {
	u, err := url.Parse(r.ID)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Opaque != "" || strings.Contains(r.ID, "#"):
		return nil, errors.New("middleware: the resource's ID must be a URL without a fragment")
	case u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" && u.Hostname() != "::1"):
		return nil, errors.New("middleware: the resource's ID must be https; http is for localhost only")
	case len(r.Issuers) == 0:
		return nil, errors.New("middleware: the resource names no issuer")
	}
	return u, nil
}

// Handler returns the handler of the metadata and the path to serve it at.
func (r Resource) Handler() (path string, h http.Handler, err error) {
	where, err := r.MetadataURL()
	if err != nil {
		return "", nil, err
	}
	u, err := url.Parse(where)
	if err != nil {
		return "", nil, fmt.Errorf("middleware: %w", err)
	}
	body, err := json.Marshal(struct {
		Resource      string   `json:"resource"`
		Issuers       []string `json:"authorization_servers"`
		Scopes        []string `json:"scopes_supported,omitempty"`
		Methods       []string `json:"bearer_methods_supported"`
		Name          string   `json:"resource_name,omitempty"`
		Documentation string   `json:"resource_documentation,omitempty"`
		Algorithms    []string `json:"dpop_signing_alg_values_supported"`
		OnlyBound     bool     `json:"dpop_bound_access_tokens_required,omitempty"`
	}{r.ID, r.Issuers, r.Scopes, []string{"header"}, r.Name, r.Documentation, dpop.Algorithms(), r.OnlyBound})
	if err != nil {
		return "", nil, err
	}
	return u.EscapedPath(), http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Method != http.MethodGet && q.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "public, max-age=300")
		h.Set("Access-Control-Allow-Origin", "*")
		_, _ = w.Write(body) // the caller may be gone
	}), nil
}
