package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/hosted/catalogue"
)

//go:embed templates
var templateFiles embed.FS

// Page is what every template sees. A package's own pages embed it. Members that do not belong to a page are
// zero.
type Page struct {
	catalogue.Texts
	Brand     Looks
	Theme     string
	Languages []LanguageLink
	Locale    string // the ui_locales that this page was asked with; forms carry it on
	Mailbox   string // path of the development mailbox, or empty
	Frames    []string

	Title      string
	Named      bool // the account's name stands beside its logo, because the heading lacks it
	Wide       bool
	Long       bool     // the account's name needs a smaller heading
	Alert      string   // what went wrong with the page as a whole
	Notice     string   // what went well
	FieldError string   // what is wrong with the page's field
	Styles     []string // stylesheets besides the common one, by name
	Scripts    []string // scripts besides the common one, by name

	Person Person  // whom the page is about
	Fields []Field // hidden ones, that {{template "fields" .}} writes

	// Of messages: catalogue keys, unless a comment says otherwise.
	Heading, Lead, Submit, Note string
	Provider                    string // a name
	Tone, Sign                  string // style and icon
	Action, Target              string // where the button posts, or leads
	Command                     string // to type in a terminal
	Reference                   string // the request id

	assets   assets
	loopback bool // this server is on loopback, and so may be applications and providers
}

// Looks is an account on a page.
type Looks struct{ Name, Logo, Initial string }

// Person is somebody on a page.
type Person struct{ Name, Email, Initial string }

// Field is a hidden field of a form.
type Field struct{ Name, Value string }

// LanguageLink leads to the same page in another language.
type LanguageLink struct {
	catalogue.Language
	URL     string
	Current bool
}

// Document is what Write sends: a struct that embeds *Page.
type Document interface{ page() *Page }

func (p *Page) page() *Page { return p }

// Lang is the page's language for <html lang>.
func (p *Page) Lang() string { return p.Language.Tag }

// T is a text of the catalogue.
func (p *Page) T(key string, values ...any) string { return p.Text(key, values...) }

// Asset is the address of a static file.
func (p *Page) Asset(name string) string { return p.assets.path(name) }

// Sentence makes a heading the first sentence of several.
func (p *Page) Sentence(key string, values ...any) string {
	if p.Lang() == "ja" {
		return p.T(key, values...) + "。"
	}
	return p.T(key, values...) + ". "
}

// WordSpace stands between two sentences.
func (p *Page) WordSpace() string {
	if p.Lang() == "ja" {
		return ""
	}
	return " "
}

// Fault puts a sentence to the page's field, and says so in its title.
func (p *Page) Fault(sentence string) {
	p.FieldError = sentence
	p.Title = p.T("problem") + ": " + p.Title
}

// At links to the same page in every language. here is the page's own address: path and query.
func (p *Page) At(here string) {
	u, err := url.Parse(here)
	if err != nil {
		return
	}
	p.Languages = nil
	for _, l := range catalogue.Languages() {
		q := u.Query()
		q.Set("ui_locales", l.Tag)
		p.Languages = append(p.Languages, LanguageLink{Language: l, URL: u.Path + "?" + q.Encode(), Current: l.Tag == p.Lang()})
	}
}

// Hide adds a hidden field to the page's forms; an empty value is left out.
func (p *Page) Hide(name, value string) {
	if value != "" {
		p.Fields = append(p.Fields, Field{name, value})
	}
}

// longName is the number of characters from which an account's name is set smaller.
const longName = 26

// Page starts a page: the account's looks, the reader's language. The title is a key.
func (k *Kit) Page(r *http.Request, title string) *Page {
	b := k.Brand(web.AccountOf(r))
	locale := WishedLocale(r)
	p := &Page{
		Texts:  k.catalogue.Choose(locale, r.Header.Get("Accept-Language"), b.Locale),
		Brand:  Looks{Name: b.Name, Initial: Initial(b.Name)},
		Theme:  themePath(b.Accent),
		Locale: locale,
		Named:  true,
		Long:   utf8.RuneCountInString(b.Name) >= longName,
		assets: k.assets,
	}
	if p.Brand.Name == "" {
		p.Brand = Looks{Name: "Admit", Initial: "A"}
	}
	p.Brand.Logo = k.logoPath(r.Context(), b.Logo)
	p.loopback = !k.Secure(web.AccountOf(r))
	if k.deps.Development {
		p.Mailbox = "/dev/mailbox"
	}
	p.Title = p.T(title)
	return p
}

// WishedLocale is the ui_locales of the query or the form, if it can be one.
func WishedLocale(r *http.Request) string {
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

// Initial is the letter that stands for a name.
func Initial(name string) string {
	for _, c := range name {
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			return string(unicode.ToUpper(c))
		}
	}
	return "•"
}

// Set are parsed templates by name; each is the layout with one body.
type Set struct {
	byName map[string]*template.Template
}

// Set parses templates/*.html of a package: each defines "body". Templates whose names begin with an
// underscore define parts that all the others may use.
func (k *Kit) Set(files fs.FS) (Set, error) {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return Set{}, err
	}
	base, err := k.layout.Clone()
	if err != nil {
		return Set{}, err
	}
	all := Set{byName: map[string]*template.Template{}}
	for _, file := range names {
		if strings.HasPrefix(path.Base(file), "_") {
			if base, err = base.ParseFS(files, file); err != nil {
				return Set{}, err
			}
		}
	}
	for _, file := range names {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || strings.HasPrefix(name, "_") {
			continue
		}
		t, err := base.Clone()
		if err != nil {
			return Set{}, err
		}
		if all.byName[name], err = t.ParseFS(files, file); err != nil {
			return Set{}, err
		}
	}
	return all, nil
}

// Write renders the page and sends it. targets are the origins, besides our own, to which a
// form's answer may lead (FormTarget).
func (s Set) Write(w http.ResponseWriter, status int, name string, d Document, targets ...string) error {
	p := d.page()
	if p.loopback {
		targets = append(targets, "http://localhost:*", "http://127.0.0.1:*")
	}
	return s.WriteUnder(w, status, name, d, policy(targets)+frameSources(p.Frames))
}

// WriteUnder renders the page and sends it under a policy of its own.
func (s Set) WriteUnder(w http.ResponseWriter, status int, name string, d Document, policy string) error {
	t, ok := s.byName[name]
	if !ok {
		return fmt.Errorf("page: there is no template %q", name)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", d); err != nil {
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
	return "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self' https:" +
		strings.Join(append([]string{""}, formTargets...), " ") +
		"; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
}

// FormTarget is the source expression that lets a form lead to a page of the application
// that is not https: one on loopback, or one of a native application's own scheme.
func FormTarget(address string) []string {
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

// frameSources are the origins of the frames of a page, as the policy wants them.
func frameSources(frames []string) string {
	var out []string
	for _, f := range frames {
		u, err := url.Parse(f)
		if err != nil || u.Host == "" || strings.ContainsAny(u.Host, " ;,'\"*") || u.Scheme != "https" && u.Scheme != "http" {
			continue
		}
		out = append(out, u.Scheme+"://"+u.Host)
	}
	if out == nil {
		return ""
	}
	return "; frame-src " + strings.Join(out, " ")
}
