package rig

import "testing"

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{0.1234: "0.12", 1.234: "1.23", 12.34: "12.3", 123.4: "123", 1234: "1,230", 62_549: "62,500", 1_234_567: "1,230,000", 999.6: "1000"} {
		if got := Number(x); got != want {
			t.Errorf("%v: got %s, want %s", x, got, want)
		}
	}
}

func TestSpread(t *testing.T) {
	if got := SpreadOf([]float64{3, 1, 2}).Text(); got != "2.00 (1.00 to 3.00)" {
		t.Errorf("got %s", got)
	}
	if got := SpreadOf([]float64{2, 1, 3, 4}).Median; got != 2.5 {
		t.Errorf("got %v", got)
	}
	if got := SpreadOf(nil).Text(); got != "0.00" {
		t.Errorf("got %s", got)
	}
}
