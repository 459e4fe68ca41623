package mailed

import (
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

// Content is one mail in the reader's language.
type Content struct {
	Subject string
	Text    string
	HTML    string
}

// Facts is what the texts of the code mail may say.
type Facts struct {
	Account     ident.AccountID
	Application string // name
	Email       string
	Code        string
	Link        string // absolute
	Life        time.Duration
	Linking     bool // nobody signs in with it: the address is added to an account, or takes the place of its address
}

// Compose writes the code mail in the language of the page that asks for it.
type Compose func(Facts) (Content, error)
