package hosted

import (
	"net"
	"net/http"
	"os"
	"testing"

	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// TestPreview serves every page with made-up logins, to look at them:
//
//	ADMIT_PREVIEW=127.0.0.1:8090 go test -run Preview -timeout 0 ./internal/surface/hosted
//
// and then, for example, /login?state=choose-1, code-1, expired-1, current-1, many-1, or /mail.
// Hosts called long.localhost have an account with a long name, blank.localhost one without looks.
func TestPreview(t *testing.T) {
	address := os.Getenv("ADMIT_PREVIEW")
	if address == "" {
		t.Skip("set ADMIT_PREVIEW to an address to look at the pages")
	}
	issuer := "http://localhost:8080"
	hosts := map[string]http.Handler{
		"long.localhost":  handler(t, &fakeLogin{}, fakeAccounts{page.Brand{Name: "Nordwestdeutsche Landesgesellschaft für Wasserwirtschaft und Küstenschutz mbH", Accent: "#0f766e"}, issuer}, true),
		"blank.localhost": handler(t, &fakeLogin{}, fakeAccounts{page.Brand{}, issuer}, false),
		"sun.localhost":   handler(t, &fakeLogin{}, fakeAccounts{page.Brand{Name: "Sunrise", Accent: "#facc15"}, issuer}, false),
		"night.localhost": handler(t, &fakeLogin{}, fakeAccounts{page.Brand{Name: "Night", Accent: "#000000"}, issuer}, false),
	}
	f := &fakeLogin{}
	acme := handler(t, f, fakeAccounts{page.Brand{Name: "Harbour", Accent: "#4f46e5"}, issuer}, true)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.Host)
		if other, ok := hosts[host]; ok {
			other.ServeHTTP(w, r)
			return
		}
		if r.URL.Path == "/mail" { // the newest code mail; send one first
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Write([]byte(f.mail.HTML))
			return
		}
		acme.ServeHTTP(w, r)
	})
	t.Fatal(http.ListenAndServe(address, h))
}
