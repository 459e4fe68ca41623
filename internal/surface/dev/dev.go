package dev

import (
	"bytes"
	"context"
	"embed"
	"html/template"
	"io"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
)

//go:embed templates assets
var files embed.FS

// Mail is a mail that was not sent.
type Mail struct {
	ID      string
	To      string
	Subject string
	Text    string
	SentAt  time.Time
}

// Mailbox holds the mails of an account, newest first.
type Mailbox interface {
	List(ctx context.Context, account ident.AccountID) ([]Mail, error)
}

// Deps is what the surface works with.
type Deps struct {
	Mailbox Mailbox
	// Issuer is the account's absolute base URL. Only links that begin with it can be followed
	// from the mailbox.
	Issuer func(ident.AccountID) string
	Clock  clock.Clock
	Errors web.ErrorWriter // how a page says what went wrong
}

// Surface is the two pages.
type Surface struct {
	deps      Deps
	templates *template.Template
}

// New reads the templates. It fails only when one of them is broken.
func New(d Deps) (*Surface, error) {
	t, err := template.ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	return &Surface{deps: d, templates: t}, nil
}

// Routes are the pages' routes.
func (s *Surface) Routes() []web.Route {
	route := func(pattern string, h web.Handler) web.Route {
		return web.Route{
			Method: http.MethodGet, Pattern: pattern, Auth: web.Local, Scope: web.Account, Limit: web.LimitNone, CORS: web.NoCORS,
			Handler: h, Errors: s.deps.Errors,
		}
	}
	return []web.Route{
		route("/{$}", s.showRoot),
		route("/try", s.showTry),
		route("/dev/mailbox", s.showMailbox),
		route("/dev/mailbox/newest", s.newest),
		route("/dev/assets/{name}", s.serveAsset),
	}
}

const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func (s *Surface) write(w http.ResponseWriter, name string, data any) error {
	var b bytes.Buffer
	if err := s.templates.ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Referrer-Policy", "same-origin")
	_, err := w.Write(b.Bytes())
	return err
}

// showRoot leads whoever types the server's address to the page that shows what it does.
func (s *Surface) showRoot(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Location", "/try")
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

func (s *Surface) showTry(w http.ResponseWriter, r *http.Request) error {
	// The machine has several names, and a redirect URL only one.
	if issuer := s.deps.Issuer(web.AccountOf(r)); "http://"+r.Host != issuer && r.URL.RawQuery == "" {
		w.Header().Set("Location", issuer+"/try")
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	return s.write(w, "try.html", struct {
		Issuer      string
		Application ident.ApplicationID
	}{s.deps.Issuer(web.AccountOf(r)), ident.DefaultApplication})
}

// entry is a mail as the page shows it.
type entry struct {
	Mail
	Code string // the first number of six digits, or empty
	Link string // the first link to this server, as a path, or empty
	Age  string
}

var (
	codeForm = regexp.MustCompile(`\b[0-9]{6}\b`)
	linkForm = regexp.MustCompile(`https?://[^\s<>"]+`)
)

func (s *Surface) showMailbox(w http.ResponseWriter, r *http.Request) error {
	mails, err := s.deps.Mailbox.List(r.Context(), web.AccountOf(r))
	if err != nil {
		return err
	}
	issuer := s.deps.Issuer(web.AccountOf(r)) + "/"
	data := struct {
		Newest string
		Mails  []entry
	}{Newest: newestOf(mails)}
	for _, m := range mails {
		e := entry{Mail: m, Code: codeForm.FindString(m.Text), Age: age(s.deps.Clock.Now().Sub(m.SentAt))}
		for _, link := range linkForm.FindAllString(m.Text, 4) {
			if strings.HasPrefix(link, issuer) {
				e.Link = "/" + strings.TrimPrefix(link, issuer)
				break
			}
		}
		data.Mails = append(data.Mails, e)
	}
	return s.write(w, "mailbox.html", data)
}

func newestOf(mails []Mail) string {
	if len(mails) == 0 {
		return ""
	}
	return mails[0].ID
}

// newest answers with the id of the newest mail, so that an open mailbox knows when to reload.
func (s *Surface) newest(w http.ResponseWriter, r *http.Request) error {
	mails, err := s.deps.Mailbox.List(r.Context(), web.AccountOf(r))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err = io.WriteString(w, newestOf(mails))
	return err
}

func age(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return "just now"
	case d < time.Minute:
		return "less than a minute ago"
	case d < 2*time.Minute:
		return "a minute ago"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d/time.Minute)) + " minutes ago"
	}
	return "a while ago"
}

var kinds = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}

var errNoAsset = fault.New(fault.NotFound, fault.CodeNotFound, "There is nothing at this address.")

func (s *Surface) serveAsset(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	b, err := files.ReadFile("assets/" + path.Base(name))
	if err != nil || kinds[path.Ext(name)] == "" {
		return errNoAsset
	}
	w.Header().Set("Content-Type", kinds[path.Ext(name)])
	w.Header().Set("Cache-Control", "no-cache")
	_, err = w.Write(b)
	return err
}
