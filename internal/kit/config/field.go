package config

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/secret"
)

// Field describes one setting.
type Field struct {
	Name    string // flag and YAML key, "public-url"
	Env     string // "ADMIT_PUBLIC_URL"
	Default string
	Doc     string
	Secret  bool
	Flag    bool // has a flag; most secrets have none, because every process can read flags
	Bool    bool

	index []int
}

// Fields lists the settings in the order of the struct.
func Fields() []Field {
	var out []Field
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if !f.IsExported() {
			continue
		}
		name, show := f.Tag.Get("name"), f.Tag.Get("show")
		out = append(out, Field{
			Name: name, Env: "ADMIT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")),
			Default: f.Tag.Get("default"), Doc: f.Tag.Get("doc"),
			Secret: strings.HasPrefix(show, "secret"), Flag: show == "visible" || strings.HasSuffix(show, ",flag"),
			Bool: f.Type.Kind() == reflect.Bool, index: f.Index,
		})
	}
	return out
}

// set parses text into the field. Errors never quote a secret's text.
func (f Field) set(c *Config, text string) error {
	switch p := reflect.ValueOf(c).Elem().FieldByIndex(f.index).Addr().Interface().(type) {
	case *string:
		*p = text
	case *secret.Text:
		*p = secret.New(text)
	case *bool:
		return parse(p, text, strconv.ParseBool, "true or false")
	case *int:
		return parse(p, text, strconv.Atoi, "a whole number")
	case *float64:
		return parse(p, text, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }, "a number")
	case *time.Duration:
		return parse(p, text, time.ParseDuration, "a duration such as 500ms or 25s")
	case *[]netip.Prefix:
		return parse(p, text, parsePrefixes, "addresses or CIDR ranges separated by commas, such as 10.0.0.0/8, 192.0.2.7")
	default:
		return fmt.Errorf("config: no way to set a %T", p)
	}
	return nil
}

func parse[T any](into *T, text string, read func(string) (T, error), want string) error {
	v, err := read(text)
	if err != nil {
		return fmt.Errorf("%q is not %s", text, want)
	}
	*into = v
	return nil
}

func parsePrefixes(text string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if a, err := netip.ParseAddr(part); err == nil {
			out = append(out, netip.PrefixFrom(a.Unmap().WithZone(""), a.Unmap().BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(part)
		if err != nil {
			return nil, err
		}
		if p.Addr().Is4In6() {
			return nil, errors.New("an IPv4 range in IPv6 spelling")
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// show returns the field's value for people; a secret shows only whether it is set.
func (f Field) show(c *Config) string {
	v := reflect.ValueOf(c).Elem().FieldByIndex(f.index)
	switch x := v.Interface().(type) {
	case secret.Text:
		if x.Empty() {
			return ""
		}
		return secret.Mask
	case []netip.Prefix:
		parts := make([]string, len(x))
		for i, p := range x {
			parts[i] = p.String()
		}
		return strings.Join(parts, ", ")
	default:
		return fmt.Sprint(x)
	}
}

// Setting is one setting as `admit doctor` shows it.
type Setting struct{ Name, Value string }

// Settings lists what is set, secrets masked.
func (c Config) Settings() []Setting {
	var out []Setting
	for _, f := range Fields() {
		out = append(out, Setting{f.Name, f.show(&c)})
	}
	return out
}
