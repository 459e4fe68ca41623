package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
)

func why() *cobra.Command {
	var at string
	var asJSON bool
	c := inAccount(&cobra.Command{
		Use:   "why USER PERMISSION RESOURCE",
		Short: "Tell whether somebody may do something, and why, or what comes closest",
		Long: `Tell whether somebody may do something to a resource, now or at an earlier time, and why: the
records, roles, groups and resources above it that suffice. When the answer is no, the grants
that come closest are listed with what they lack.

The exit status is 0 for yes, 1 for no, and 2 when there is no answer.`,
		Example: `  admit why ann documents:read accounts/acme/projects/apollo
  admit why ann documents:read accounts/acme/projects/apollo --at 2026-03-03T12:00:00Z`,
		Args: cobra.ExactArgs(3),
	}, func(c *cobra.Command, a *app.App) error {
		when, err := moment(at)
		if err != nil {
			return err
		}
		e, err := a.Why(c.Context(), c.Flags().Arg(0), c.Flags().Arg(1), c.Flags().Arg(2), when)
		if err != nil {
			return err
		}
		if asJSON {
			out := json.NewEncoder(c.OutOrStdout())
			out.SetIndent("", "  ")
			out.SetEscapeHTML(false)
			err = out.Encode(app.ExplanationJSON(e))
		} else {
			_, err = fmt.Fprint(c.OutOrStdout(), e.Text())
		}
		if err == nil && !e.Allowed {
			err = errNo
		}
		return err
	})
	c.Flags().StringVar(&at, "at", "", "an earlier time to answer for, such as 2026-03-03 or 2026-03-03T12:00:00Z")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return asking(c)
}

// moment reads a time that a user typed. A day without a time is its beginning in UTC.
func moment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; write 2026-03-03 or 2026-03-03T12:00:00Z", text)
}
