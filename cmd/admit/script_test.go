package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"admit": main, "kubectl": kubectl})
}

// The command line as a user types it. Scripts know two commands more: "freeport NAME" sets an
// environment variable to a port that nobody uses, and "fetch URL STATUS [HOST]" asks until the
// server answers, prints the body and wants the status.
func TestScript(t *testing.T) {
	withoutSettings(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"freeport": freeport,
			"fetch":    fetch,
		},
	})
}

// withoutSettings hides the settings of this process from the commands that a test runs.
func withoutSettings(t *testing.T) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "ADMIT_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
}

func freeport(ts *testscript.TestScript, _ bool, args []string) {
	port, err := unusedPort()
	ts.Check(err)
	ts.Setenv(args[0], port)
}

var lastPort atomic.Uint32

// unusedPort finds a port that nobody listens on, below those that the system gives away by itself: one of these could
// be somebody else's before the server listens.
func unusedPort() (string, error) {
	for range 1000 {
		port := fmt.Sprint(20000 + (uint32(os.Getpid())*64+lastPort.Add(1))%12000)
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			return port, l.Close()
		}
	}
	return "", errors.New("no port is free")
}

func fetch(ts *testscript.TestScript, neg bool, args []string) {
	r, err := http.NewRequest("GET", args[0], nil)
	ts.Check(err)
	if len(args) > 2 {
		r.Host = args[2]
	}
	client := http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	var response *http.Response
	for range 1200 {
		if response, err = client.Do(r); neg || err == nil && (response.StatusCode != http.StatusServiceUnavailable || args[1] == "503") {
			break
		}
		if err == nil { // a busy machine gave the server no processor for a second
			response.Body.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	if neg {
		if err == nil {
			response.Body.Close()
			ts.Fatalf("%s answered", args[0])
		}
		return
	}
	ts.Check(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	ts.Check(err)
	fmt.Fprintln(ts.Stdout(), string(body))
	if got := fmt.Sprint(response.StatusCode); got != args[1] {
		ts.Fatalf("%s: %s, want %s: %s", args[0], got, args[1], body)
	}
}
