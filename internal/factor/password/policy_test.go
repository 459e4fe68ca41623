package password

import (
	"errors"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
)

// ENM-08: long, not guessed, not of the place; nothing else is asked for.
func TestENM08_WhatAPasswordMustBe(t *testing.T) {
	context := []string{"Blue Harbour", "Timesheets", "ann.miller@blueharbour.example", "https://login.blueharbour.example"}
	for _, c := range []struct {
		text   string
		second bool
		want   Reason
	}{
		{"", false, Short}, {"kdnw8rz", true, Short}, {"kdnw8rzq", true, ""}, {"kdnw8rzqpvmtxe", false, Short}, {"kdnw8rzqpvmtxeh", false, ""},
		{"kdnw8rzq", false, Short}, {"éééééééé", true, Guessed}, {"крокодил", true, ""}, {"鳥が鳴く東の空に星", true, ""},
		{"correct horse battery staple", false, ""}, {"all lower case and no digit at all", false, ""}, {"  leading and trailing spaces  ", false, ""},
		{"839201748291047", false, ""}, {strings.Repeat("kdnw8rzqpvmt", 5) + "abgx", false, ""}, {strings.Repeat("Kx7 ", 16) + "end of it", false, ""},
		{strings.Repeat("long enough text. ", 56), false, ""}, {strings.Repeat("xy z", 257), false, Long}, {"bad \xff utf8 in here", false, Unusable}, {"zero\x00zero and more", false, Unusable},
		{"aaaaaaaaaaaaaaaa", false, Guessed}, {"abababababababab", false, Guessed}, {"abcabcabcabcabcabc", false, Guessed}, {"1234567890123456", false, Guessed},
		{"abcdefghijklmnop", false, Guessed}, {"qwertyuiopasdfghjkl", false, Guessed}, {"9876543210987654", false, Guessed}, {"password", true, Guessed},
		{"Password123!", true, Guessed}, {"passwordpassword", false, Guessed}, {"P@ssw0rd2026!!!!", false, Guessed}, {"iloveyou1234", true, Guessed},
		{"QWERTY123456", true, Guessed}, {"letmein!letmein!", false, Guessed}, {"1q2w3e4r5t6y7u8i", false, ""}, {"Passwort-Passwort", false, Guessed}, {"dragonmonkey99", true, Guessed},
		{"correcthorsebatterystaple", false, Guessed}, {"summer2026!", true, Guessed}, {"12345678", true, Guessed}, {"11112222", true, Guessed},
		{"blueharbour2026!", false, Context}, {"Timesheets-2026", false, Context}, {"ann.miller@blueharbour.example", false, Context}, {"m1ll3r-harb0ur", true, Context}, {"ann.miller@x and ann", false, Context},
		{"my blue boat sails at dawn", false, ""}, {"timesheets are boring to fill in", false, ""},
	} {
		text, err := judge(Choice{Password: secret.New(c.text), Second: c.second, Context: context})
		var r *Refused
		switch {
		case c.want == "" && (err != nil || text == ""):
			t.Errorf("%.40q is refused: %v", c.text, err)
		case c.want != "" && (!errors.As(err, &r) || r.Reason != c.want || !fault.Is(err, fault.Unprocessable)):
			t.Errorf("%.40q: %v; want %s", c.text, err, c.want)
		}
	}
}

func TestNormalForm(t *testing.T) {
	composed, err1 := judge(Choice{Password: secret.New("résumé of my life"), Second: false})
	apart, err2 := judge(Choice{Password: secret.New("re\u0301sume\u0301 of my life"), Second: false})
	if err1 != nil || err2 != nil || composed != apart {
		t.Error(err1, err2)
	}
	// What is looked at is what is kept: a text that only decomposition makes long is short.
	if _, err := judge(Choice{Password: secret.New(strings.Repeat("xe\u0301", 5) + "kbvn")}); err == nil {
		t.Error("14 characters are taken for 15")
	}
}
