package main

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
)

// watcher takes what the shell prints for people. While it is told to be the reader's browser, it opens the
// first URL that a command prints and signs in.
type watcher struct {
	mu   sync.Mutex
	text strings.Builder
	open bool
	done chan error
	stop func() // what waits for the browser
}

// asked is the URL that admit perform prints, alone on its line.
var asked = regexp.MustCompile(`(?m)^  (http://\S+/(?:oauth/authorize|device)\?\S+)\n`)

func (w *watcher) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(b)
	if m := asked.FindStringSubmatch(w.text.String()); w.open && m != nil {
		w.open = false
		go func() {
			err := browse(m[1])
			if err != nil {
				fmt.Fprintln(os.Stderr, "the browser:", err)
				w.stop()
			}
			w.done <- err
		}()
	}
	return os.Stderr.Write(b)
}

// browsing makes w the browser of the next command. The result waits for it; stop is called when it fails.
func (w *watcher) browsing(stop func()) (wait func() error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Reset()
	w.open, w.done, w.stop = true, make(chan error, 1), stop
	return func() error {
		select {
		case err := <-w.done:
			return err
		case <-time.After(2 * time.Minute):
			return fmt.Errorf("the command printed no URL:\n%s", w.text.String())
		}
	}
}

var (
	form   = regexp.MustCompile(`(?s)<form class="main-form[^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	input  = regexp.MustCompile(`<input[^>]* name="([^"]+)"[^>]*>`)
	value  = regexp.MustCompile(` value="([^"]*)"`)
	mailed = regexp.MustCompile(`id="code-0">(\d{6})<`)
)

// browse opens a page and does what a person does until there is no form any more: it signs in with an
// address, and allows what is asked.
func browse(at string) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	h := &http.Client{Jar: jar, Timeout: time.Minute}
	page, here, err := load(h, mustRequest(http.MethodGet, at, nil))
	for range 12 {
		if err != nil {
			return err
		}
		m := form.FindStringSubmatch(page)
		if m == nil {
			if here.Path == "/callback" || here.Path == "/device/done" {
				return nil
			}
			return fmt.Errorf("nothing to do at %s: %s", here, page)
		}
		fields := url.Values{}
		for _, in := range input.FindAllStringSubmatch(m[2], -1) {
			v := ""
			if given := value.FindStringSubmatch(in[0]); given != nil {
				v = html.UnescapeString(given[1])
			}
			fields.Set(in[1], v)
		}
		if strings.Contains(m[2], `name="decision"`) {
			fields.Set("decision", "allow")
		}
		if fields.Has("email") {
			fields.Set("email", "ann@example.com")
		}
		if fields.Has("code") {
			box, _, err := load(h, mustRequest(http.MethodGet, here.Scheme+"://"+here.Host+"/dev/mailbox", nil))
			newest := mailed.FindStringSubmatch(box)
			if err != nil || newest == nil {
				return fmt.Errorf("no code in the mailbox: %w", err)
			}
			fields.Set("code", newest[1])
		}
		target, bad := here.Parse(html.UnescapeString(m[1]))
		if bad != nil {
			return bad
		}
		r := mustRequest(http.MethodPost, target.String(), strings.NewReader(fields.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", here.Scheme+"://"+here.Host)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		page, here, err = load(h, r)
	}
	return fmt.Errorf("there is no end of forms at %s", here)
}

func mustRequest(method, at string, body io.Reader) *http.Request {
	r, err := http.NewRequest(method, at, body)
	if err != nil {
		panic(err)
	}
	r.Header.Set("Accept", "text/html")
	return r
}

func load(h *http.Client, r *http.Request) (string, *url.URL, error) {
	response, err := h.Do(r)
	if err != nil {
		return "", nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %.600s", r.Method, r.URL.Path, response.Status, body)
	}
	return string(body), response.Request.URL, err
}
