package self

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/audit"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Export is everything that an account holds about a person. How much has happened to them nothing bounds, so that
// it is read page by page while the rest is written, and never held at once.
type Export struct {
	Account ident.AccountID
	User    ident.UserID
	At      time.Time
	Parts   map[string]any

	trail *Service
}

// Write writes the export as one JSON object: "account", "userId", "exportedAt", "data" with every part and then the
// "activity", newest first, and at last "complete". After an error the text is no JSON, so that nobody takes half of
// it for the whole.
func (e Export) Write(ctx context.Context, w io.Writer) error {
	out := &writer{to: bufio.NewWriterSize(w, 32<<10)}
	out.member("{\n  ", "account", e.Account, "  ")
	out.member(",\n  ", "userId", e.User, "  ")
	out.member(",\n  ", "exportedAt", e.At, "  ")
	out.text(",\n  \"data\": {")
	for _, name := range slices.Sorted(maps.Keys(e.Parts)) {
		out.member("\n    ", name, e.Parts[name], "    ")
		out.text(",")
	}
	out.text("\n    \"activity\": [")
	if err := e.acts(ctx, out); err != nil {
		return err
	}
	out.text("\n    ]\n  },\n  \"complete\": true\n}\n")
	if out.err != nil {
		return out.err
	}
	return out.to.Flush()
}

func (e Export) acts(ctx context.Context, out *writer) error {
	before := "\n      "
	for q := (audit.Query{Limit: audit.MaxLimit}); out.err == nil; {
		page, next, err := e.trail.acts(ctx, e.Account, e.User, q)
		if err != nil {
			return err
		}
		for _, one := range page {
			out.text(before)
			out.value(one, "      ")
			before = ",\n      "
		}
		if q.Before = next; next == "" {
			break
		}
	}
	return out.err
}

// writer keeps the first error.
type writer struct {
	to  *bufio.Writer
	err error
}

func (w *writer) text(s string) {
	if w.err == nil {
		_, w.err = w.to.WriteString(s)
	}
}

func (w *writer) value(v any, indent string) {
	text, err := json.MarshalIndent(v, indent, "  ")
	if err != nil && w.err == nil {
		w.err = err
	}
	w.text(string(text))
}

func (w *writer) member(before, name string, v any, indent string) {
	w.text(before + "\"" + name + "\": ")
	w.value(v, indent)
}
