package attack

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// secrets are everything a person and an operator hold after a day's work.
func (w *world) secrets(p *person) map[string]string {
	link, _ := url.Parse(w.Run("setup-link"))
	out := map[string]string{
		"access key": w.key, "private key of the access key": w.key[strings.LastIndexByte(w.key, '.')+1:], "setup token": link.Query().Get("token"),
		"code": p.code, "verifier": p.verifier, "access token": p.access, "signature": p.access[strings.LastIndexByte(p.access, '.')+1:], "ID token": p.id,
	}
	for name, value := range p.cookies {
		out["cookie "+name] = value
	}
	for name, value := range out {
		if len(value) < 16 {
			w.t.Fatalf("%s is too short to look for: %q", name, value)
		}
	}
	return out
}

func forms(secret string) []string {
	raw := []byte(secret)
	return []string{secret, url.QueryEscape(secret), hex.EncodeToString(raw), base64.StdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw)}
}

// What the database holds opens no door: no secret is in it, and nothing in it works as one.
func TestSES10_DumpIsUseless(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		p := w.signIn("alice@example.com")
		secrets := w.secrets(p)
		master, err := os.ReadFile(w.DataDir + "/master.key")
		if err == nil {
			secrets["master key"] = strings.TrimSpace(string(master))
		}
		dump := w.dump()
		for table, values := range dump {
			for _, value := range values {
				for name, secret := range secrets {
					for _, form := range forms(secret) {
						if strings.Contains(value, form) {
							t.Errorf("%s holds the %s", table, name)
						}
					}
				}
			}
		}
		tried := map[string]bool{}
		for table, values := range dump {
			for _, value := range values {
				if tried[value] || len(value) < 16 || len(tried) > 800 {
					continue
				}
				tried[value] = true
				for _, form := range []string{value, base64.RawURLEncoding.EncodeToString([]byte(value)), hex.EncodeToString([]byte(value))} {
					if strings.ContainsAny(form, "\r\n\x00;, \"") || len(form) > 6000 || !printable(form) {
						continue
					}
					if a := w.send("GET", "/api/session", "", "Cookie", "admit-session="+form); a.status == 200 {
						t.Errorf("a value of %s works as a session cookie", table)
					}
					if a := w.send("GET", "/v1/users/"+subject(p.access), "", "Authorization", "Bearer "+form); a.status != 401 && a.status != 429 {
						t.Errorf("a value of %s works as a bearer: %d", table, a.status)
					}
				}
			}
		}
	})
}

func printable(s string) bool {
	return !bytes.ContainsFunc([]byte(s), func(r rune) bool { return r < 0x21 || r > 0x7e })
}

func TestINJ07_NoSecretsInTheLog(t *testing.T) {
	each(t, process.Options{Env: []string{"ADMIT_LOG_LEVEL=debug", "ADMIT_SMTP_URL=smtps://canaryuser:canarypassword@mail.example.com"}}, func(t *testing.T, w *world) {
		p := w.signIn("alice@example.com")
		secrets := w.secrets(p)
		secrets["mail password"], secrets["master key"] = "canarypassword", masterKey
		delete(secrets, "setup token") // the start prints one for the person at the terminal
		for _, secret := range secrets {
			for _, path := range []string{"/v1/roles?token=", "/login?state=x&code=", "/setup?token=", "/v1/users/", "/nothing/", "/api/authentication/"} {
				w.send("GET", path+url.QueryEscape(secret), "", "Authorization", "Bearer "+url.QueryEscape(secret), "Cookie", "admit-session="+url.QueryEscape(secret))
			}
		}
		p.exchange() // a used code
		log := w.Log()
		for name, secret := range secrets {
			for _, form := range forms(secret) {
				if strings.Contains(log, form) {
					i := strings.Index(log, form)
					t.Errorf("the log holds the %s: %.200s", name, log[max(0, i-150):i])
				}
			}
		}
		for _, file := range []string{"cmdline"} {
			if text, err := os.ReadFile("/proc/self/../" + itoa(w.PID) + "/" + file); err == nil && bytes.Contains(text, []byte("canarypassword")) {
				t.Errorf("%s holds the mail password", file)
			}
		}
	})
}

// A server with another master key does not start on a database, and no tool writes to it.
func TestVLT06_WrongMasterKey(t *testing.T) {
	each(t, process.Options{}, func(t *testing.T, w *world) {
		before := w.send("GET", "/.well-known/openid-configuration/jwks", "").body
		w.Stop()
		for _, args := range [][]string{{"serve", "--listen", w.Address, "--public-url", w.URL}, {"access-key", "create", "--client", "x", "--public-url", w.URL}, {"keys", "rotate", "--public-url", w.URL}} {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			cmd := exec.CommandContext(ctx, process.Binary(t), args...)
			cmd.Env = []string{"ADMIT_MASTER_KEY=" + strings.Repeat("B", 43) + "=", "ADMIT_DATABASE=" + w.database, "ADMIT_DATA_DIR=" + w.DataDir}
			out, err := cmd.CombinedOutput()
			cancel()
			if err == nil || ctx.Err() == context.DeadlineExceeded {
				t.Errorf("admit %s works with another master key: %.400s", args[0], out)
			} else if !strings.Contains(string(out), "master key") {
				t.Errorf("admit %s does not say what is wrong: %.400s", args[0], out)
			}
		}
		w.Restart()
		if after := w.send("GET", "/.well-known/openid-configuration/jwks", "").body; after != before {
			t.Errorf("the keys have changed: %s, %s", before, after)
		}
	})
}
