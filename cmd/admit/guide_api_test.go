package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every command of the guide about APIs is run in the order of the page, against a real server, with the
// three programs of the page; each must print what the page says.
func TestGuideOfAPIs(t *testing.T) {
	const page = "../../docs/guide/api-that-verifies-tokens.md"
	dir, port, apiPort := t.TempDir(), freePort(t), freePort(t)
	preface := programs(t, dir)
	own := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ADMIT_") })
	env := append(own, "ADMIT_LISTEN=127.0.0.1:"+port, "ADMIT_PUBLIC_URL=http://localhost:"+port, "ADMIT_LOG_LEVEL=error")
	local := strings.NewReplacer("localhost:8080", "localhost:"+port, "localhost:3000", "localhost:"+apiPort, "listen(3000", "listen("+apiPort, `"localhost", 3000`, `"localhost", `+apiPort)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	sh := newShell(t, ctx, dir, env)
	sh.run(t, 0, preface)
	printed, ran := "", 0
	for _, b := range blocks(t, page) {
		switch {
		case b.kind == "sh" && b.name == "server":
			serveGuide(t, ctx, dir, env, strings.Fields(b.text), port)
		case b.kind == "sh":
			printed = sh.run(t, b.line, local.Replace(b.text))
			ran++
		case b.kind == "text":
			b.text = local.Replace(b.text)
			if why := differs(b, printed); why != "" {
				t.Errorf("%s:%d: %s; it printed:\n%s", page, b.line, why, printed)
			}
		case b.name != "":
			if err := os.WriteFile(filepath.Join(dir, b.name), []byte(local.Replace(b.text)), 0o600); err != nil {
				t.Fatal(err)
			}
		default:
			t.Errorf("%s:%d: a block that nothing tests", page, b.line)
		}
	}
	if ran < 6 {
		t.Errorf("only %d blocks were run", ran)
	}
}

// programs puts what the page uses into dir: the server, this module for the Go program, and the
// libraries of the others. It returns what the shell needs first.
func programs(t *testing.T, dir string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	binary, err := exec.LookPath("admit")
	if err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(root, "test", "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "jose")); err != nil {
		t.Skip("the packages of the tests in Node are not installed: run npm ci in test")
	}
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{filepath.Join("bin", "admit"): binary, "node_modules": modules} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	python := ""
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(candidate, "-c", "import jwt, cryptography").Run() == nil {
			python = candidate
			break
		}
	}
	if python == "" {
		t.Skip("no Python with PyJWT")
	}
	// The program is built within this module, as if it had been added with go get, and without a
	// child of `go run` that would survive the kill. Who reads is slower than a program takes to end; the test waits.
	return fmt.Sprintf(`kill() { command kill "$@"; wait "$@" 2> /dev/null || true; }
go() { (cd %[1]q && command go build -o %[2]q/api.bin %[2]q/"$2") && exec %[2]q/api.bin; }
python3() { exec %[3]s "$@"; }`, root, dir, python)
}
