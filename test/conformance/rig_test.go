// Package conformance owns the Go clients that are not ours, against a running server. It is a module of its own, so that their
// dependencies are not Admit's.
package conformance

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const callback = "http://localhost:9/callback"

var build = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("ADMIT_BIN"); path != "" {
		return path, nil
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("admit-conformance-%d", os.Getpid()))
	cmd := exec.Command("go", "build", "-o", path, "./cmd/admit")
	cmd.Dir = "../.."
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// onBoth runs a test on SQLite and, where ADMIT_TEST_POSTGRES names a server, on PostgreSQL.
func onBoth(t *testing.T, test func(t *testing.T, s *server)) {
	t.Run("sqlite", func(t *testing.T) { test(t, serve(t, "")) })
	if base := os.Getenv("ADMIT_TEST_POSTGRES"); base != "" {
		t.Run("postgres", func(t *testing.T) { test(t, serve(t, database(t, base))) })
	}
}

func database(t *testing.T, base string) string {
	t.Helper()
	id := make([]byte, 6)
	rand.Read(id)
	name := "admit_test_" + hex.EncodeToString(id)
	sql := func(statement string) {
		if out, err := exec.Command("psql", "--no-psqlrc", "--quiet", "--dbname", base, "--command", statement).CombinedOutput(); err != nil {
			t.Fatalf("psql (install postgresql-client): %v\n%s", err, out)
		}
	}
	sql("CREATE DATABASE " + name)
	t.Cleanup(func() { sql("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)") })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

type server struct {
	url, token string
	log        *bytes.Buffer
}

// serve runs a server in development mode and stops it at the end; its log must be clean.
func serve(t *testing.T, database string) *server {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	listener.Close()
	dir, key := t.TempDir(), make([]byte, 32)
	rand.Read(key)
	if database == "" {
		database = "sqlite:" + filepath.Join(dir, "admit.db")
	}
	s := &server{url: "http://localhost:" + port, log: &bytes.Buffer{}}
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "ADMIT_LISTEN=127.0.0.1:" + port, "ADMIT_PUBLIC_URL=" + s.url, "ADMIT_DATABASE=" + database,
		"ADMIT_DATA_DIR=" + dir, "ADMIT_MASTER_KEY=" + base64.StdEncoding.EncodeToString(key), "ADMIT_RATE_LIMIT_SCALE=20", "ADMIT_STALE_AFTER=1m"}
	cmd := exec.Command(bin, "serve", "--dev")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, io.Discard, s.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server: %v\n%s", err, s.log)
		}
		if bad := regexp.MustCompile(`(?m)^.*(panic|goroutine \d+ \[|"status":5(0[0-24-9]|[1-9]\d)\b).*$`).FindString(s.log.String()); bad != "" {
			t.Errorf("the server's log: %s", bad)
		}
	})
	eventually(t, "the server is ready", func() bool {
		r, err := http.Get(s.url + "/readyz")
		if err == nil {
			r.Body.Close()
		}
		return err == nil && r.StatusCode == 200
	})
	create := exec.Command(bin, "access-key", "create", "--client", "tests", "--admin")
	create.Dir, create.Env = dir, env
	out, err := create.Output()
	if err != nil {
		t.Fatal(err)
	}
	s.token = strings.TrimSpace(string(out))
	eventually(t, "the server knows the access key", func() bool { return s.call(t, "GET", "/v1/roles", nil, nil) != 401 })
	return s
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// call speaks to the API as administrator.
func (s *server) call(t *testing.T, method, path string, in, out any) int {
	t.Helper()
	body, _ := json.Marshal(in)
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil || answer.StatusCode >= 300 {
			t.Fatalf("%s %s: %d %s", method, path, answer.StatusCode, text)
		}
	}
	return answer.StatusCode
}

