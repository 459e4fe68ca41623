package hosted

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/hosted/catalogue"
)

//go:embed templates
var templateFiles embed.FS

// pages are the parsed templates by name; each is the layout with one body.
type pages map[string]*template.Template

func loadPages() (pages, error) {
	layout, err := template.ParseFS(templateFiles, "templates/layout.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	all := pages{}
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" {
			continue
		}
		t, err := layout.Clone()
		if err != nil {
			return nil, err
		}
		if all[name], err = t.ParseFS(templateFiles, file); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// page is what a template sees. Members that do not belong to a page are zero.
type page struct {
	catalogue.Texts
	Brand     brand
	Theme     string
	Languages []languageLink
	Locale    string // the ui_locales that this page was asked with; forms carry it on
	Mailbox   string // path of the development mailbox, or empty
	loopback  bool   // this server is on loopback, and so may be applications and providers

	Title      string
	Named      bool // the account's name stands beside its logo, because the heading lacks it
	Wide       bool
	Long       bool   // the account's name needs a smaller heading
	Alert      string // what went wrong with the page as a whole
	Notice     string // what went well
	FieldError string // what is wrong with the page's field

	ID          ident.LoginID
	EmailCode   bool
	Email       string
	Connections []connectionButton
	Minutes     int
	Person      person
	OtherURL    string

	// Of links and setup.
	Token     string
	Issuer    string
	AccessKey string

	// Of messages: catalogue keys, unless a comment says otherwise.
	Heading, Lead, Submit, Note string
	Provider                    string  // a name
	Tone, Sign                  string  // style and icon
	Action, Target              string  // where the button posts, or leads
	Command                     string  // to type in a terminal
	Reference                   string  // the request id
	Fields                      []field // hidden ones, of a form that leaves

	// Of pages that ask a person about a client, and of the end of a session.
	Ask    *question
	Frames []string
	Onward template.URL

	assets assets
}

type brand struct{ Name, Logo, Initial string }

type person struct{ Name, Email, Initial string }

type connectionButton struct {
	ID   ident.ConnectionID
	Name string
	Icon string
	Last bool
}

type languageLink struct {
	catalogue.Language
	URL     string
	Current bool
}

// Lang is the page's language for <html lang>.
func (p page) Lang() string { return p.Language.Tag }

// T is a text of the catalogue.
func (p page) T(key string, values ...any) string { return p.Text(key, values...) }

// Asset is the address of a static file.
func (p page) Asset(name string) string { return p.assets.path(name) }

// longName is the number of characters from which an account's name is set smaller.
const longName = 26

// newPage starts a page: the account's looks, the reader's language. The title is a key.
func (s *Surface) newPage(r *http.Request, title string) page {
	b := s.deps.Accounts.Brand(web.AccountOf(r))
	locale := wishedLocale(r)
	p := page{
		Texts:  s.catalogue.Choose(locale, r.Header.Get("Accept-Language"), b.Locale),
		Brand:  brand{Name: b.Name, Initial: initial(b.Name)},
		Theme:  themePath(b.Accent),
		Locale: locale,
		Named:  true,
		Long:   utf8.RuneCountInString(b.Name) >= longName,
		assets: s.assets,
	}
	if p.Brand.Name == "" {
		p.Brand = brand{Name: "Admit", Initial: "A"}
	}
	p.Brand.Logo = s.logoPath(r.Context(), b.Logo)
	p.loopback = !s.secure(web.AccountOf(r))
	if s.deps.Development {
		p.Mailbox = "/dev/mailbox"
	}
	p.Title = p.T(title)
	return p
}

// wishedLocale is the ui_locales of the query or the form, if it can be one.
func wishedLocale(r *http.Request) string {
	wish := r.URL.Query().Get("ui_locales")
	if wish == "" && r.Method == http.MethodPost {
		wish = r.PostFormValue("ui_locales")
	}
	if len(wish) > 64 || strings.ContainsFunc(wish, func(c rune) bool {
		return c != ' ' && c != '-' && (c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c))
	}) {
		return ""
	}
	return wish
}

// languageLinks lead to the same page in every language. here is the page's own address.
func languageLinks(current, here string) []languageLink {
	u, err := url.Parse(here)
	if err != nil {
		return nil
	}
	var links []languageLink
	for _, l := range catalogue.Languages() {
		q := u.Query()
		q.Set("ui_locales", l.Tag)
		links = append(links, languageLink{Language: l, URL: u.Path + "?" + q.Encode(), Current: l.Tag == current})
	}
	return links
}

// initial is the letter that stands for a name.
func initial(name string) string {
	for _, c := range name {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return string(unicode.ToUpper(c))
		}
	}
	return "•"
}

// write renders the page and sends it. targets are the origins, besides our own, to which a
// form's answer may lead.
func (s *Surface) write(w http.ResponseWriter, status int, name string, p page, targets ...string) error {
	var b bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&b, "layout", p); err != nil {
		return err
	}
	if p.loopback {
		targets = append(targets, "http://localhost:*", "http://127.0.0.1:*")
	}
	return send(w, status, &b, policy(targets)+frameSources(p.Frames))
}

// writeUnder renders the page and sends it under a policy of its own.
func (s *Surface) writeUnder(w http.ResponseWriter, status int, name string, p page, policy string) error {
	var b bytes.Buffer
	if err := s.pages[name].ExecuteTemplate(&b, "layout", p); err != nil {
		return err
	}
	return send(w, status, &b, policy)
}

func send(w http.ResponseWriter, status int, b *bytes.Buffer, policy string) error {
	protect(w.Header(), policy)
	w.WriteHeader(status)
	_, err := w.Write(b.Bytes())
	return err
}

// protect sets the headers that every page has.
func protect(h http.Header, policy string) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), browsing-topics=()")
	// Not no-referrer: with it a browser sends "Origin: null" with our own forms, and the
	// check of the origin would refuse those that know no Sec-Fetch-Site.
	h.Set("Referrer-Policy", "same-origin")
}

// policy is the Content-Security-Policy of a page. Browsers hold the redirects that follow
// a form to form-action as well, the application's and a provider's own ones included, so
// https is open there; everything else is closed but our own files.
func policy(formTargets []string) string {
	return "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self' https:" +
		strings.Join(append([]string{""}, formTargets...), " ") +
		"; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

// formTarget is the source expression that lets a form lead to a page of the application
// that is not https: one on loopback, or one of a native application's own scheme.
func formTarget(address string) []string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "" || u.Scheme == "https" || strings.ContainsAny(u.Host, " ;,'\"") {
		return nil
	}
	if u.Scheme == "http" && strings.HasPrefix(u.Host, "[") {
		return []string{"http:"} // the grammar of the policy has no IPv6 addresses
	}
	if u.Scheme == "http" {
		return []string{"http://" + u.Host}
	}
	return []string{u.Scheme + ":"}
}
