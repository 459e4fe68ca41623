package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// block is a fenced block of a guide.
type block struct {
	line       int
	kind, name string // sh, also server or browser; yaml and a file's name; text or json, which a block before printed
	text       string
}

func blocks(t *testing.T, file string) (out []block) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	open := false
	for i, l := range strings.Split(string(data), "\n") {
		switch {
		case strings.HasPrefix(l, "```") && open:
			open = false
		case strings.HasPrefix(l, "```"):
			kind, name, _ := strings.Cut(strings.TrimPrefix(l, "```"), " ")
			out, open = append(out, block{line: i + 1, kind: kind, name: name}), true
		case open:
			out[len(out)-1].text += l + "\n"
		}
	}
	return out
}

// guides are the pages whose commands are run, and how many blocks of them at least.
var guides = map[string]int{
	"permissions": 10, "web-app": 3, "native-app": 3, "cli": 3, "mcp-server": 3, "kubernetes-workload": 3, "tokens": 5,
	"first-login": 2, "accounts": 4, "identity-providers": 3,
}

// before is what the reader of a page has before it begins.
var before = map[string]string{
	"identity-providers": "echo secret > secret.txt; openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out AuthKey_KEY.p8 2> /dev/null",
}

// parts are the pages with parts of programs, which the examples show whole and the browser's tests run.
var parts = map[string][]string{"first-login": {"js", "go"}}

// Every command of a guide is run in the order of the page, in one shell, against a real server, and
// must print what the page says. For "sh browser" the test is the reader who signs in with a browser.
func TestGuide(t *testing.T) {
	for name, least := range guides {
		t.Run(name, func(t *testing.T) { runGuide(t, "../../docs/guide/"+name+".md", least) })
	}
}

func runGuide(t *testing.T, page string, least int) {
	all := blocks(t, page)
	dir, port := t.TempDir(), freePort(t)
	binary, err := exec.LookPath("admit")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(dir, "bin", "admit")); err != nil {
		t.Fatal(err)
	}
	// The settings of whoever runs the tests are not the server's.
	own := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ADMIT_") })
	env := append(own, "ADMIT_LISTEN=127.0.0.1:"+port, "ADMIT_PUBLIC_URL=http://localhost:"+port, "ADMIT_LOG_LEVEL=error", "ADMIT_STALE_AFTER=30s")
	local := strings.NewReplacer("localhost:8080", "localhost:"+port)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	sh := newShell(t, ctx, dir, env)
	sh.run(t, 0, withinModule(t, dir))
	title := strings.TrimSuffix(filepath.Base(page), ".md")
	sh.run(t, 0, before[title]+"\n:")
	printed, ran := "", 0
	for _, b := range all {
		switch {
		case b.kind == "sh" && b.name == "server":
			serveGuide(t, ctx, dir, env, serving(t, b.text), port)
		case b.kind == "sh" && b.name == "browser":
			wait := sh.watcher.browsing(cancel)
			printed = sh.run(t, b.line, local.Replace(b.text))
			if err := wait(); err != nil {
				t.Fatalf("%s:%d: the browser: %v", page, b.line, err)
			}
			ran++
		case b.kind == "sh":
			printed = sh.run(t, b.line, local.Replace(b.text))
			ran++
		case b.kind == "text" || b.kind == "json":
			b.text = local.Replace(b.text)
			if why := differs(b, printed); why != "" {
				t.Errorf("%s:%d: %s; it printed:\n%s", page, b.line, why, printed)
			}
		case b.name != "":
			file := filepath.Join(dir, b.name)
			if err := os.WriteFile(file, []byte(local.Replace(b.text)), 0o600); err != nil {
				t.Fatal(err)
			}
			if b.kind == "go" {
				compile(t, page, b.line, file)
			}
		case !slices.Contains(parts[title], b.kind):
			t.Errorf("%s:%d: a block that nothing tests", page, b.line)
		}
	}
	if ran < least {
		t.Errorf("only %d blocks were run", ran)
	}
}

// withinModule returns what lets a shell say "go run file.go" in dir: the program is built within this module, as if
// that had been added with go get, and without a child of go run that would survive a kill.
func withinModule(t *testing.T, dir string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`go() { (cd %[1]q && command go build -o %[2]q/"$2".bin %[2]q/"$2") && exec %[2]q/"$2".bin; }`, root, dir)
}

