package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"

	"github.com/admit-id/admit/client"
	"github.com/admit-id/admit/client/middleware"
)

type account struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Currency string `json:"currency"`
	Balance  int    `json:"balance"` // in hundredths
}

// api holds the bank's accounts and knows whom to ask who may see them.
type api struct {
	admit    *client.Client
	accounts []account
}

// newAPI puts the middleware in front of every route: no handler runs without a verified caller.
func newAPI(v middleware.Verifier, admit *client.Client, accounts []account) http.Handler {
	a := &api{admit, accounts}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /api/accounts", a.list)
	routes.HandleFunc("GET /api/accounts/{id}", a.read)
	routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "There is nothing at this address.")
	})
	return middleware.RequireToken(v, options)(routes)
}

func (a *api) list(w http.ResponseWriter, r *http.Request) {
	person, _ := middleware.Claims(r.Context())
	readable, err := a.readable(r.Context(), person.Subject)
	if err != nil {
		unanswered(w, err)
		return
	}
	mine := []account{}
	for _, account := range a.accounts {
		if readable(account.ID) {
			mine = append(mine, account)
		}
	}
	answer(w, http.StatusOK, map[string]any{"accounts": mine})
}

// readable tells which accounts a person may read: all, when the permission covers the whole
// collection, or those that Admit lists.
func (a *api) readable(ctx context.Context, person string) (func(id string) bool, error) {
	all, err := a.admit.AuthorizeUser(ctx, person, "accounts/*", "accounts:read")
	if err != nil {
		return nil, err
	}
	if all {
		return func(string) bool { return true }, nil
	}
	mine := map[string]bool{}
	for query := (client.ResourceQuery{Resource: "accounts/*", Permission: "accounts:read"}); ; {
		page, err := a.admit.UserResources(ctx, person, query)
		if err != nil {
			return nil, err
		}
		for _, resource := range page.Resources {
			if _, id, ok := strings.Cut(strings.Trim(resource, "/"), "/"); ok {
				mine[id] = true
			}
		}
		if page.Next == "" {
			return func(id string) bool { return mine[id] }, nil
		}
		query.Cursor = page.Next
	}
}

func (a *api) read(w http.ResponseWriter, r *http.Request) {
	person, _ := middleware.Claims(r.Context())
	for _, account := range a.accounts {
		if account.ID != r.PathValue("id") {
			continue
		}
		may, err := a.admit.AuthorizeUser(r.Context(), person.Subject, "accounts/"+account.ID, "accounts:read")
		if err != nil {
			unanswered(w, err)
			return
		}
		if may {
			answer(w, http.StatusOK, account)
			return
		}
	}
	refuse(w, http.StatusNotFound, "There is no such account.") // also when it is somebody else's
}

// unanswered is for a question that Admit did not answer. Not knowing means no.
func unanswered(w http.ResponseWriter, err error) {
	slog.Error("Admit did not answer", "error", err)
	refuse(w, http.StatusServiceUnavailable, "Admit cannot be asked.")
}

func refuse(w http.ResponseWriter, status int, title string) {
	answer(w, status, map[string]string{"title": title})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the caller may be gone
}
