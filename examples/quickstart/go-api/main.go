// Command go-api is a small API behind Admit, in Go. Every request goes through the same two
// questions: who is this (the middleware), and may they (AuthorizeUser, UserResources).
//
//	GET /api/accounts        200 the accounts that the person may read (perhaps none)
//	GET /api/accounts/{id}   200, or 404 when the person may not read it, whether or not it exists
//
// Both answer 401 to a token that is missing, forged, expired or of another issuer, and 503
// when Admit cannot be asked: an API that does not know says no.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/admit-id/admit/client"
	"github.com/admit-id/admit/client/middleware"
	"github.com/admit-id/admit/client/verify"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "go-api:", err)
		os.Exit(1)
	}
}

func run() error {
	admitURL := setting("ADMIT_URL", "http://localhost:8080")
	verifier, err := verify.New(verify.Config{Issuer: admitURL, Audience: setting("ADMIT_ACCOUNT", "acc_default")})
	if err != nil {
		return err
	}
	key, err := client.ParseAccessKey(os.Getenv("ADMIT_ACCESS_KEY"))
	if err != nil {
		return fmt.Errorf("ADMIT_ACCESS_KEY: %w", err)
	}
	admit, err := client.New(client.Config{BaseURL: admitURL, Credentials: key})
	if err != nil {
		return err
	}
	accounts, err := readAccounts(setting("ACCOUNTS", "accounts.json"))
	if err != nil {
		return err
	}
	server := &http.Server{
		Addr:              setting("LISTEN", "127.0.0.1:3002"),
		Handler:           newAPI(verifier, admit, accounts),
		ReadHeaderTimeout: 5 * time.Second,
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		patience, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(patience) // what is still open after that is cut off
	}()
	fmt.Printf("go-api    http://%s\n", server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func readAccounts(file string) ([]account, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var accounts []account
	if err := json.Unmarshal(data, &accounts); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return accounts, nil
}

// logRefusal says why a token was not accepted; the caller is only told that it was not.
func logRefusal(r *http.Request, why error) {
	slog.Info("token refused", "path", r.URL.Path, "why", why)
}

var options = middleware.Options{Refused: logRefusal}
