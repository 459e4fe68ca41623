package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// MaxChecks is how many checks CheckMany may hold.
const MaxChecks = 1000

// Check is one question for CheckMany: may the user do that to the resource?
type Check struct {
	UserID     string `json:"userId"`
	Resource   string `json:"resourceUri"`
	Permission string `json:"permission"`
}

// CheckResult is the answer to one Check. With an Err, Allowed is false and means nothing.
type CheckResult struct {
	Allowed bool
	Err     error // matches ErrInvalid or ErrForbidden with errors.Is
}

// CheckMany asks up to MaxChecks questions in one request. All are answered from one state of the
// account; the results stand in the order of the checks. It fails as a whole for what
// AuthorizeUser fails for.
func (c *Client) CheckMany(ctx context.Context, checks []Check) ([]CheckResult, error) {
	if len(checks) == 0 {
		return nil, nil
	}
	if len(checks) > MaxChecks {
		return nil, fmt.Errorf("client: at most %d checks at once", MaxChecks)
	}
	var answer struct {
		Results []struct {
			Allowed bool `json:"allowed"`
			Error   *struct {
				Title     string `json:"title"`
				ErrorCode string `json:"errorCode"`
			} `json:"error"`
		} `json:"results"`
	}
	body := map[string]any{"checks": checks}
	if _, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/checks", body: body}, &answer); err != nil {
		if errors.Is(err, ErrNotFound) { // a server that is older than this client
			err = fmt.Errorf("%w: the server knows no batches: %w", ErrUnavailable, err)
		}
		return nil, err
	}
	if len(answer.Results) != len(checks) {
		return nil, fmt.Errorf("%w: %d answers to %d checks", ErrUnavailable, len(answer.Results), len(checks))
	}
	out := make([]CheckResult, len(checks))
	for i, r := range answer.Results {
		if r.Error == nil {
			out[i].Allowed = r.Allowed
			continue
		}
		kind := ErrInvalid
		if r.Error.ErrorCode == "Forbidden" {
			kind = ErrForbidden
		}
		out[i].Err = &Error{Status: http.StatusOK, Title: r.Error.Title, Code: r.Error.ErrorCode, kind: kind}
	}
	return out, nil
}

func (c *Client) authorizeOne(ctx context.Context, q Check) (bool, error) {
	results, err := c.CheckMany(ctx, []Check{q})
	if err != nil {
		return false, err
	}
	return results[0].Allowed, results[0].Err
}
