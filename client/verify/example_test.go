package verify_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/admit-id/admit/client/verify"
)

// One verifier serves the whole program: it keeps the issuer's keys.
func Example() {
	verifier, err := verify.New(verify.Config{
		Issuer:   "https://login.example.com",
		Audience: "acc_default",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = verifier.Verify(context.Background(), "not.a.token")
	fmt.Println(errors.Is(err, verify.ErrMalformed))
	// Output: true
}
