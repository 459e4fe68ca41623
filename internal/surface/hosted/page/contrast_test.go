package page

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// tokens reads the colours of the stylesheet: the light ones, and the dark ones over them.
func tokens(t *testing.T) (light, dark map[string]colour) {
	t.Helper()
	css, err := assetFiles.ReadFile("assets/admit.css")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.SplitN(string(css), "@media (prefers-color-scheme: dark)", 2)
	read := func(text string, into map[string]colour) {
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(text, -1) {
			c, ok := parseColour(m[2])
			if !ok {
				t.Fatalf("%s", m[0])
			}
			into[m[1]] = c
		}
	}
	light, dark = map[string]colour{}, map[string]colour{}
	read(parts[0], light)
	for k, v := range light {
		dark[k] = v
	}
	body, _, _ := strings.Cut(parts[1], "\n}")
	read(body, dark)
	return light, dark
}

func TestContrastOfThemes(t *testing.T) {
	light, dark := tokens(t)
	if light["surface"] != lightSurface || dark["surface"] != darkSurface {
		t.Error("theme.go and admit.css disagree about the surface")
	}
	// What stands on what, and by how much it must stand out (WCAG 2.2, 1.4.3 and 1.4.11).
	for _, pair := range []struct {
		fore, ground string
		ratio        float64
	}{
		{"ink", "surface", 7}, {"ink", "ground", 7}, {"ink", "quiet", 7},
		{"muted", "surface", 4.5}, {"muted", "ground", 4.5}, {"muted", "quiet", 4.5},
		{"danger", "surface", 4.5}, {"danger", "danger-ground", 4.5}, {"good", "good-ground", 4.5},
		{"field", "surface", 3},
	} {
		for name, theme := range map[string]map[string]colour{"light": light, "dark": dark} {
			if got := contrast(theme[pair.fore], theme[pair.ground]); got < pair.ratio {
				t.Errorf("%s: %s on %s has %.2f:1, needs %.1f:1", name, pair.fore, pair.ground, got, pair.ratio)
			}
		}
	}
}

func TestContrastOfEveryAccent(t *testing.T) {
	for r := 0; r < 256; r += 15 {
		for g := 0; g < 256; g += 15 {
			for b := 0; b < 256; b += 15 {
				accent := colour{uint8(r), uint8(g), uint8(b)}
				for _, ground := range []colour{lightSurface, darkSurface} {
					p := newPalette(accent, ground)
					for what, ratio := range map[string]float64{
						"text on the button":          contrast(p.onFill, p.fill) / 4.5,
						"text on the button, hovered": contrast(p.onFill, p.hover) / 4.5,
						"link and focus ring":         contrast(p.ink, ground) / 4.5,
						"the button against the card": contrast(p.fill, ground) / 1.4,
					} {
						if ratio < 1 {
							t.Fatalf("accent %s on %s: %s is at %.2f of what it must be (%+v)", accent.hex(), ground.hex(), what, ratio, p)
						}
					}
				}
			}
		}
	}
}

func TestThemeTakesColoursOnly(t *testing.T) {
	for _, bad := range []string{"", "red", "#12", "#12345g", "#1234567", "}body{display:none", "#fff;}*{color:red", "url(//evil)", "１２３４５６"} {
		if _, ok := parseColour(bad); ok {
			t.Errorf("%q passes for a colour", bad)
		}
		if got := themeCSS(bad); got != themeCSS(defaultAccent) {
			t.Errorf("%q changes the stylesheet: %s", bad, got)
		}
	}
	if got := themePath("#ABC"); got != "/assets/theme.css?c=aabbcc" {
		t.Error(got)
	}
	if got := themeCSS("#4f46e5"); !strings.Contains(got, "--accent:#4f46e5;") {
		t.Error(got)
	}
	if got, want := contrast(white, black), 21.0; fmt.Sprintf("%.3f", got) != fmt.Sprintf("%.3f", want) {
		t.Errorf("black on white is %v", got)
	}
}

func FuzzColour(f *testing.F) {
	f.Add("#4f46e5")
	f.Fuzz(func(t *testing.T, s string) {
		if c, ok := parseColour(s); ok {
			if again, ok := parseColour(c.hex()); !ok || again != c {
				t.Fatal(s)
			}
		}
		if strings.ContainsAny(themePath(s), "<>\"' ;{}") {
			t.Fatal(themePath(s))
		}
	})
}