// serving is the command that starts the server: what make runs when the page says make.
func serving(t *testing.T, text string) []string {
	t.Helper()
	words := strings.Fields(text)
	if words[0] != "make" {
		return words
	}
	c := exec.Command(words[0], append([]string{"-n", "--no-print-directory"}, words[1:]...)...)
	c.Dir = "../.."
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	all := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Fields(all[len(all)-1])
}

// compile sees that a program of a guide compiles in this module.
func compile(t *testing.T, page string, line int, file string) {
	t.Helper()
	c := exec.Command("go", "vet", file)
	c.Dir = "../.."
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%s:%d: %v\n%s", page, line, err, out)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	port, err := unusedPort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func serveGuide(t *testing.T, ctx context.Context, dir string, env, words []string, port string) {
	t.Helper()
	c := exec.CommandContext(ctx, filepath.Join(dir, words[0]), words[1:]...)
	c.Dir, c.Env = dir, env
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Process.Signal(os.Interrupt)
		c.Wait()
	})
	for range 1200 {
		if r, err := http.Get("http://127.0.0.1:" + port + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				time.Sleep(1100 * time.Millisecond) // the history begins a second ago, as it does for people
				return
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("the server does not start")
}

// shell is one bash that keeps its variables from block to block.
type shell struct {
	in      *os.File
	out     *bufio.Reader
	n       int
	watcher *watcher
}

func newShell(t *testing.T, ctx context.Context, dir string, env []string) *shell {
	t.Helper()
	c := exec.CommandContext(ctx, "bash")
	w := &watcher{}
	c.Dir, c.Env, c.Stderr, c.WaitDelay = dir, env, w, 5*time.Second
	read, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stdin = read
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		c.Wait()
		read.Close()
	})
	return &shell{in: in, out: bufio.NewReader(out), watcher: w}
}

// run runs a block and returns what it prints.
func (s *shell) run(t *testing.T, line int, text string) string {
	t.Helper()
	s.n++
	mark := fmt.Sprintf("--- end of block %d:", s.n)
	if _, err := fmt.Fprintf(s.in, "%s\necho; echo \"%s $?\"\n", strings.TrimSpace(text), mark); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for {
		l, err := s.out.ReadString('\n')
		if err != nil {
			t.Fatalf("line %d: the shell has ended: %v\n%s", line, err, b.String())
		}
		if status, is := strings.CutPrefix(l, mark); is {
			if strings.TrimSpace(status) != "0" {
				t.Fatalf("line %d: exit status %s%s", line, status, b.String())
			}
			return b.String()
		}
		b.WriteString(l)
	}
}

// differs says what of an expected output is not there. Text: every line must be there, in order; … stands for
// anything. JSON: every member must be there; others may be too,
// and more elements where the last one is …
func differs(b block, printed string) string {
	if b.kind == "json" {
		var want, got any
		if err := json.Unmarshal([]byte(b.text), &want); err != nil {
			return err.Error()
		}
		if err := json.Unmarshal([]byte(printed), &got); err != nil {
			return err.Error()
		}
		if !within(want, got) {
			return "not what the page says"
		}
		return ""
	}
	rest := strings.Split(printed, "\n")
	for _, want := range strings.Split(strings.TrimSpace(b.text), "\n") {
		found := strings.TrimSpace(want) == "…" // some lines, or none
		for len(rest) > 0 && !found {
			found = matches(want, rest[0])
			rest = rest[1:]
		}
		if !found {
			return fmt.Sprintf("no line %q", want)
		}
	}
	return ""
}

// matches compares one line; how many blanks there are does not matter.
func matches(want, line string) bool {
	parts := strings.Split(strings.Join(strings.Fields(want), " "), "…")
	line = strings.Join(strings.Fields(line), " ")
	if len(parts) == 1 {
		return line == parts[0]
	}
	if !strings.HasPrefix(line, parts[0]) || !strings.HasSuffix(line, parts[len(parts)-1]) {
		return false
	}
	for _, p := range parts {
		i := strings.Index(line, strings.TrimSpace(p))
		if i < 0 {
			return false
		}
		line = line[i+len(strings.TrimSpace(p)):]
	}
	return true
}

func within(want, got any) bool {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		for k, v := range w {
			if !ok || !within(v, g[k]) {
				return false
			}
		}
		return ok
	case []any:
		g, ok := got.([]any)
		if n := len(w) - 1; ok && n >= 0 && w[n] == "…" && len(g) > n {
			w, g = w[:n], g[:n]
		}
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !within(w[i], g[i]) {
				return false
			}
		}
		return true
	}
	return want == got
}
