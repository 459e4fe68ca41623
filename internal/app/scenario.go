package app

import (
	"context"
	"fmt"

	"github.com/admit-id/admit/internal/access/scenario"
	"github.com/admit-id/admit/internal/kit/clock"
)

// TestFailure is an answer of a test file that is not the expected one.
type TestFailure struct {
	Line int
	Text string // what was expected, and the explanation of the answer
}

// RunTests asks the questions of a test file, and returns how many there are and what failed. It
// needs no deployment.
func RunTests(ctx context.Context, data []byte) (asked int, out []TestFailure, err error) {
	all, err := scenario.Read(data, clock.NewSystem().Now())
	if err != nil {
		return 0, nil, err
	}
	for i := range all {
		failures, err := all[i].Run(ctx)
		if err != nil {
			return 0, nil, err
		}
		asked += len(all[i].Asks)
		for _, f := range failures {
			want, got := "no", "yes"
			if f.Ask.Allowed {
				want, got = got, want
			}
			text := fmt.Sprintf("want %s, got %s: %s %s %s\n%s", want, got, f.Ask.User, f.Ask.Action, f.Ask.Resource, f.Explanation.Text())
			out = append(out, TestFailure{f.Ask.Line, text})
		}
	}
	return asked, out, nil
}
