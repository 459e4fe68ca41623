// Package place owns where addresses roughly are, as far as a file says so that the operator has: an MMDB
// with countries, or with cities too. Nobody is asked over the network.
//
// Entry points: Check, New, Book.Of.
//
// Never: a place as a proof of anything. Such files are often wrong, and addresses can be borrowed.
package place

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/oschwald/maxminddb-golang/v2"
)

const (
	maxSize = 2 << 30 // bytes of a file
	maxName = 64      // characters of a name
	// maxLooked is how many networks of a file are looked at for one that has a place, empty ones among them.
	maxLooked = 10_000
)

// Place is where an address roughly is. The zero value is nowhere.
type Place struct {
	Code    string // of the country, ISO 3166-1, or empty
	Country string // its name, or Code where the file has none
	City    string // or empty
}

// Known tells whether it is any place.
func (p Place) Known() bool { return p.Country != "" }

// record is what is read of a network. Other members, coordinates among them, are left alone.
type record struct {
	City struct {
		Names map[string]string `maxminddb:"names"`
	} `maxminddb:"city"`
	Country struct {
		Code  string            `maxminddb:"iso_code"`
		Names map[string]string `maxminddb:"names"`
	} `maxminddb:"country"`
}

func (r record) place(locale string) Place {
	p := Place{Code: code(r.Country.Code), Country: named(r.Country.Names, locale), City: named(r.City.Names, locale)}
	p.Country = cmp.Or(p.Country, p.Code)
	if p.Country == "" {
		return Place{}
	}
	return p
}

// named is a name in a language, else in English, else in any.
func named(names map[string]string, locale string) string {
	language, _, _ := strings.Cut(locale, "-")
	for _, tag := range []string{locale, language, "en"} {
		if name := plain(names[tag]); name != "" {
			return name
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(names)) {
		if name := plain(names[tag]); name != "" {
			return name
		}
	}
	return ""
}

// plain is a name on one line, without what cannot be seen and not longer than names are. Else it is empty.
func plain(name string) string {
	name = strings.TrimSpace(name)
	hidden := func(c rune) bool { return c == utf8.RuneError || !unicode.IsPrint(c) }
	if utf8.RuneCountInString(name) > maxName || strings.ContainsFunc(name, hidden) {
		return ""
	}
	return name
}

func code(text string) string {
	if len(text) != 2 || text[0] < 'A' || text[0] > 'Z' || text[1] < 'A' || text[1] > 'Z' {
		return ""
	}
	return text
}

// Check tells what is wrong with a file, nil when it has places. It reads only a little of it.
func Check(path string) error {
	r, err := maxminddb.Open(path)
	if err != nil {
		return reason(err)
	}
	return errors.Join(has(r), r.Close())
}

var errNone = errors.New("it has no countries: is it a file of something else?")

func reason(err error) error {
	var of *os.PathError
	if errors.As(err, &of) {
		return errors.New("the file cannot be read")
	}
	return errors.New("the file is no MMDB")
}

// has tells whether any of the first networks has a place. Empty and aliased ones count: a broken tree can have
// more of them than anybody can wait for.
func has(r *maxminddb.Reader) error {
	looked := 0
	for network := range r.Networks(maxminddb.IncludeNetworksWithoutData(), maxminddb.IncludeAliasedNetworks()) {
		var found record
		if network.Decode(&found) == nil && found.place("en").Known() {
			return nil
		}
		if looked++; looked == maxLooked {
			break
		}
	}
	return errNone
}

// Book answers from one file, which it holds in memory as a whole: whoever writes over the file, or cuts
// it short, changes nothing of what was read. A nil Book knows no place. It is safe for concurrent use.
type Book struct {
	path   string
	log    *slog.Logger
	reader atomic.Pointer[maxminddb.Reader]

	mu    sync.Mutex
	stamp stamp // of what was last read, good or not
}

type stamp struct {
	at   time.Time
	size int64
}

// New makes the book of a file, which is read when it is first needed. Without a path it is nil.
func New(path string, log *slog.Logger) *Book {
	if path == "" {
		return nil
	}
	return &Book{path: path, log: log}
}

// Of returns where an address is, with names in a language (BCP 47) where the file has them, else in
// English. The zero Place for what is no address, and for addresses that the file does not know.
func (b *Book) Of(address, locale string) Place {
	if b == nil {
		return Place{}
	}
	at, err := netip.ParseAddr(address)
	if err != nil {
		return Place{}
	}
	r := b.reader.Load()
	if r == nil {
		if err := b.Refresh(); err != nil {
			b.log.Error("the file of places cannot be read", "error", err)
		}
		if r = b.reader.Load(); r == nil {
			return Place{}
		}
	}
	var found record
	if err := r.Lookup(at.Unmap().WithZone("")).Decode(&found); err != nil {
		return Place{}
	}
	return found.place(locale)
}

// Refresh reads the file if it was not read before, or is another one since. While what is there cannot be
// read, what was read last stays. An error is told once for each state of the file.
func (b *Book) Refresh() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	info, err := os.Stat(b.path)
	if err != nil {
		return b.told(gone, fmt.Errorf("place: %w", err))
	}
	now := stamp{info.ModTime(), info.Size()} // before the reading, so that a change meanwhile is seen later
	if now == b.stamp {
		return nil
	}
	r, err := load(b.path, now.size)
	if err != nil {
		return b.told(now, fmt.Errorf("place: %s: %w", b.path, err))
	}
	b.stamp = now
	b.reader.Store(r)
	return nil
}

// gone is the stamp of a file that is not there.
var gone = stamp{size: -1}

func (b *Book) told(now stamp, err error) error {
	if now == b.stamp {
		return nil
	}
	b.stamp = now
	return err
}

func load(path string, size int64) (*maxminddb.Reader, error) {
	if size > maxSize {
		return nil, errors.New("the file is larger than 2 GiB")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content := make([]byte, size)
	if _, err := io.ReadFull(f, content); err != nil {
		return nil, err
	}
	r, err := maxminddb.OpenBytes(content)
	if err != nil {
		return nil, reason(err)
	}
	return r, has(r)
}
