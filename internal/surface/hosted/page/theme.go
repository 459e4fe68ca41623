package page

import (
	"fmt"
	"strings"

	"github.com/admit-id/admit/internal/kit/ident"
)

// defaultAccent is the accent of an account that has set none.
const defaultAccent = "4f46e5"

// The grounds that accents stand on; the same values are in assets/admit.css, and a
// test keeps them equal.
var (
	lightSurface = colour{0xff, 0xff, 0xff}
	darkSurface  = colour{0x17, 0x18, 0x1c}
)

// palette is what becomes of an accent colour on one ground.
type palette struct {
	fill   colour // buttons and the account's tile
	onFill colour // text on the fill; at least 4.5:1 (WCAG 2.2, 1.4.3)
	ink    colour // links and the focus ring on the ground; at least 4.5:1
	hover  colour // the fill under the pointer; onFill stays readable on it
}

// newPalette makes an accent usable on a ground, whatever colour it is. The fill stays the
// account's own colour unless it would be lost on the ground; then it is turned round, dark
// for light. The text on it is what has to be readable.
func newPalette(accent, ground colour) palette {
	far := black
	if ground.luminance() < 0.2 {
		far = white
	}
	p := palette{fill: accent, ink: accent.towards(far, ground, 4.5)}
	if contrast(accent, ground) < 1.4 {
		p.fill = far.mix(accent, 0.08)
	}
	p.onFill, p.hover = white, p.fill.mix(black, 0.12)
	if contrast(p.fill, white) < 4.5 {
		p.onFill, p.hover = almostBlack, p.fill.mix(white, 0.14)
		if contrast(p.fill, almostBlack) < 4.5 {
			// Between the two lies a narrow band of mid tones on which only pure black is
			// readable.
			p.onFill = black
		}
	}
	return p
}

func (p palette) css() string {
	return fmt.Sprintf("--accent:#%s;--accent-hover:#%s;--on-accent:#%s;--accent-ink:#%s", p.fill.hex(), p.hover.hex(), p.onFill.hex(), p.ink.hex())
}

// themeCSS is the stylesheet of an accent colour. It is a function of the colour alone,
// so that its address can carry the colour and be cached for good. An accent that is no
// colour gives the default one.
func themeCSS(accent string) string {
	c, ok := parseColour(accent)
	if !ok {
		c, _ = parseColour(defaultAccent)
	}
	var b strings.Builder
	fmt.Fprintf(&b, ":root{%s}\n", newPalette(c, lightSurface).css())
	fmt.Fprintf(&b, "@media (prefers-color-scheme:dark){:root{%s}}\n", newPalette(c, darkSurface).css())
	return b.String()
}

// themePath is the address of the stylesheet of an accent colour.
func themePath(accent string) string {
	c, ok := parseColour(accent)
	if !ok {
		c, _ = parseColour(defaultAccent)
	}
	return "/assets/theme.css?c=" + c.hex()
}

// MailColours are an account's button and the text on it, as "#rrggbb", on the white of a mail.
func (k *Kit) MailColours(account ident.AccountID) (accent, onAccent string) {
	c, ok := parseColour(k.Brand(account).Accent)
	if !ok {
		c, _ = parseColour(defaultAccent)
	}
	light := newPalette(c, lightSurface)
	return "#" + light.fill.hex(), "#" + light.onFill.hex()
}

// MailName is an account's name, fit for a mail.
func (k *Kit) MailName(account ident.AccountID) string {
	if name := PlainName(k.Brand(account).Name); name != "" {
		return name
	}
	return "Admit"
}
