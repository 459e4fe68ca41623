package catalogue

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
)

// The plural forms that CLDR gives each language; every counted text has exactly these.
var forms = map[string][]string{
	"en": {"one", "other"}, "de": {"one", "other"}, "es": {"many", "one", "other"}, "fr": {"many", "one", "other"}, "ja": {"other"},
}

func load(t *testing.T, tag string) map[string]any {
	t.Helper()
	names, err := fs.Glob(files, "*."+tag+".json")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	for _, name := range append(names, tag+".json") {
		raw, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]any{}
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for key, text := range m {
			if _, twice := all[key]; twice {
				t.Errorf("%s has %q, which another file has, too", name, key)
			}
			all[key] = text
		}
	}
	return all
}

var placeholder = regexp.MustCompile(`\{\{[^}]*\}\}`)

func placeholders(v any) []string {
	seen := map[string]bool{}
	switch v := v.(type) {
	case string:
		for _, p := range placeholder.FindAllString(v, -1) {
			seen[p] = true
		}
	case map[string]any:
		for _, p := range placeholder.FindAllString(v["other"].(string), -1) {
			seen[p] = true
		}
	}
	var list []string
	for p := range seen {
		list = append(list, p)
	}
	sort.Strings(list)
	return list
}

func TestEveryLanguageHasTheSameTexts(t *testing.T) {
	english := load(t, "en")
	for _, l := range Languages() {
		other := load(t, l.Tag)
		for key := range other {
			if _, ok := english[key]; !ok {
				t.Errorf("%s has %q, which English lacks", l.Tag, key)
			}
		}
		for key, text := range english {
			translated, ok := other[key]
			if !ok {
				t.Errorf("%s lacks %q", l.Tag, key)
				continue
			}
			if got, want := placeholders(translated), placeholders(text); !slices.Equal(got, want) {
				t.Errorf("%s %q has the placeholders %v, English %v", l.Tag, key, got, want)
			}
			plural, counted := translated.(map[string]any)
			if _, want := text.(map[string]any); want != counted {
				t.Errorf("%s %q: one language counts, the other does not", l.Tag, key)
			}
			if counted {
				var got []string
				for form := range plural {
					got = append(got, form)
				}
				sort.Strings(got)
				if !slices.Equal(got, forms[l.Tag]) {
					t.Errorf("%s %q has the plural forms %v, CLDR %v", l.Tag, key, got, forms[l.Tag])
				}
			}
		}
	}
}

func TestEveryTextRenders(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range Languages() {
		texts := c.Choose(l.Tag, "", "")
		for key, v := range load(t, l.Tag) {
			var got string
			if _, counted := v.(map[string]any); counted {
				for _, n := range []int{0, 1, 2, 5, 10, 1_000_000} {
					got = texts.Count(key, n)
					if got == key || strings.Contains(got, "<no value>") {
						t.Errorf("%s %s(%d) = %q", l.Tag, key, n, got)
					}
				}
				continue
			}
			got = texts.Text(key, "Account", "A", "Email", "E", "Provider", "P", "Code", "C", "Name", "N", "What", "W", "Time", "T", "City", "C", "Country", "L", "Browser", "B", "System", "S")
			if got == "" || got == key && len(key) > 8 || strings.Contains(got, "<no value>") {
				t.Errorf("%s %s = %q", l.Tag, key, got)
			}
		}
	}
}

func TestChoose(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ locales, header, fallback, want string }{
		{"", "", "", "en"},
		{"", "", "de", "de"},
		{"", "ja,en;q=0.5", "de", "ja"},
		{"", "en;q=0.5, fr-CA;q=0.9", "", "fr"},
		{"fr", "ja", "de", "fr"},
		{"ko es-MX", "ja", "de", "es"},
		{"!!! \x00", "ja", "de", "ja"},
		{"", "xx-yy-zz, *;q=0.1", "de", "de"},
		{strings.Repeat("a-", 5000), strings.Repeat("q=;,", 5000), "ja", "ja"},
		{"de-AT-1996", "", "", "de"},
		{"", "", "nonsense!", "en"},
	} {
		if got := c.Choose(tc.locales, tc.header, tc.fallback).Language.Tag; got != tc.want {
			t.Errorf("Choose(%.20q, %.20q, %q) = %s, want %s", tc.locales, tc.header, tc.fallback, got, tc.want)
		}
	}
}

func FuzzChoose(f *testing.F) {
	c, err := Load()
	if err != nil {
		f.Fatal(err)
	}
	f.Add("de fr", "ja;q=0.1", "es")
	f.Fuzz(func(t *testing.T, locales, header, fallback string) {
		if c.Choose(locales, header, fallback).Language.Tag == "" {
			t.Fatal("no language")
		}
	})
}

func TestAroundKeepsTheValueApart(t *testing.T) {
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	got := c.Choose("de", "", "").Around("link.lead", "Email", "{{.x}}<b>", "Account", "Ä")
	want := Around{"Sie melden sich gleich bei Ä an als ", "{{.x}}<b>", ""}
	if got != want {
		t.Fatalf("%#v", got)
	}
}

// Every thing has one name in a language, and readers are addressed in one way. These words are the others.
var strays = map[string]*regexp.Regexp{
	"de": regexp.MustCompile(`\b([Dd]ein|[Dd]u)\b`),
	"es": regexp.MustCompile(`\b([Uu]sted|[Ss]us? cuenta|Vuelva|Escriba|Inicie|Continúe|[Aa]pps?)\b`),
	"fr": regexp.MustCompile(`\b([Cc]ourriel|[Aa]pplis?|[Tt]oi)\b`),
	"ja": regexp.MustCompile(`リカバリーコード|復旧|第2要素`),
}

func TestOneNameForOneThing(t *testing.T) {
	for tag, stray := range strays {
		for key, text := range load(t, tag) {
			raw, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			if found := stray.Find(raw); found != nil {
				t.Errorf("%s: %q has %q: %s", tag, key, found, raw)
			}
		}
	}
}
