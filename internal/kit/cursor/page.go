package cursor

import (
	"strings"
	"unicode/utf8"

	"github.com/admit-id/admit/internal/kit/fault"
)

// Bounds are the limits of one list.
type Bounds struct {
	Default int // page size when none is asked for, or more than Max
	Max     int // page size
	Filter  int // characters of a filter
}

// Fit brings a page size into the bounds and folds a filter to lower case. It fails with an
// Invalid fault for a filter that is too long or no text.
func (b Bounds) Fit(limit int, filter string) (int, string, error) {
	if utf8.RuneCountInString(filter) > b.Filter || !utf8.ValidString(filter) || strings.ContainsRune(filter, 0) {
		return 0, "", fault.Newf(fault.Invalid, fault.CodeInvalidRequest, "A filter has at most %d characters.", b.Filter)
	}
	if limit <= 0 || limit > b.Max {
		limit = b.Default
	}
	return limit, strings.ToLower(filter), nil
}

// Cut takes a page that was read with one row more than its limit, which tells whether there
// is a next page. It returns the page and after which id the next one begins, empty on the last.
func Cut[T any, ID ~string](page []T, limit int, id func(T) ID) ([]T, ID) {
	if len(page) <= limit {
		return page, ""
	}
	return page[:limit], id(page[limit-1])
}