// client registers an application and returns its id and a secret, if its method has one.
func (s *server) client(t *testing.T, settings map[string]any) (id, secret string) {
	t.Helper()
	var app struct {
		ApplicationID string `json:"applicationId"`
	}
	s.call(t, "POST", "/v1/applications", map[string]any{"name": "Conformance", "redirectUrls": []string{callback}, "oauth": settings}, &app)
	if method, _ := settings["tokenEndpointAuthMethod"].(string); !strings.HasPrefix(method, "client_secret") {
		return app.ApplicationID, ""
	}
	var made struct {
		ClientSecret string `json:"clientSecret"`
	}
	s.call(t, "POST", "/v1/applications/"+app.ApplicationID+"/secrets", map[string]any{}, &made)
	return app.ApplicationID, made.ClientSecret
}

// person is somebody with a browser that runs no scripts.
type person struct {
	t     *testing.T
	s     *server
	email string
	http  *http.Client
}

func (s *server) person(t *testing.T, email string) *person {
	jar, _ := cookiejar.New(nil)
	p := &person{t: t, s: s, email: email, http: &http.Client{Jar: jar}}
	p.http.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), s.url+"/") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return p
}

var (
	aForm   = regexp.MustCompile(`(?s)<form\b[^>]*>.*?</form>`)
	anInput = regexp.MustCompile(`<(?:input|button)\b[^>]*>`)
	digits  = regexp.MustCompile(`\b(\d{3})[  ]?(\d{3})\b`)
)

func attribute(tag, name string) string {
	m := regexp.MustCompile(`\s` + name + `="([^"]*)"`).FindStringSubmatch(tag)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// open does what the pages ask until the browser is sent away, and returns where to. Empty: the last page asks nothing.
func (p *person) open(target string) *url.URL {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), "GET", target, nil)
	for range 6 {
		if err != nil {
			p.t.Fatal(err)
		}
		answer, err2 := p.http.Do(request)
		if err2 != nil {
			p.t.Fatal(err2)
		}
		page, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if to, err := answer.Location(); err == nil {
			return to
		}
		next, fields := p.fill(string(page))
		if fields == nil {
			if answer.StatusCode >= 400 {
				p.t.Fatalf("%s: %d %.1500s", target, answer.StatusCode, page)
			}
			return nil
		}
		to, _ := answer.Request.URL.Parse(next)
		request, err = http.NewRequestWithContext(p.t.Context(), "POST", to.String(), strings.NewReader(fields.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", p.s.url)
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	p.t.Fatal("the pages ask and ask")
	return nil
}

// fill answers the form of a page that a person would: the address, the code of the mail, yes.
func (p *person) fill(page string) (action string, fields url.Values) {
	for _, form := range aForm.FindAllString(page, -1) {
		action, fields, mine := attribute(form[:strings.IndexByte(form, '>')+1], "action"), url.Values{}, false
		for _, tag := range anInput.FindAllString(form, -1) {
			name, value := attribute(tag, "name"), attribute(tag, "value")
			switch {
			case attribute(tag, "type") == "email":
				value, mine = p.email, true
			case attribute(tag, "autocomplete") == "one-time-code":
				value, mine = p.code(), true
			case name == "user_code" && value != "", value == "allow":
				mine = true
			case value == "deny":
				continue
			}
			if name != "" {
				fields.Set(name, value)
			}
		}
		if mine {
			return action, fields
		}
	}
	return "", nil
}

// code reads the newest mail of the development mailbox.
func (p *person) code() (code string) {
	eventually(p.t, "the mail", func() bool {
		list, err := http.Get(p.s.url + "/dev/mailbox")
		if err != nil {
			return false
		}
		defer list.Body.Close()
		text, _ := io.ReadAll(list.Body)
		at := strings.Index(string(text), p.email)
		if at < 0 {
			return false
		}
		m := digits.FindStringSubmatch(string(text[at:]))
		if m != nil {
			code = m[1] + m[2]
		}
		return m != nil
	})
	return code
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}
