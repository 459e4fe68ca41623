package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
)

// call is one request to the server.
type call struct {
	method string
	path   string // escaped, begins with /v1/
	query  url.Values
	body   any  // encoded as JSON; nil for none
	once   bool // must not be repeated: the server may have done it although no answer came
}

// do sends c, repeats it on 5xx and on failures of the transport with growing pauses, and
// decodes a successful answer into out unless out is nil. repeated tells whether an earlier
// attempt may have reached the server.
func (c *Client) do(ctx context.Context, q call, out any) (repeated bool, err error) {
	var body []byte
	if q.body != nil {
		if body, err = json.Marshal(q.body); err != nil {
			return false, fmt.Errorf("client: %w", err)
		}
	}
	for attempt := 0; ; attempt++ {
		again, err := c.attempt(ctx, q, body, out)
		if err == nil || !again || q.once || attempt+1 == attempts {
			return attempt > 0, err
		}
		// Half of the pause is random, so that many clients do not come back together.
		wait := firstWait << attempt
		wait = wait/2 + rand.N(wait/2)
		if stopped := c.sleep(ctx, wait); stopped != nil {
			return attempt > 0, err
		}
	}
}

// attempt sends the request once. again tells whether another attempt makes sense.
func (c *Client) attempt(ctx context.Context, q call, body []byte, out any) (again bool, err error) {
	request, err := c.request(ctx, q, body)
	if err != nil {
		return false, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return ctx.Err() == nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return ctx.Err() == nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if len(answer) > maxAnswer {
		return false, fmt.Errorf("%w: the answer is longer than %d bytes", ErrUnavailable, maxAnswer)
	}
	if response.StatusCode/100 != 2 {
		return response.StatusCode >= 500, failure(response.StatusCode, answer)
	}
	if out == nil {
		return false, nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return false, fmt.Errorf("%w: the answer is not what the API promises: %w", ErrUnavailable, err)
	}
	return false, nil
}

func (c *Client) request(ctx context.Context, q call, body []byte) (*http.Request, error) {
	address := c.base + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, q.method, address, reader)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	token, err := c.credentials.Token(ctx, c.base)
	if err != nil {
		return nil, fmt.Errorf("client: credentials: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", userAgent)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return request, nil
}

// failure makes the error of an answer that is not success.
func failure(status int, body []byte) error {
	e := &Error{Status: status, kind: kindOf(status)}
	var said struct {
		Title     string `json:"title"`
		ErrorCode string `json:"errorCode"`
		ErrorID   string `json:"errorId"`
	}
	if json.Unmarshal(body, &said) == nil {
		e.Title, e.Code, e.ID = said.Title, said.ErrorCode, said.ErrorID
	}
	return e
}

func kindOf(status int) error {
	switch status {
	case http.StatusUnauthorized:
		return ErrUnauthenticated
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return ErrConflict
	case http.StatusTooManyRequests:
		return ErrLimited
	}
	if status >= 400 && status < 500 {
		return ErrInvalid
	}
	return ErrUnavailable
}
