package oauth

import (
	"context"
	"errors"
	"net/url"
	"time"
)

// Device is a device authorization that is under way (RFC 8628 section 3.2).
type Device struct {
	Code            string `json:"device_code"`
	UserCode        string `json:"user_code"`                 // what the person types
	Verification    string `json:"verification_uri"`          // where
	VerificationURL string `json:"verification_uri_complete"` // the same with the code in it, or empty
	ExpiresIn       int64  `json:"expires_in"`                // seconds
	Interval        int64  `json:"interval"`                  // seconds between two questions; 0 is 5
}

// Device begins the device grant: show the person UserCode and Verification, and call Poll.
func (c *Client) Device(ctx context.Context, w Wish) (Device, error) {
	if c.Server.DeviceEndpoint == "" {
		return Device{}, errors.New("oauth: the server has no device_authorization_endpoint")
	}
	form := url.Values{}
	w.into(form)
	var out Device
	if err := c.post(ctx, c.Server.DeviceEndpoint, form, &out); err != nil {
		return Device{}, err
	}
	if out.Code == "" || out.UserCode == "" || out.Verification == "" || out.ExpiresIn <= 0 {
		return Device{}, errors.New("oauth: the answer to the device authorization request is not complete")
	}
	return out, nil
}

const (
	usualInterval = 5 * time.Second // RFC 8628 section 3.2
	slower        = 5 * time.Second // RFC 8628 section 3.5, slow_down
)

// Poll asks until the person has decided, at the pace that the server wants (RFC 8628 section 3.5). It ends
// with an *Error when they refuse or the code expires.
func (c *Client) Poll(ctx context.Context, d Device) (Tokens, error) {
	pace := usualInterval
	if d.Interval > 0 {
		pace = time.Duration(d.Interval) * time.Second
	}
	ctx, stop := context.WithTimeoutCause(ctx, time.Duration(d.ExpiresIn)*time.Second, &Error{Code: "expired_token", Description: "Nobody has confirmed the code in time."})
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return Tokens{}, context.Cause(ctx)
		case <-time.After(pace):
		}
		got, err := c.Token(ctx, url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {d.Code}})
		said := &Error{}
		switch {
		case err == nil && got.IDToken != "":
			return got, c.CheckIDToken(ctx, got.IDToken, "")
		case err == nil:
			return got, nil
		case !errors.As(err, &said):
			return Tokens{}, err
		case said.Code == "slow_down":
			pace += slower
		case said.Code != "authorization_pending":
			return Tokens{}, err
		}
	}
}
