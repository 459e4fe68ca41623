package dpop

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A server that wants a nonce gets the request twice the first time, then once.
func TestTransport(t *testing.T) {
	var calls int
	nonce := "n-1"
	var inBody bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		body, _ := io.ReadAll(r.Body)
		if r.Method == "POST" && string(body) != "a=b" {
			t.Errorf("body %q", body)
		}
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "DPoP ")
		_, err := Verify(r.Header.Values("DPoP"), Expect{
			Method: r.Method, URL: "http://" + r.Host + r.URL.Path, AccessToken: token, Now: time.Now(),
			Nonce: func(n string) bool { return n == nonce },
		})
		w.Header().Set("DPoP-Nonce", nonce)
		switch {
		case err == nil:
			fmt.Fprint(w, "fine")
		case inBody:
			w.WriteHeader(400)
			fmt.Fprint(w, `{"error":"use_dpop_nonce"}`)
		default:
			w.Header().Set("WWW-Authenticate", `DPoP error="use_dpop_nonce"`)
			w.WriteHeader(401)
		}
	}))
	defer server.Close()
	client := &http.Client{Transport: &Transport{Key: edKey("a")}}
	send := func(method, token string, wantCalls int) {
		t.Helper()
		calls = 0
		r, _ := http.NewRequest(method, server.URL+"/x?q=1", nil)
		if method == "POST" {
			r, _ = http.NewRequest(method, server.URL+"/x", strings.NewReader("a=b"))
		}
		if token != "" {
			r.Header.Set("Authorization", "DPoP "+token)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if body, _ := io.ReadAll(response.Body); string(body) != "fine" || calls != wantCalls {
			t.Errorf("%s: %d calls, %q", method, calls, body)
		}
		if r.Header.Get("DPoP") != "" {
			t.Error("the caller's request was changed")
		}
	}
	send("GET", access, 2)
	send("GET", access, 1)
	nonce, inBody = "n-2", true
	send("POST", "", 2)
	send("POST", "", 1)
}

// Other refusals are not repeated, whatever nonce they carry, and their body stays readable.
func TestTransportRepeatsNothingElse(t *testing.T) {
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		w.Header().Set("DPoP-Nonce", fmt.Sprint("n-", calls))
		w.WriteHeader(400)
		fmt.Fprint(w, `{"error":"invalid_grant"}`)
	}))
	defer server.Close()
	client := &http.Client{Transport: &Transport{Key: edKey("a")}}
	response, err := client.Post(server.URL, "application/x-www-form-urlencoded", strings.NewReader("a=b"))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); calls != 1 || string(body) != `{"error":"invalid_grant"}` {
		t.Errorf("%d calls, %s", calls, body)
	}
}
