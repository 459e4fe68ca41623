package main

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func ask(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := root()
	c.SetArgs(args)
	c.SetOut(&out)
	c.SetErr(io.Discard)
	err := c.Execute()
	return out.String(), err
}

// Help shows what a command needs, not every setting of the server; the settings are taken all the same.
func TestHelpIsAboutTheCommand(t *testing.T) {
	var each func(c *cobra.Command)
	each = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			each(sub)
		}
		if c.Flags().Lookup("database") == nil || c.Name() == "serve" {
			return
		}
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		help, err := ask(t, args...)
		if err != nil || !strings.Contains(help, "--database") || !strings.Contains(help, "admit serve --help") {
			t.Errorf("%s: %v %.300s", c.CommandPath(), err, help)
		}
		for _, foreign := range []string{"--tls-cert", "--password-memory", "--otlp-endpoint", "--listen"} {
			if strings.Contains(help, foreign) {
				t.Errorf("%s --help shows %s", c.CommandPath(), foreign)
			}
		}
		if c.Flags().Lookup("log-level") == nil {
			t.Errorf("%s does not take the settings", c.CommandPath())
		}
	}
	each(root())
	if help, err := ask(t, "serve", "--help"); err != nil || !strings.Contains(help, "--tls-cert") || strings.Contains(help, "The other settings") {
		t.Errorf("serve: %v %.300s", err, help)
	}
}

func TestWrongArguments(t *testing.T) {
	for _, args := range []string{"why", "why ann", "why a b c d", "client show", "keys list x", "import openfga model", "test"} {
		_, err := ask(t, strings.Fields(args)...)
		if err == nil || !strings.Contains(err.Error(), "it is used like this: admit "+strings.Fields(args)[0]) {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// An export goes through a pipe into another account.
func TestExportIntoImport(t *testing.T) {
	withoutSettings(t)
	dir := t.TempDir()
	run := func(in string, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		c := root()
		c.SetArgs(append(args, "--data-dir", dir, "--database", "sqlite:"+dir+"/admit.db"))
		c.SetIn(strings.NewReader(in))
		c.SetOut(&out)
		c.SetErr(io.Discard)
		if err := c.Execute(); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return out.String()
	}
	other := strings.TrimSpace(run("", "account", "create", "--name", "Other", "--host", "other.example"))
	run("user,group,role,resource\nann,,Authress:ReadResource,docs/1\n", "import", "csv", "-")
	text := run("", "export")
	if again := run("", "export", "--out", "-"); again != text || !strings.Contains(text, `"ann"`) {
		t.Errorf("%s\n%s", text, again)
	}
	run(text, "import", "admit", "-", "--account", other)
	if got := run("", "export", "--account", other); !strings.Contains(got, `"ann"`) {
		t.Error(got)
	}
}
