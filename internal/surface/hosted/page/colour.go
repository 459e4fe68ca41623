package page

import (
	"fmt"
	"math"
	"strconv"
)

// colour is an opaque sRGB colour.
type colour struct{ r, g, b uint8 }

var (
	white = colour{255, 255, 255}
	black = colour{0, 0, 0}
	// almostBlack is the dark text on light accents.
	almostBlack = colour{0x11, 0x13, 0x18}
)

// parseColour reads "#rrggbb" or "#rgb", with or without the hash, and nothing else:
// what it returns is written into a stylesheet.
func parseColour(s string) (colour, bool) {
	if len(s) > 0 && s[0] == '#' {
		s = s[1:]
	}
	if len(s) == 3 {
		s = string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
	}
	if len(s) != 6 {
		return colour{}, false
	}
	for i := range len(s) {
		c := s[i]
		if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return colour{}, false
		}
	}
	v, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		return colour{}, false
	}
	return colour{uint8(v >> 16), uint8(v >> 8), uint8(v)}, true
}

// hex is the colour as six digits without the hash.
func (c colour) hex() string { return fmt.Sprintf("%02x%02x%02x", c.r, c.g, c.b) }

// mix returns c with the share of other (0 to 1) mixed in.
func (c colour) mix(other colour, share float64) colour {
	m := func(a, b uint8) uint8 { return uint8(math.Round(float64(a)*(1-share) + float64(b)*share)) }
	return colour{m(c.r, other.r), m(c.g, other.g), m(c.b, other.b)}
}

// luminance is the relative luminance of WCAG 2.2.
func (c colour) luminance() float64 {
	lin := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*lin(c.r) + 0.7152*lin(c.g) + 0.0722*lin(c.b)
}

// contrast is the contrast ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b colour) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// towards moves c to the target in small steps until it stands out from ground by the
// ratio; it always ends, because the target itself does.
func (c colour) towards(target, ground colour, ratio float64) colour {
	for share := 0.0; share < 1; share += 0.04 {
		if m := c.mix(target, share); contrast(m, ground) >= ratio {
			return m
		}
	}
	return target
}
