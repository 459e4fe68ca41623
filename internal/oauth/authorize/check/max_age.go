package check

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/oauth"
)

var maxAge = Check{
	Name: "max_age", Standard: "OpenID Connect Core section 3.1.2.1",
	Rule:  "max_age is a number of seconds from 0, which means that the person proves anew. The client's default_max_age stands in for a missing one.",
	Codes: []oauth.Code{oauth.InvalidRequest},
	run: func(_ context.Context, _ *Tools, r *Request) error {
		r.MaxAge = -1
		text := r.get("max_age")
		if text == "" {
			if d := r.Client.Settings.DefaultMaxAge; d > 0 {
				r.MaxAge = time.Duration(d) * time.Second
			}
			return nil
		}
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil || strings.Trim(text, "0123456789") != "" {
			return refuse(oauth.InvalidRequest, "max_age must be a number of seconds, from 0.")
		}
		r.MaxAge = time.Duration(n) * time.Second
		return nil
	},
}
