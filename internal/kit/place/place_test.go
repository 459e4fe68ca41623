package place_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/place"
	"github.com/admit-id/admit/internal/kit/place/placetest"
)

var networks = []placetest.Network{
	{Range: "192.0.2.0/25", Code: "DE", Country: placetest.Names{"en": "Germany", "de": "Deutschland", "ja": "ドイツ連邦共和国"}, City: placetest.Names{"en": "Cologne", "de": "Köln"}},
	{Range: "192.0.2.128/25", Code: "JP", Country: placetest.Names{"en": "Japan", "ja": "日本"}},
	{Range: "198.51.100.0/24", Code: "BR"},
	{Range: "203.0.113.0/24", City: placetest.Names{"en": "Nowhere"}},
	{Range: "2001:db8:1::/48", Code: "FR", Country: placetest.Names{"fr": "France"}, City: placetest.Names{"zz": "Y", "fr": "Le Pré-Saint-Gervais"}},
	{Range: "2001:db8:2::/48", Code: "fr", Country: placetest.Names{"en": strings.Repeat("x", 65), "de": "zwei\nZeilen", "es": "\u202eEspaña", "pt": "Bom"}},
}

func book(t *testing.T, path string) *place.Book {
	t.Helper()
	return place.New(path, slog.New(slog.DiscardHandler))
}

func TestOf(t *testing.T) {
	b := book(t, placetest.File(t, networks...))
	for _, c := range []struct {
		address, locale string
		want            place.Place
	}{
		{"192.0.2.7", "en", place.Place{Code: "DE", Country: "Germany", City: "Cologne"}},
		{"192.0.2.7", "de", place.Place{Code: "DE", Country: "Deutschland", City: "Köln"}},
		{"192.0.2.7", "de-AT", place.Place{Code: "DE", Country: "Deutschland", City: "Köln"}},
		{"192.0.2.7", "ja", place.Place{Code: "DE", Country: "ドイツ連邦共和国", City: "Cologne"}},
		{"192.0.2.7", "", place.Place{Code: "DE", Country: "Germany", City: "Cologne"}},
		{"::ffff:192.0.2.7", "en", place.Place{Code: "DE", Country: "Germany", City: "Cologne"}},
		{"192.0.2.200", "ja", place.Place{Code: "JP", Country: "日本"}},
		{"198.51.100.1", "en", place.Place{Code: "BR", Country: "BR"}},
		{"2001:db8:1::9", "en", place.Place{Code: "FR", Country: "France", City: "Le Pré-Saint-Gervais"}},
		{"2001:db8:1::9%eth0", "en", place.Place{Code: "FR", Country: "France", City: "Le Pré-Saint-Gervais"}},
		// What is no name is left out, and with it a code that is none.
		{"2001:db8:2::1", "es", place.Place{Country: "Bom"}},
		// A city in no country is nowhere, and so is what the file does not know, or is no address.
		{"203.0.113.4", "en", place.Place{}}, {"10.0.0.1", "en", place.Place{}}, {"::1", "en", place.Place{}}, {"2001:db8:3::", "en", place.Place{}},
		{"", "en", place.Place{}}, {"example.com", "en", place.Place{}}, {"192.0.2.7:80", "en", place.Place{}},
	} {
		if got := b.Of(c.address, c.locale); got != c.want {
			t.Errorf("%s in %q: %+v", c.address, c.locale, got)
		}
	}
}

func TestWithoutAFile(t *testing.T) {
	b := book(t, "")
	if b != nil || b.Of("192.0.2.7", "en").Known() || b.Refresh() != nil {
		t.Error("there is a book")
	}
}

func TestCheck(t *testing.T) {
	good := placetest.Write(networks...)
	at := func(content []byte) string {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := place.Check(at(good)); err != nil {
		t.Error(err)
	}
	for name, content := range map[string][]byte{
		"empty": {}, "text": []byte("network,country\n192.0.2.0/24,DE\n"), "cut short": good[:len(good)-60], "of something else": placetest.Write(placetest.Network{Range: "192.0.2.0/24"}),
		"without a tree": good[bytes.Index(good, make([]byte, 16)):],
	} {
		path := at(content)
		if place.Check(path) == nil {
			t.Error(name, "is taken")
		}
		if b := book(t, path); b.Refresh() == nil || b.Of("192.0.2.7", "en").Known() {
			t.Error(name, "is read")
		}
	}
	if err := place.Check(filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Error(err)
	}
}

// A file that is replaced is read again; one that is broken, or gone, changes nothing, and is told of once.
func TestRefresh(t *testing.T) {
	path := placetest.File(t, networks...)
	b := book(t, path)
	want := func(country string) {
		t.Helper()
		if got := b.Of("192.0.2.7", "en").Country; got != country {
			t.Errorf("%q; want %q", got, country)
		}
	}
	began := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	written := 0
	write := func(content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		written++
		at := began.Add(time.Duration(written) * time.Second)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	want("Germany")
	write(placetest.Write(placetest.Network{Range: "192.0.2.0/24", Code: "AT", Country: placetest.Names{"en": "Austria"}}))
	want("Germany")
	if err := b.Refresh(); err != nil {
		t.Fatal(err)
	}
	want("Austria")
	write([]byte("broken"))
	if b.Refresh() == nil || b.Refresh() != nil {
		t.Error("a broken file is told of never, or twice")
	}
	want("Austria")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if b.Refresh() == nil || b.Refresh() != nil {
		t.Error("a file that is gone is told of never, or twice")
	}
	want("Austria")
	write(placetest.Write(networks...))
	if err := b.Refresh(); err != nil {
		t.Fatal(err)
	}
	want("Germany")
}

// Whatever a file says, reading it ends in an answer.
func FuzzFile(f *testing.F) {
	good := placetest.Write(networks...)
	f.Add(good, "192.0.2.7")
	f.Add(good[:len(good)/2], "2001:db8:1::9")
	f.Add([]byte("\xab\xcd\xefMaxMind.com"), "")
	path := filepath.Join(f.TempDir(), "places.mmdb")
	f.Fuzz(func(t *testing.T, content []byte, address string) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		p := book(t, path).Of(address, "en")
		if len([]rune(p.City)) > 64 || len([]rune(p.Country)) > 64 || p.City != "" && p.Country == "" {
			t.Errorf("%+v", p)
		}
	})
}
