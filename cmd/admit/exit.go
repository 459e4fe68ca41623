package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// errNo is the answer of a command whose question has the answer no: exit status 1, and nothing
// more to say.
var errNo = errors.New("no")

// asking marks a command that answers yes or no by its exit status, 0 or 1; whatever goes wrong
// is a 2.
func asking(c *cobra.Command) *cobra.Command {
	c.Annotations = map[string]string{"asking": "yes"}
	return c
}

// status is the exit status for an error of the command.
func status(c *cobra.Command, err error) int {
	if c != nil && c.Annotations["asking"] != "" && !errors.Is(err, errNo) {
		return 2
	}
	return 1
}
