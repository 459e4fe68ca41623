// Package catalogue owns the texts that people read: those of the pages and of the
// mails, in every language that Admit speaks. It knows nothing of HTML or HTTP.
//
// A text is looked up by its key. The JSON files next to this one, some of which hold one
// part of the pages (factor.en.json), have the same keys in every language (a test proves it), with CLDR plurals where a number is in the text.
package catalogue

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed *.json
var files embed.FS

// Language is one language that the pages speak.
type Language struct {
	Tag  string // BCP 47, as in <html lang>
	Name string // its name in itself

	moment string // how a day and a time are written
}

// Languages are all of them. The first is the one that stands in when none fits.
func Languages() []Language {
	return []Language{
		{"en", "English", "2 Jan 2006, 15:04"}, {"de", "Deutsch", "02.01.2006, 15:04"}, {"es", "Español", "02/01/2006, 15:04"},
		{"fr", "Français", "02/01/2006, 15:04"}, {"ja", "日本語", "2006年1月2日 15:04"},
	}
}

// Catalogue is the loaded texts. It is safe for concurrent use.
type Catalogue struct {
	matcher   language.Matcher
	languages []Language
	texts     []Texts
}

// Load reads the embedded catalogues. It fails only when a file of this package is broken.
func Load() (*Catalogue, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	c := &Catalogue{languages: Languages()}
	tags := make([]language.Tag, 0, len(c.languages))
	for _, l := range c.languages {
		if err := read(bundle, l.Tag); err != nil {
			return nil, err
		}
		tags = append(tags, language.Make(l.Tag))
	}
	c.matcher = language.NewMatcher(tags)
	for _, l := range c.languages {
		c.texts = append(c.texts, Texts{Language: l, localizer: i18n.NewLocalizer(bundle, l.Tag)})
	}
	return c, nil
}

// read reads the files of a language: <tag>.json, and <part>.<tag>.json of the parts.
func read(bundle *i18n.Bundle, tag string) error {
	names, err := fs.Glob(files, "*."+tag+".json")
	if err != nil {
		return err
	}
	for _, name := range append(names, tag+".json") {
		if _, err := bundle.LoadMessageFileFS(files, name); err != nil {
			return fmt.Errorf("catalogue: %s: %w", name, err)
		}
	}
	return nil
}

// What is parsed of a stranger's wish. Longer wishes are cut before parsing.
const (
	maxWish = 256 // bytes of one header or parameter
	maxTags = 12  // languages looked at
)

// Choose picks the language: first by uiLocales (OpenID Connect Core 3.1.2.1: tags
// separated by spaces, most wanted first), then by the Accept-Language header (RFC 9110
// 12.5.4), then fallback. Unknown and malformed wishes are passed over.
func (c *Catalogue) Choose(uiLocales, acceptLanguage, fallback string) Texts {
	for _, wish := range strings.Fields(cut(uiLocales)) {
		if i, ok := c.match(wish); ok {
			return c.texts[i]
		}
	}
	if tags, _, err := language.ParseAcceptLanguage(cut(acceptLanguage)); err == nil && len(tags) > 0 {
		if _, i, confidence := c.matcher.Match(tags[:min(len(tags), maxTags)]...); confidence >= language.High {
			return c.texts[i]
		}
	}
	if i, ok := c.match(fallback); ok {
		return c.texts[i]
	}
	return c.texts[0]
}

func (c *Catalogue) match(wish string) (int, bool) {
	if wish == "" {
		return 0, false
	}
	tag, err := language.Parse(cut(wish))
	if err != nil {
		return 0, false
	}
	_, i, confidence := c.matcher.Match(tag)
	return i, confidence >= language.High
}

func cut(wish string) string {
	if len(wish) > maxWish {
		return wish[:maxWish]
	}
	return wish
}

// Texts are the texts in one language.
type Texts struct {
	Language  Language
	localizer *i18n.Localizer
}

// Text returns the text under key. Values fill its placeholders, as pairs of name and
// value. A key that does not exist is returned itself: a visible mistake on a page is
// better than no page.
func (t Texts) Text(key string, values ...any) string {
	return t.look(&i18n.LocalizeConfig{MessageID: key, TemplateData: pairs(values)})
}

// Count returns the text under key in the plural form that the language has for n;
// {{.PluralCount}} in the text is n.
func (t Texts) Count(key string, n int) string {
	return t.look(&i18n.LocalizeConfig{MessageID: key, PluralCount: n})
}

// Moment is a moment as the language writes it. Where the reader is, nobody knows: it is UTC, and says so.
func (t Texts) Moment(at time.Time) string { return at.UTC().Format(t.Language.moment) + " UTC" }

// Around is a text cut in three at one value, so that a page can give that value a
// mark-up of its own while every part is still escaped.
type Around struct{ Before, Value, After string }

// Around returns the text under key, cut at the placeholder called name.
func (t Texts) Around(key, name, value string, values ...any) Around {
	const mark = "\x00"
	text := t.Text(key, append(values, name, mark)...)
	before, after, _ := strings.Cut(text, mark)
	return Around{Before: before, Value: value, After: after}
}

func (t Texts) look(config *i18n.LocalizeConfig) string {
	text, err := t.localizer.Localize(config)
	if err != nil && text == "" {
		return config.MessageID
	}
	return text
}

func pairs(values []any) map[string]any {
	data := make(map[string]any, len(values)/2)
	for i := 0; i+1 < len(values); i += 2 {
		if name, ok := values[i].(string); ok {
			data[name] = values[i+1]
		}
	}
	return data
}
