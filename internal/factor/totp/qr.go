package totp

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode/qr"

	"github.com/admit-id/admit/internal/kit/secret"
)

// quiet is the white border that readers need, in modules.
const quiet = 4

// QR draws what an app reads as a QR code: an <svg> element, to be put into a page as it is. It holds
// the seed, as the text does.
func QR(uri secret.Text) (string, error) {
	code, err := qr.Encode(uri.Reveal(), qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("totp: draw the QR code: %w", err)
	}
	side := code.Bounds().Dx()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]d %[1]d" shape-rendering="crispEdges" aria-hidden="true"><rect width="%[1]d" height="%[1]d" fill="#fff"/><path fill="#000" d="`, side+2*quiet)
	for y := range side {
		for x := 0; x < side; x++ {
			width := 0
			for x+width < side && dark(code.At(x+width, y)) {
				width++
			}
			if width > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, width, width)
				x += width
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.String(), nil
}

func dark(c interface{ RGBA() (r, g, b, a uint32) }) bool {
	r, _, _, _ := c.RGBA()
	return r < 0x8000
}
