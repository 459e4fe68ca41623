package secret

import (
	"strings"
	"testing"
)

func TestChecked(t *testing.T) {
	v := RandomChecked("acs_").Reveal()
	if !Checked("acs_", v) || len(v) != 4+43+6 || Checked("scs_", v) || v == RandomChecked("acs_").Reveal() {
		t.Fatal(len(v))
	}
	for i := range v {
		for _, c := range "A-z_" {
			other := v[:i] + string(c) + v[i+1:]
			if other != v && Checked("acs_", other) {
				t.Fatal("one changed character at", i)
			}
		}
	}
	for _, bad := range []string{"", "acs_", v[:len(v)-1], v + "A", strings.Repeat("A", 53), v[4:]} {
		if Checked("acs_", bad) {
			t.Error(bad)
		}
	}
}
