package passkey_test

import (
	"testing"

	"github.com/admit-id/admit/internal/factor/passkey"
)

func TestForm(t *testing.T) {
	for _, c := range []struct {
		transports []string
		eligible   bool
		want       string
	}{
		{[]string{"internal"}, false, "platform"},
		{[]string{"hybrid", "internal"}, true, "platform"},
		{nil, true, "platform"}, // it follows its person
		{nil, false, "roaming"},
		{[]string{"usb", "nfc"}, false, "roaming"},
		{[]string{"usb"}, true, "roaming"},
		{[]string{"hybrid"}, true, "roaming"},
	} {
		if got := (passkey.Passkey{Transports: c.transports, Eligible: c.eligible}).Form(); got != c.want {
			t.Errorf("%v %v: %s", c.transports, c.eligible, got)
		}
	}
}
