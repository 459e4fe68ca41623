package person

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/kit/config"
)

// StolenPasswords is the list that the settings name, or nil.
func StolenPasswords(c config.Config, outbound *http.Client) password.Breaches {
	if c.StolenList == "" {
		return nil
	}
	base, remote := c.StolenService()
	if !remote {
		return password.Directory(c.StolenList)
	}
	return password.Ranges{Range: func(ctx context.Context, prefix string) (io.ReadCloser, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+prefix, nil)
		if err != nil {
			return nil, err
		}
		r.Header.Set("Add-Padding", "true") // so that the length of the answer tells nothing
		answer, err := outbound.Do(r)
		if err != nil {
			return nil, err
		}
		if answer.StatusCode != http.StatusOK {
			answer.Body.Close()
			return nil, fmt.Errorf("the service answered %d", answer.StatusCode)
		}
		return answer.Body, nil
	}}
}
