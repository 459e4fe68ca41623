package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/admit-id/admit/internal/kit/secret"
)

// Problem is something wrong with the settings, and what to do about it.
type Problem struct{ Setting, Text, Fix string }

func (p Problem) Error() string {
	return p.Setting + ": " + p.Text + "\n    Fix: " + p.Fix
}

// Problems are all of them at once.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = "  " + one.Error()
	}
	return fmt.Sprintf("the configuration has %d problem(s):\n%s", len(p), strings.Join(lines, "\n"))
}

// Flags adds a flag for every setting that has one, and --config.
func Flags(flags *pflag.FlagSet) {
	flags.String("config", "", "YAML file with settings; also ADMIT_CONFIG")
	for _, f := range Fields() {
		if !f.Flag {
			continue
		}
		if f.Bool {
			flags.Bool(f.Name, false, f.Doc)
			continue
		}
		flags.String(f.Name, f.Default, f.Doc)
	}
}

// Load reads the settings from the flags that were given, the process's environment and the
// file, and validates them. The error is a Problems.
func Load(flags *pflag.FlagSet) (Config, error) {
	given := map[string]string{}
	flags.Visit(func(f *pflag.Flag) { given[f.Name] = f.Value.String() })
	return load(given, os.Environ(), os.ReadFile)
}

type reader func(path string) ([]byte, error)

// loader collects settings and problems. Later sources win, so the weakest comes first.
type loader struct {
	config   Config
	problems Problems
	set      map[string]bool
	fields   map[string]Field
	read     reader
}

func load(flags map[string]string, environ []string, read reader) (Config, error) {
	l := loader{set: map[string]bool{}, fields: map[string]Field{}, read: read}
	for _, f := range Fields() {
		l.fields[f.Name] = f
		if f.Default != "" {
			l.put(f.Name, "the default", f.Default)
		}
	}
	l.set = map[string]bool{}
	env := l.environment(environ)
	path := env["config"]
	if flags["config"] != "" {
		path = flags["config"]
	}
	delete(env, "config")
	if path != "" {
		l.file(path)
	}
	for _, name := range sortedKeys(env) {
		l.put(name, l.fields[name].Env, env[name])
	}
	for _, name := range sortedKeys(flags) {
		if _, known := l.fields[name]; known {
			l.put(name, "--"+name, flags[name])
		}
	}
	if l.set["data-dir"] && !l.set["database"] {
		l.config.Database = secret.New("sqlite:" + filepath.Join(l.config.DataDir, "admit.db"))
	}
	l.problems = append(l.problems, l.config.Validate()...)
	if len(l.problems) > 0 {
		return Config{}, l.problems
	}
	l.config.public = l.config.publicURL()
	return l.config, nil
}

func (l *loader) put(name, source, text string) {
	l.set[name] = true
	if text == "" && l.fields[name].Secret {
		l.problem(source, "it is empty", "give it a value or remove it: an empty secret is never meant")
		return
	}
	if err := l.fields[name].set(&l.config, text); err != nil {
		l.problem(source, err.Error(), "correct "+source)
	}
}

func (l *loader) problem(setting, text, fix string) {
	l.problems = append(l.problems, Problem{setting, text, fix})
}

// environment picks our variables. Unknown ones are problems, but for those that an orchestrator
// makes for a service called "admit" and those of the test suite.
func (l *loader) environment(environ []string) map[string]string {
	byEnv := map[string]Field{}
	for _, f := range l.fields {
		byEnv[f.Env] = f
	}
	values, files := map[string]string{}, map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "ADMIT_") || foreignVariable(name) {
			continue
		}
		if name == "ADMIT_CONFIG" {
			values["config"] = value
			continue
		}
		if f, ok := byEnv[name]; ok {
			values[f.Name] = value
			continue
		}
		if f, ok := byEnv[strings.TrimSuffix(name, "_FILE")]; ok && f.Secret {
			files[f.Name] = value
			continue
		}
		l.problem(name, "there is no such setting", "remove it"+l.suggestion(name, byEnv))
	}
	for _, name := range sortedKeys(files) {
		f := l.fields[name]
		if _, both := values[name]; both {
			l.problem(f.Env, "it is given directly and as "+f.Env+"_FILE", "keep one of them")
			continue
		}
		data, err := l.read(files[name])
		if err != nil {
			l.problem(f.Env+"_FILE", cause(err), "name a file that this process can read")
			continue
		}
		values[name] = strings.TrimRight(string(data), "\r\n")
	}
	return values
}

// foreignVariable also lets pass what applications that use Admit are told where it is by: the
// same terminal often runs both.
func foreignVariable(name string) bool {
	switch name {
	case "ADMIT_URL", "ADMIT_ACCESS_KEY", "ADMIT_APPLICATION", "ADMIT_ACCOUNT":
		return true
	}
	return name == "ADMIT_PORT" || strings.HasPrefix(name, "ADMIT_PORT_") ||
		strings.HasPrefix(name, "ADMIT_SERVICE_") || strings.HasPrefix(name, "ADMIT_TEST_")
}

func (l *loader) suggestion(name string, known map[string]Field) string {
	for _, candidate := range sortedKeys(known) {
		if strings.EqualFold(strings.ReplaceAll(candidate, "_", ""), strings.ReplaceAll(name, "_", "")) {
			return ", or did you mean " + candidate + "?"
		}
	}
	return "; `admit serve --help` lists the settings"
}

func (l *loader) file(path string) {
	data, err := l.read(path)
	if err != nil {
		l.problem("config", cause(err), "name a YAML file that this process can read")
		return
	}
	var nodes map[string]yaml.Node
	if err := yaml.Unmarshal(data, &nodes); err != nil {
		l.problem(path, "it is no YAML mapping of settings (or names one twice)", "write one setting per line, as: public-url: https://login.example.com")
		return
	}
	for _, name := range sortedKeys(nodes) {
		node := nodes[name]
		f, known := l.fields[name]
		if !known {
			l.problem(fmt.Sprintf("%s:%d", path, node.Line), name+" is no setting", "remove it; `admit serve --help` lists the settings")
			continue
		}
		text, ok := scalar(node)
		if !ok {
			l.problem(fmt.Sprintf("%s:%d", path, node.Line), name+" must be one value", "write it as: "+name+": VALUE")
			continue
		}
		l.put(f.Name, fmt.Sprintf("%s in %s", name, path), text)
	}
}

// scalar reads a value, or a list of values as if separated by commas.
func scalar(n yaml.Node) (string, bool) {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return "", false
		}
		return n.Value, true
	case yaml.SequenceNode:
		var parts []string
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode || strings.Contains(item.Value, ",") {
				return "", false
			}
			parts = append(parts, item.Value)
		}
		return strings.Join(parts, ","), true
	}
	return "", false
}

func cause(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Path + ": " + p.Err.Error()
	}
	return err.Error()
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Default returns the settings of a deployment that sets nothing. For tests and tools.
func Default() Config {
	c, _ := load(nil, nil, os.ReadFile) // the defaults are valid; a test says so
	return c
}
