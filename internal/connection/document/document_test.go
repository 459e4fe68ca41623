package document_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/connection/document"
)

func TestParseRefusesWhatCanBeReadTwoWays(t *testing.T) {
	for name, text := range map[string]string{
		"twice":           `{"sub":"a","sub":"b"}`,
		"twice, escaped":  `{"sub":"a","\u0073ub":"b"}`,
		"case variant":    `{"sub":"a","SUB":"b"}`,
		"unicode variant": `{"task":"a","taſk":"b"}`,
		"deep variant":    `{"a":{"b":1,"B":2}}`,
		"array":           `[{"sub":"a"}]`,
		"string":          `"a"`,
		"trailing":        `{} {}`,
		"trailing text":   `{}x`,
		"open":            `{"a":1`,
		"bad UTF-8":       "{\"a\":\"\xff\"}",
		"empty":           ``,
		"HTML":            `<html>`,
		"deep":            strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100),
		"null":            `null`,
		"half character":  `{"sub":"\ud800"}`,
		"NaN":             `{"a":NaN}`,
	} {
		if o, err := document.Parse([]byte(text)); !errors.Is(err, document.ErrMalformed) {
			t.Errorf("%s: %v, %v", name, o, err)
		}
	}
}

func TestMembersAreTyped(t *testing.T) {
	o, err := document.Parse([]byte(`{"s":"x","n":1,"t":true,"ts":"true","a":["x","y"],"m":["x",1],"z":null,
		"exp":1700000000,"frac":1700000000.9,"big":1e400,"neg":-5,"huge":99999999999999999999}`))
	if err != nil {
		t.Fatal(err)
	}
	if o.String("s") != "x" || o.String("n") != "" || o.String("none") != "" {
		t.Error("String")
	}
	if !o.True("t") || o.True("ts") || o.True("n") || o.True("none") {
		t.Error("True")
	}
	if l, ok := o.Strings("a"); !ok || len(l) != 2 {
		t.Error("Strings of an array")
	}
	for _, name := range []string{"m", "n", "z", "none"} {
		if _, ok := o.Strings(name); ok {
			t.Error("Strings of", name)
		}
	}
	for name, want := range map[string]bool{"exp": true, "frac": true, "big": false, "neg": false, "huge": false, "s": false, "z": false, "none": false} {
		if _, ok := o.Time(name); ok != want {
			t.Error("Time of", name)
		}
	}
	if !o.Has("z") || o.Has("none") {
		t.Error("Has")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}],"c":"\u00e9"}`))
	f.Add([]byte(`{"sub":"a","SUB":"b"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := document.Parse(b)
		if err != nil {
			return
		}
		var plain map[string]any
		if err := json.Unmarshal(b, &plain); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if len(plain) != len(o) {
			t.Fatalf("%d members, encoding/json sees %d", len(o), len(plain))
		}
	})
}
