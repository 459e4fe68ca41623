package middleware_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/admit-id/admit/client/middleware"
	"github.com/admit-id/admit/client/verify"
)

// Every route behind the middleware has a caller; one without a valid token never arrives.
func ExampleRequireToken() {
	verifier, err := verify.New(verify.Config{Issuer: "https://login.example.com", Audience: "acc_default"})
	if err != nil {
		fmt.Println(err)
		return
	}
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := middleware.Claims(r.Context())
		fmt.Fprintf(w, "Hello, %s", claims.Subject)
	})
	protected := middleware.RequireToken(verifier, middleware.Options{})(hello)

	w := httptest.NewRecorder()
	protected.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output: 401 Bearer
}

// A web application takes the token from the cookie; its forms have a field that belongs to the session.
func ExampleCSRFToken() {
	verifier, err := verify.New(verify.Config{Issuer: "https://login.example.com", Audience: "acc_default"})
	if err != nil {
		fmt.Println(err)
		return
	}
	cookie, err := middleware.NewCookie(middleware.CookieConfig{
		AntiCSRF: middleware.SessionToken,
		Key:      []byte("32 random bytes, from your secrets"),
		SignIn:   http.RedirectHandler("/sign-in", http.StatusSeeOther),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	form := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `<form method="post"><input type="hidden" name="%s" value="%s"><button>Order</button></form>`,
			middleware.CSRFField, middleware.CSRFToken(r))
	})
	shop := middleware.RequireToken(verifier, middleware.Options{Cookie: cookie})(form)

	w := httptest.NewRecorder()
	shop.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 303 /sign-in
}
