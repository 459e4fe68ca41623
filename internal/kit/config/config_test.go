package config

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/secret"
)

var update = flag.Bool("update", false, "write docs/reference/config.md")

const key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func files(content map[string]string) reader {
	return func(path string) ([]byte, error) {
		if text, ok := content[path]; ok {
			return []byte(text), nil
		}
		return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
	}
}

func TestDefaults(t *testing.T) {
	c, err := load(nil, []string{"PATH=/bin", "ADMIT_SERVICE_HOST=10.0.0.1", "ADMIT_PORT=tcp://10.0.0.1:8080", "ADMIT_TEST_X=1"}, files(nil))
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8080" || c.PublicURL != "http://localhost:8080" || c.Database.Reveal() != "sqlite:./data/admit.db" || !c.Loopback() || c.HTTPS() || c.Host() != "localhost:8080" {
		t.Errorf("%+v", c)
	}
}

func TestPrecedence(t *testing.T) {
	c, err := load(map[string]string{"listen": "127.0.0.1:3"}, []string{"ADMIT_LISTEN=127.0.0.1:2", "ADMIT_LOG_LEVEL=warn", "ADMIT_CONFIG=f.yaml", "ADMIT_MASTER_KEY_FILE=k", "ADMIT_DATA_DIR=/x"},
		files(map[string]string{"f.yaml": "listen: 127.0.0.1:1\nlog-level: debug\ntrusted-proxies: [10.0.0.0/8, 192.0.2.7]\nmail-from: a@example.com\ndev: true\n", "k": key + "\n"}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:3" || c.LogLevel != "warn" || len(c.TrustedProxies) != 2 || c.TrustedProxies[1].String() != "192.0.2.7/32" ||
		c.Sender() != "a@example.com" || !c.Dev || c.MasterKey.Reveal() != key || c.Database.Reveal() != "sqlite:/x/admit.db" {
		t.Errorf("%+v %s", c, c.Database.Reveal())
	}
}

func TestProblemsAllAtOnce(t *testing.T) {
	_, err := load(map[string]string{"listen": "0.0.0.0:8080", "dev": "true", "config": "f.yaml"},
		[]string{"ADMIT_LISTENS=x", "ADMIT_PUBLICURL=y", "ADMIT_PUBLIC_URL=http://login.example.com/", "ADMIT_DATABASE=mysql://root:hunter2@db", "ADMIT_MASTER_KEY=hunter2",
			"ADMIT_SMTP_URL=http://u:hunter2@h", "ADMIT_SMTP_URL_FILE=nowhere", "ADMIT_TRUSTED_PROXIES=0.0.0.0/0", "ADMIT_STALE_AFTER=never", "ADMIT_LOG_LEVEL=loud", "ADMIT_RATE_LIMIT_SCALE=0",
			"ADMIT_MAIL_FROM=nobody", "ADMIT_OTLP_ENDPOINT=localhost", "ADMIT_OPS_LISTEN=9"},
		files(map[string]string{"f.yaml": "unknown-key: 1\nlisten:\n  a: b\n"}))
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	text := err.Error()
	for _, want := range []string{"unknown-key", "ADMIT_LISTENS", "did you mean ADMIT_PUBLIC_URL", "refuses to listen beyond loopback", "it is http", "more than scheme", "neither sqlite", "base64 of 32",
		"given directly and as", "trusts everybody", "ADMIT_STALE_AFTER", "log-level", "rate-limit-scale", "mail-from", "otlp-endpoint", "ops-listen", "must be one value"} {
		if !strings.Contains(text, want) {
			t.Errorf("no word of %q", want)
		}
	}
	if strings.Contains(text, "hunter2") {
		t.Error("a secret is shown")
	}
	for _, p := range problems {
		if p.Fix == "" {
			t.Errorf("no fix: %+v", p)
		}
	}
}

func TestPublicURL(t *testing.T) {
	base, err := load(nil, nil, files(nil))
	if err != nil {
		t.Fatal(err)
	}
	for text, ok := range map[string]bool{
		"https://login.example.com": true, "https://login.example.com:8443": true, "http://localhost": true, "http://127.0.0.1:8080": true, "http://[::1]:8080": true,
		"": false, "login.example.com": false, "http://login.example.com": false, "https://login.example.com/": false, "https://login.example.com/x": false,
		"https://login.example.com?": false, "https://login.example.com#": false, "https://u@login.example.com": false, "https://LOGIN.example.com": false,
		"HTTPS://login.example.com": false, "https://login.example.com:443": false, "http://localhost:80": false, "https://login.example.com.": false, "https://login.example.com:": false,
		"http://localhost.evil.example": false, "http://127.0.0.2:8080": false, "ftp://localhost": false, "https://": false, "https://:8443": false,
	} {
		c := base
		c.public, c.PublicURL = nil, text
		if got := len(c.Validate()) == 0; got != ok {
			t.Errorf("%q: %v, %v", text, got, c.Validate())
		}
	}
}

func TestPostgresNeedsSharedKey(t *testing.T) {
	if _, err := load(nil, []string{"ADMIT_DATABASE=postgres://u:p@h/d"}, files(nil)); err == nil {
		t.Error("accepted without a key")
	}
	c, err := load(nil, []string{"ADMIT_DATABASE=postgres://u:hunter2@h/d", "ADMIT_MASTER_KEY=" + key}, files(nil))
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v %v", c, c, c, c.Settings()); strings.Contains(text, "hunter2") || strings.Contains(text, key) {
		t.Error("a secret is shown: " + text)
	}
}

func TestEmptySecretIsAProblem(t *testing.T) {
	for _, env := range []string{"ADMIT_MASTER_KEY=", "ADMIT_SMTP_URL=", "ADMIT_DATABASE=", "ADMIT_MASTER_KEY_FILE=empty"} {
		if _, err := load(nil, []string{env}, files(map[string]string{"empty": "\n"})); err == nil || !strings.Contains(err.Error(), "it is empty") {
			t.Error(env, err)
		}
	}
}

func TestMasterKeyFile(t *testing.T) {
	dir := t.TempDir()
	c := Config{DataDir: filepath.Join(dir, "data"), Database: secret.New("sqlite:" + filepath.Join(dir, "data", "admit.db"))}
	first, err := c.Master()
	if err != nil || len(first) != 32 {
		t.Fatal(first, err)
	}
	if info, _ := os.Stat(c.KeyFile()); info.Mode().Perm() != 0o600 {
		t.Error(info.Mode())
	}
	again, err := c.Master()
	if err != nil || string(again) != string(first) {
		t.Fatal("another key", err)
	}
	os.Chmod(c.KeyFile(), 0o644)
	if _, err := c.Master(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Error("a readable key is accepted:", err)
	}
	os.Remove(c.KeyFile())
	os.WriteFile(filepath.Join(dir, "data", "admit.db"), []byte("x"), 0o600)
	if _, err := c.Master(); err == nil {
		t.Error("a second key is made beside an existing database")
	}
	c.Database = secret.New("postgres://h/d")
	if _, err := c.Master(); err == nil {
		t.Error("a key is made for PostgreSQL")
	}
}

func TestEveryFieldIsTagged(t *testing.T) {
	for _, f := range Fields() {
		if f.Name == "" || f.Doc == "" || !f.Secret && !f.Flag {
			t.Errorf("%+v", f)
		}
	}
}

func TestReferenceIsCurrent(t *testing.T) {
	path := filepath.Join("..", "..", "..", "docs", "reference", "config.md")
	if *update {
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(Reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || string(have) != Reference() {
		t.Errorf("%s is not what the code says (%v); run: go test ./internal/kit/config -update", path, err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add("listen: 127.0.0.1:1\n")
	f.Add("a: &x [1]\nb: *x\n")
	f.Add("public-url: {}\n? [x]\n: y")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := load(map[string]string{"config": "f"}, nil, files(map[string]string{"f": text}))
		if err == nil && len(c.Validate()) > 0 {
			t.Fatalf("%q: loaded with problems", text)
		}
	})
}

// Nodes on PostgreSQL may take the master key from the file in the data directory, but none is made.
func TestKeyFileBesidePostgreSQL(t *testing.T) {
	dir := t.TempDir()
	flags := map[string]string{"database": "postgres://admit@db/admit", "data-dir": dir}
	if _, err := load(flags, nil, files(nil)); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "master.key")) {
		t.Errorf("without any key: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "master.key"), []byte(strings.Repeat("A", 43)+"="), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(flags, nil, files(nil))
	if err != nil {
		t.Fatal(err)
	}
	if key, err := c.Master(); err != nil || len(key) != 32 {
		t.Errorf("%d bytes, %v", len(key), err)
	}
}

func TestDevelopmentStaysHere(t *testing.T) {
	_, err := load(map[string]string{"dev": "true", "public-url": "https://login.example.com"}, nil, files(nil))
	if err == nil || !strings.Contains(err.Error(), "this machine only") {
		t.Error(err)
	}
}
