package letter

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/place"
	"github.com/admit-id/admit/internal/kit/place/placetest"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// The place of an address stands in a notice in its reader's language, and cannot become a link.
func TestNoticePlace(t *testing.T) {
	w := writer(t, page.Brand{Name: "Harbour"})
	places := place.New(placetest.File(t, placetest.Network{
		Range: "192.0.2.0/24", Code: "JP", Country: placetest.Names{"en": "Japan", "ja": "日本"}, City: placetest.Names{"en": "evil.example/<b>", "ja": "東京"},
	}), slog.New(slog.DiscardHandler))
	for locale, want := range map[string]string{"ja": "おおよその場所: 日本 東京\n", "en": "Roughly where: evil.\u2060example/\u2060<b>, Japan\n"} {
		m, err := w.Notice(Notice{Account: "acc_x", Locale: locale, Event: "login.newDevice", Address: "192.0.2.7", Places: places})
		if err != nil || !strings.Contains(m.Text, want) || strings.Contains(m.HTML, "<b>") {
			t.Errorf("%s: %v\n%s", locale, err, m.Text)
		}
	}
	for name, n := range map[string]Notice{
		"elsewhere":        {Address: "198.51.100.1", Places: places},
		"without a file":   {Address: "192.0.2.7"},
		"an administrator": {Address: "192.0.2.7", Places: places, Administrator: true},
	} {
		n.Account, n.Event, n.Locale = "acc_x", "login.newDevice", "en"
		if m, err := w.Notice(n); err != nil || strings.Contains(m.Text, "Roughly") {
			t.Errorf("%s: %v\n%s", name, err, m.Text)
		}
	}
}
