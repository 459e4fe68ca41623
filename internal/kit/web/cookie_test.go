package web_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/web"
)

func TestJoinedCookie(t *testing.T) {
	for cookies, want := range map[string]string{
		"":                            "",
		"s=1":                         "1",
		"s=1; b=2":                    "1~2",
		"b=2; s=1; b-x=3; other=4":    "1~2~3",
		"s=1; s=2; b=3":               "",
		"b=2":                         "",
		"s=1; b-x=2; b-x=3; b-y=4":    "1~4",
		"s=1; bb=2; B=3; xb=4; b_x=5": "1",
		"s=1; b-=2":                   "1~2",
		`s="1"; b=2`:                  "1~2",
		"s=1" + many(20):              "1~0~1~2~3~4~5~6~7",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", cookies)
		if got := web.JoinedCookie(r, "s", "b").Reveal(); got != want {
			t.Errorf("%s: %q; want %q", cookies, got, want)
		}
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("; b-" + string(rune('a'+i)) + "=" + string(rune('0'+i)))
	}
	return b.String()
}
