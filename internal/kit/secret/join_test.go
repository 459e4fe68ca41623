package secret

import (
	"fmt"
	"strings"
	"testing"
)

func TestJoin(t *testing.T) {
	parts := func(v Text) string {
		first, more := Split(v)
		out := []string{first.value}
		for _, m := range more {
			out = append(out, m.value)
		}
		return fmt.Sprint(out)
	}
	for want, v := range map[string]Text{
		"[a]":                 Join(New("a")),
		"[a b]":               Join(New("a"), New("b")),
		"[a b c]":             Join(New("a"), Text{}, New("b"), New("c")),
		"[]":                  Join(Text{}, New("b")),
		"[ b]":                New("~b"),
		"[a  ]":               New("a~~"),
		"[a b b b b b b b b]": New("a" + strings.Repeat("~b", 5000)),
	} {
		if got := parts(v); got != want {
			t.Errorf("%s; want %s", got, want)
		}
	}
}
