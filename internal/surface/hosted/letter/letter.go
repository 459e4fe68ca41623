// Package letter owns the mails to people: the code of a sign-in, and the notices of what happened to their
// account. It owns how they read, in every language; to whom and when is decided where they are put into the
// outbox.
//
// Entry points: Writer.Code, Writer.Notice.
//
// Never: a name that a mail program turns into a link, mark-up of strangers, pictures, anything that a mail
// program fetches (REC-12).
package letter

import (
	"bytes"
	"embed"
	"html/template"

	"github.com/admit-id/admit/internal/surface/hosted/page"
)

//go:embed mail
var files embed.FS

// Writer writes mails.
type Writer struct {
	kit       *page.Kit
	templates *template.Template
}

// New reads the templates. It fails only when one of them is broken.
func New(kit *page.Kit) (*Writer, error) {
	t, err := template.ParseFS(files, "mail/*.html")
	return &Writer{kit: kit, templates: t}, err
}

func (w *Writer) html(name string, data any) (string, error) {
	var b bytes.Buffer
	err := w.templates.ExecuteTemplate(&b, name, data)
	return b.String(), err
}
