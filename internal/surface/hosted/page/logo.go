package page

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/web"
)

// Client asks other hosts. The guarded client of kit/egress is one.
type Client interface {
	Do(*http.Request) (*http.Response, error)
}

const (
	maxLogo      = 32 << 10 // bytes; larger ones are not shown
	maxLogos     = 256      // kept at a time
	logoTimeout  = 5 * time.Second
	logoPatience = 300 * time.Millisecond // how long a page waits for a logo that is not here yet
	logoLife     = 24 * time.Hour
	logoRetry    = 10 * time.Minute // after a logo could not be had
)

// logos keeps the logos that accounts have on other hosts, so that a browser asks this
// server only and no other host learns who signs in (I-25).
type logos struct {
	client Client
	clock  clock.Clock
	mu     sync.Mutex
	byURL  map[string]*logo
}

// logo is one answer; body and kind are there when ready is closed, empty when there is none.
type logo struct {
	ready chan struct{}
	since time.Time
	body  string
	kind  string
}

func newLogos(c Client, clk clock.Clock) *logos {
	return &logos{client: c, clock: clk, byURL: map[string]*logo{}}
}

// get returns the logo behind an https URL, and waits for it so long when it is not here.
func (l *logos) get(ctx context.Context, address string, patience time.Duration) (*logo, bool) {
	if l.client == nil || !strings.HasPrefix(address, "https://") {
		return nil, false
	}
	found := l.entry(address)
	wait, stop := context.WithTimeout(ctx, patience)
	defer stop()
	select {
	case <-found.ready:
		return found, found.body != ""
	case <-wait.Done():
		return nil, false
	}
}

// entry finds the logo or begins to fetch it, once however many ask.
func (l *logos) entry(address string) *logo {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	if found := l.byURL[address]; found != nil {
		life := logoLife
		select {
		case <-found.ready:
			if found.body == "" {
				life = logoRetry
			}
		default:
		}
		if now.Sub(found.since) < life {
			return found
		}
	}
	if len(l.byURL) >= maxLogos {
		for other := range l.byURL { // any one; it is fetched again when it is asked for
			delete(l.byURL, other)
			break
		}
	}
	fresh := &logo{ready: make(chan struct{}), since: now}
	l.byURL[address] = fresh
	go func() {
		defer close(fresh.ready)
		fresh.body, fresh.kind = l.fetch(address)
	}()
	return fresh
}

// fetch asks for the logo. Whatever goes wrong, the account's initial stands in for it.
func (l *logos) fetch(address string) (body, kind string) {
	ctx, stop := context.WithTimeout(context.Background(), logoTimeout)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", ""
	}
	r.Header.Set("Accept", "image/svg+xml, image/png, image/webp, image/jpeg")
	res, err := l.client.Do(r)
	if err != nil {
		return "", ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxLogo+1))
	if err != nil || res.StatusCode != http.StatusOK || len(b) > maxLogo {
		return "", ""
	}
	kind = logoKind(b, res.Header.Get("Content-Type"))
	if kind == "" {
		return "", ""
	}
	return string(b), kind
}

// logoKind is the type by which a logo is served: what its bytes are, not what its server
// says. Only SVG, which has no such mark, needs both.
func logoKind(b []byte, said string) string {
	switch kind := http.DetectContentType(b); kind {
	case "image/png", "image/jpeg", "image/webp", "image/gif":
		return kind
	}
	said, _, _ = strings.Cut(said, ";")
	if strings.TrimSpace(said) == "image/svg+xml" && strings.Contains(string(b[:min(len(b), 1024)]), "<svg") {
		return "image/svg+xml"
	}
	return ""
}

// logoPath is where a page finds an account's logo, or "" when there is none to show.
func (k *Kit) logoPath(ctx context.Context, address string) string {
	if strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//") {
		return address
	}
	if _, ok := k.logos.get(ctx, address, logoPatience); !ok {
		return ""
	}
	sum := sha256.Sum256([]byte(address))
	return "/assets/logo?v=" + hex.EncodeToString(sum[:8])
}

// serveLogo is GET /assets/logo: the logo of the account whose host was asked.
func (k *Kit) serveLogo(w http.ResponseWriter, r *http.Request) error {
	found, ok := k.logos.get(r.Context(), k.deps.Accounts.Brand(web.AccountOf(r)).Logo, logoTimeout)
	if !ok {
		return errNoAsset
	}
	w.Header().Set("Content-Type", found.kind)
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, err := io.WriteString(w, found.body)
	return err
}
