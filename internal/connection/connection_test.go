package connection_test

import (
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/connection"
	"github.com/admit-id/admit/internal/connection/document"
)

func TestExpressionForms(t *testing.T) {
	for text, want := range map[string]bool{
		"{sub}": true, "{id}": true, "{data.user_id}": true, "github|{id}": true, "{tid}|{oid}": true, "{a}:{b}/{c}": true, "{id}@x": true,
		"": false, "sub": false, "{}": false, "{sub": false, "sub}": false, "{{sub}}": false, "{a}{b}": false, "{a}x{b}": false, "{a}-{b}": false,
		"{a.}": false, "{.a}": false, "{a b}": false, "{sub} ": false, "${sub}": false, "{a}\u00e9": false, "{" + strings.Repeat("a", 130) + "}": false,
	} {
		if _, err := connection.ParseExpression(text); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestExpressionSubject(t *testing.T) {
	for _, c := range []struct{ expression, claims, want string }{
		{"{sub}", `{"sub":"Abc "}`, "Abc "},
		{"{sub}", `{"SUB":"a"}`, ""},
		{"{sub}", `{"sub":""}`, ""},
		{"{sub}", `{"sub":null}`, ""},
		{"{sub}", `{"sub":["a"]}`, ""},
		{"{sub}", `{"sub":{"a":"b"}}`, ""},
		{"{sub}", `{"sub":true}`, ""},
		{"{sub}", `{"sub":"a\u0000"}`, ""},
		{"{sub}", `{"sub":"a\u202eb"}`, ""},
		{"{sub}", `{"sub":"\ufffd"}`, ""},
		{"{sub}", `{"sub":"` + strings.Repeat("a", 255) + `"}`, strings.Repeat("a", 255)},
		{"{sub}", `{"sub":"` + strings.Repeat("a", 256) + `"}`, ""},
		{"{id}", `{"id":12345678901234567890}`, "12345678901234567890"},
		{"{id}", `{"id":0}`, "0"},
		{"{id}", `{"id":-1}`, ""},
		{"{id}", `{"id":1.0}`, ""},
		{"{id}", `{"id":1e3}`, ""},
		{"gh|{id}", `{"id":7}`, "gh|7"},
		{"{data.id}", `{"data":{"id":"x"}}`, "x"},
		{"{data.id}", `{"data":"x"}`, ""},
		{"{data.id}", `{"data.id":"x"}`, ""},
		{"{tid}|{oid}", `{"tid":"a","oid":"b"}`, "a|b"},
		{"{tid}|{oid}", `{"tid":"a|b","oid":"c"}`, ""},
		{"{tid}|{oid}", `{"tid":"a"}`, ""},
	} {
		e, err := connection.ParseExpression(c.expression)
		if err != nil {
			t.Fatal(err)
		}
		claims, err := document.Parse([]byte(c.claims))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := e.Subject(claims); got != c.want {
			t.Errorf("%s of %s: %q", c.expression, c.claims, got)
		}
	}
}

// Two people never get one subject: what differs in the members differs in the subject.
func FuzzExpression(f *testing.F) {
	f.Add("{a}|{b}", "1", "2", "1|2", "")
	f.Add("{a}", "x", "", "X", "")
	f.Add("p:{a.b}/{b}", "x", "y", "x/y", "z")
	f.Fuzz(func(t *testing.T, text, a1, b1, a2, b2 string) {
		e, err := connection.ParseExpression(text)
		if err != nil {
			return
		}
		one, err1 := e.Subject(document.Object{"a": a1, "b": b1})
		two, err2 := e.Subject(document.Object{"a": a2, "b": b2})
		if err1 != nil || err2 != nil {
			return
		}
		usesA, usesB := strings.Contains(text, "{a}"), strings.Contains(text, "{b}")
		differ := usesA && a1 != a2 || usesB && b1 != b2
		if differ == (one == two) {
			t.Errorf("%s: (%q,%q) gives %q, (%q,%q) gives %q", text, a1, b1, one, a2, b2, two)
		}
		if len(one) > connection.MaxSubject {
			t.Errorf("%d bytes", len(one))
		}
	})
}

func FuzzPlainEmail(f *testing.F) {
	f.Add("ada@example.com")
	f.Add("\"a@b\"@c")
	f.Fuzz(func(t *testing.T, s string) {
		got := connection.PlainEmail(s)
		if got != "" && (got != s || strings.Count(s, "@") != 1 || strings.ContainsAny(s, " \r\n<>,;")) {
			t.Errorf("%q became %q", s, got)
		}
	})
}
