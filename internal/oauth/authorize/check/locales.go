package check

import (
	"context"
	"strings"
)

const maxLocales = 64 // bytes

var locales = Check{
	Name: "ui_locales", Standard: "OpenID Connect Core section 3.1.2.1",
	Rule: "ui_locales chooses the language of the pages. Anything but language tags is ignored.",
	run: func(_ context.Context, _ *Tools, r *Request) error {
		text := r.get("ui_locales")
		strange := strings.ContainsFunc(text, func(c rune) bool {
			return c != ' ' && c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
		})
		if len(text) <= maxLocales && !strange {
			r.Locales = text
		}
		return nil
	},
}
