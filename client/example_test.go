package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/admit-id/admit/client"
)

func ExampleClient_AuthorizeUser() {
	// A stand-in for Admit that knows one permission.
	admit := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/users/u_ada/resources/accounts/a1/permissions/accounts:read" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer admit.Close()

	// In a real program the credentials are client.ParseAccessKey(os.Getenv("ADMIT_ACCESS_KEY")).
	c, err := client.New(client.Config{BaseURL: admit.URL, Credentials: client.Token("token")})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, action := range []string{"accounts:read", "accounts:delete"} {
		yes, err := c.AuthorizeUser(context.Background(), "u_ada", "accounts/a1", action)
		if errors.Is(err, client.ErrForbidden) {
			fmt.Println("this client may not ask about that user")
			return
		}
		fmt.Println(action, yes, err)
	}
	// Output:
	// accounts:read true <nil>
	// accounts:delete false <nil>
}
