package config

import (
	"fmt"
	"strings"
)

// Reference is docs/reference/config.md, made from the struct. A test keeps the file equal.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Configuration

Made from the code (` + "`internal/kit/config`" + `); do not edit by hand.

A setting is given as a flag, an environment variable or a key of the YAML file that ` + "`--config`" + ` or
` + "`ADMIT_CONFIG`" + ` names. A flag beats the environment, the environment beats the file. A key, flag or
` + "`ADMIT_`" + ` variable that does not exist stops the start, and all problems are reported at once.

A secret can also be read from a file: the variable with the suffix ` + "`_FILE`" + ` names it. Most secrets have no flag,
because other processes of the machine can read flags.

| setting | flag | environment | default |
|---|---|---|---|
`)
	for _, f := range Fields() {
		flag := "none"
		if f.Flag {
			flag = "`--" + f.Name + "`"
		}
		env := "`" + f.Env + "`"
		if f.Secret {
			env += ", `" + f.Env + "_FILE`"
		}
		value := "none"
		if f.Default != "" {
			value = "`" + f.Default + "`"
		}
		if f.Bool {
			value = "`false`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, flag, env, value)
	}
	for _, f := range Fields() {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", f.Name, f.Doc)
		if f.Secret {
			b.WriteString("\nIt is a secret: it is never shown or logged.\n")
		}
	}
	return b.String()
}
