package history

import (
	"strings"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/ident"
)

// UserTerm is by what records and groups are found that name a user or service client.
func UserTerm(u ident.UserID) string { return "u:" + string(u) }

// GroupTerm is by what records are found that name a group.
func GroupTerm(g ident.GroupID) string { return "g:" + string(g) }

// ResourceTerm is by what records are found that give something on a resource: the resource
// up to its first segment with a star. That of * is "r:".
func ResourceTerm(r *check.Resource) string {
	text := r.String()
	if star := strings.IndexByte(text, '*'); star >= 0 {
		text = text[:max(strings.LastIndexByte(text[:star], '/'), 0)]
	}
	return "r:" + text
}

// coveringTerms find every record with a statement that could cover the resource: those on its
// plain beginning and above that.
func coveringTerms(r *check.Resource) []string {
	term := ResourceTerm(r)
	out := []string{"r:"}
	for i := len("r:"); i < len(term); i++ {
		if term[i] == '/' {
			out = append(out, term[:i])
		}
	}
	if term != "r:" {
		out = append(out, term)
	}
	return out
}
