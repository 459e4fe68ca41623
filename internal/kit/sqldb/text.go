package sqldb

import (
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/kit/fault"
)

var errText = fault.New(fault.Invalid, fault.CodeInvalidRequest, "A text holds a character that cannot be kept: zero, or one that is no valid UTF-8.")

// checkText refuses text that PostgreSQL cannot hold and SQLite would hold, so that both
// databases give one answer, and a stranger's zero byte is the stranger's mistake, not ours.
func checkText(args []any) error {
	for _, a := range args {
		text, ok := a.(string)
		if !ok {
			v := reflect.ValueOf(a)
			if v.Kind() != reflect.String {
				continue
			}
			text = v.String()
		}
		if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
			return errText
		}
	}
	return nil
}
