package back

import (
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/introspection"
	"github.com/admit-id/admit/internal/surface/oidc/wire"
)

const typeIntrospection = "application/token-introspection+jwt"

func (s *Surface) introspect(w http.ResponseWriter, r *http.Request) error {
	wire.NoStore(w.Header())
	form, err := wire.Form(r)
	if err != nil {
		return err
	}
	signed := accepts(r, typeIntrospection)
	body, err := s.d.Facts.Introspect(r.Context(), introspection.Request{Actor: web.ActorOf(r), Presented: s.presented(r, form, PathIntrospect)}, signed)
	if err != nil {
		return err
	}
	if signed {
		w.Header()["Content-Type"] = []string{typeIntrospection}
		w.Write(body) // a client that has gone is no error of ours
		return nil
	}
	return web.JSONBytes(w, http.StatusOK, body)
}

// accepts tells whether the request names a media type in Accept.
func accepts(r *http.Request, kind string) bool {
	for _, line := range r.Header["Accept"] {
		for one := range strings.SplitSeq(line, ",") {
			if name, params, err := mime.ParseMediaType(one); err == nil && name == kind && params["q"] != "0" {
				return true
			}
		}
	}
	return false
}

// revoke answers 200 only for what is durable; a client hears when to come again (RFC 7009 section 2.2.1).
func (s *Surface) revoke(w http.ResponseWriter, r *http.Request) error {
	wire.NoStore(w.Header())
	form, err := wire.Form(r)
	if err != nil {
		return err
	}
	err = s.d.Facts.Revoke(r.Context(), introspection.Request{Actor: web.ActorOf(r), Presented: s.presented(r, form, PathRevoke)})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

var errNoToken = errors.New("back: no token in the Authorization header")

// userinfo answers the holder of an access token. The token comes in the Authorization header, the
// only place a token may come in.
func (s *Surface) userinfo(w http.ResponseWriter, r *http.Request) error {
	text := web.BearerOf(r)
	if text == "" {
		w.Header()["Www-Authenticate"] = []string{`Bearer realm="admit"`, `DPoP realm="admit", algs="EdDSA ES256 RS256 PS256"`}
		return oauth.Fail(oauth.InvalidToken, "This needs an access token: send it once, as Authorization: Bearer TOKEN, or with DPoP where it is bound to a key.").With(errNoToken)
	}
	l, err := s.d.Reader.Look(r.Context(), web.AccountOf(r), text)
	if err != nil {
		return err
	}
	if err := web.Prove(w, r, text, l.Bound); err != nil {
		return err
	}
	out, err := s.d.Facts.Userinfo(r.Context(), l)
	if err != nil {
		return err
	}
	if out.JWT {
		w.Header()["Content-Type"] = []string{"application/jwt"}
		w.Write(out.Body) // a client that has gone is no error of ours
		return nil
	}
	return web.JSONBytes(w, http.StatusOK, out.Body)
}
