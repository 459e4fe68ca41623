package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/admit-id/admit/internal/app"
	"github.com/admit-id/admit/internal/app/person"
)

func policies() *cobra.Command {
	parent := group("policy", "What a sign-in must prove, by account, tenant and application")
	parent.AddCommand(policyShow(), policySet())
	return parent
}

// policyMembers are the members of a policy in the order of its page, with what holds where nothing is said.
var policyMembers = []struct{ name, unsaid string }{
	{"first", "all that the account has"}, {"second", "all"}, {"secondWhen", "of those who have registered one"},
	{"rememberDays", "not at all"}, {"authenticators", "any"}, {"sessionBinding", "where the browser can"},
	{"recoveryHours", "24"}, {"noRecovery", "false"},
}

func policyScope(c *cobra.Command) *person.PolicyScope {
	var s person.PolicyScope
	c.Flags().StringVar(&s.Tenant, "tenant", "", "a tenant's, by its id; without it and --application the account's")
	c.Flags().StringVar(&s.Application, "application", "", "an application's, by its id")
	c.MarkFlagsMutuallyExclusive("tenant", "application")
	return &s
}

func policyShow() *cobra.Command {
	var scope *person.PolicyScope
	var effective, asJSON bool
	c := inAccount(&cobra.Command{
		Use:   "show [--tenant ID | --application ID]",
		Short: "Print a sign-in policy",
		Long: `Print what is written for the account, or for one tenant or application of it. With --effective,
print what holds there together with the account's policy: of both, the stricter word.`,
		Example: `  admit policy show
  admit policy show --application app_default --effective
  admit policy show --json > policy.json`,
	}, func(c *cobra.Command, a *app.App) error {
		read := a.Policies().Show
		if effective {
			read = a.Policies().Effective
		}
		found, err := read(c.Context(), *scope)
		if err != nil {
			return err
		}
		return writePolicy(c.OutOrStdout(), found, asJSON)
	})
	scope = policyScope(c)
	c.Flags().BoolVar(&effective, "effective", false, "what holds together with the account's policy")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON, as admit policy set --file and /v1 take it")
	return c
}

func policySet() *cobra.Command {
	var scope *person.PolicyScope
	var in policyInput
	c := inAccount(&cobra.Command{
		Use:   "set [--tenant ID | --application ID] FLAGS",
		Short: "Change a sign-in policy, and print what it says then",
		Long: `Change what the flags name and leave the rest, or replace all of it by a file. An empty value takes
a member back, and what holds where nothing is said holds again. Nodes that run hear of it by themselves.
A policy under which nobody could sign in is refused.`,
		Example: `  admit policy set --second-when newDevice --remember-days 30
  admit policy set --tenant ten_acme --first passkey,email --second passkey,totp --second-when always
  admit policy set --second-when ""
  admit policy set --application app_default --file policy.json`,
	}, func(c *cobra.Command, a *app.App) error {
		return in.write(c, a.Policies(), *scope)
	})
	scope = policyScope(c)
	in.flags(c)
	return c
}

// policyInput is what admit policy set is told.
type policyInput struct {
	first, second, models []string
	when, binding, file   string
	days, hours           int
	noRecovery            bool
}

func (in *policyInput) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringSliceVar(&in.first, "first", nil, "Admit's own factors that may begin a sign-in: email, passkey, password")
	f.StringSliceVar(&in.second, "second", nil, "those that may be the second: passkey, totp, recovery")
	f.StringVar(&in.when, "second-when", "", "when a second one is wanted of everybody: always, or newDevice (in a browser that is not remembered)")
	f.IntVar(&in.days, "remember-days", 0, "for how long a browser can be remembered in which a second factor was shown; -1: never")
	f.StringSliceVar(&in.models, "authenticators", nil, "AAGUIDs of the only models that may be registered as passkeys")
	f.StringVar(&in.binding, "session-binding", "", "whether sessions must be bound to the device: require or off")
	f.IntVar(&in.hours, "recovery-hours", 0, "how long somebody waits who lost every second factor")
	f.BoolVar(&in.noRecovery, "no-recovery", false, "leave it to an administrator")
	f.StringVar(&in.file, "file", "", "replace all of it by this file of JSON, or - for standard input")
	for _, one := range []string{"first", "second", "second-when", "remember-days", "authenticators", "session-binding", "recovery-hours", "no-recovery"} {
		c.MarkFlagsMutuallyExclusive("file", one)
	}
}

// members are those that the flags name.
func (in *policyInput) members(c *cobra.Command) person.PolicyMembers {
	out := person.PolicyMembers{}
	for flag, member := range map[string]struct {
		name  string
		value any
	}{
		"first": {"first", in.first}, "second": {"second", in.second}, "second-when": {"secondWhen", in.when}, "remember-days": {"rememberDays", in.days},
		"authenticators": {"authenticators", in.models}, "session-binding": {"sessionBinding", in.binding}, "recovery-hours": {"recoveryHours", in.hours},
		"no-recovery": {"noRecovery", in.noRecovery},
	} {
		if c.Flags().Changed(flag) {
			out[member.name] = member.value
		}
	}
	return out
}

func (in *policyInput) write(c *cobra.Command, all person.Words, scope person.PolicyScope) error {
	set := func(ctx context.Context) (person.PolicyMembers, error) {
		return all.Set(ctx, scope, in.members(c))
	}
	switch {
	case in.file != "":
		text, err := readPolicy(c.InOrStdin(), in.file)
		if err != nil {
			return err
		}
		set = func(ctx context.Context) (person.PolicyMembers, error) { return all.Replace(ctx, scope, text) }
	case len(in.members(c)) == 0:
		return errors.New("say what to change, or give a file; see: admit policy set --help")
	}
	now, err := set(c.Context())
	if err != nil {
		return err
	}
	return writePolicy(c.OutOrStdout(), now, false)
}

func readPolicy(stdin io.Reader, file string) ([]byte, error) {
	const limit = 64 << 10
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		stdin = f
	}
	text, err := io.ReadAll(io.LimitReader(stdin, limit+1))
	if err == nil && len(text) > limit {
		err = errors.New("the policy is longer than 64 KiB")
	}
	return text, err
}

func writePolicy(w io.Writer, p person.PolicyMembers, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(p)
	}
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, m := range policyMembers {
		value, said := p[m.name]
		if !said {
			fmt.Fprintf(out, "%s\t%s\t(not said)\n", m.name, m.unsaid)
			continue
		}
		text := fmt.Sprint(value)
		if list, ok := value.([]any); ok {
			text = strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ", "), "[]")
		}
		fmt.Fprintf(out, "%s\t%s\n", m.name, text)
	}
	return out.Flush()
}
