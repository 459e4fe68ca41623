package password

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/admit-id/admit/internal/kit/fault"
)

// The lengths of a password, in characters, and at most in bytes.
const (
	MinAlone  = 15 // where it is the only factor
	MinSecond = 8  // with a second factor
	MaxBytes  = 1024
)

// Reason says why a password is refused.
type Reason string

// The reasons.
const (
	Short    Reason = "short"    // fewer characters than needed
	Long     Reason = "long"     // more than MaxBytes
	Guessed  Reason = "guessed"  // repetitions, sequences, or what everybody has
	Context  Reason = "context"  // made of the name of the place or the person
	Breached Reason = "breached" // on the list of those that were stolen
	Unusable Reason = "unusable" // no valid text
)

// Refused is the error for a password that is not good enough.
type Refused struct {
	Reason Reason
	fault  *fault.Error
}

// Error implements error.
func (r *Refused) Error() string { return r.fault.Error() }

// Unwrap makes it a fault.
func (r *Refused) Unwrap() error { return r.fault }

func refused(why Reason) error {
	return &Refused{why, fault.New(fault.Unprocessable, fault.CodeInvalidRequest, sentences[why])}
}

var sentences = map[Reason]string{
	Short:    "The password is too short: it needs 15 characters, or 8 together with a second factor.",
	Long:     "The password is too long.",
	Guessed:  "The password is one of the first that are tried.",
	Context:  "The password is made of your name, your address or the name of this place.",
	Breached: "The password is on a list of stolen passwords.",
	Unusable: "The password holds characters that cannot be used.",
}

// normal is the form of a password that is hashed: NFC, so that what looks alike on two keyboards is alike.
func normal(text string) string { return norm.NFC.String(text) }

// short tells whether a password in its normal form is too short to be the only factor.
func short(text string) bool { return utf8.RuneCountInString(text) < MinAlone }

// judge returns the form that is hashed. There are no rules about which characters a password must have,
// and no age: long, not guessed and not stolen is what counts (NIST SP 800-63B-4 section 3.1.1).
func judge(c Choice) (string, error) {
	text := c.Password.Reveal()
	least := MinAlone
	if c.Second {
		least = MinSecond
	}
	switch {
	case len(text) > MaxBytes:
		return "", refused(Long)
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", refused(Unusable)
	}
	text = normal(text)
	switch {
	case utf8.RuneCountInString(text) < least:
		return "", refused(Short)
	case len(text) > MaxBytes:
		return "", refused(Long)
	case guessed(text):
		return "", refused(Guessed)
	case ofContext(text, c.Context):
		return "", refused(Context)
	}
	return text, nil
}

// guessed tells whether a password is a repetition, a sequence, or well-known words with some
// decoration: what is tried before anything else.
func guessed(text string) bool {
	lower := []rune(strings.ToLower(text))
	if few(lower) || runs(lower) || period(lower) <= min(4, len(lower)/2) {
		return true
	}
	left, found := rest(string(lower), wellKnown)
	return found && left < 4
}

// ofContext tells whether little is left of a password when the words of the place are taken out.
func ofContext(text string, context []string) bool {
	var words []string
	for _, c := range context {
		for _, w := range strings.FieldsFunc(strings.ToLower(normal(c)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if utf8.RuneCountInString(w) >= 3 {
				words = append(words, w, letters(w))
			}
		}
	}
	left, found := rest(strings.ToLower(text), words)
	return found && left < 6
}

// few tells whether there are at most four different characters, or fewer than a third.
func few(text []rune) bool {
	seen := map[rune]bool{}
	for _, r := range text {
		seen[r] = true
	}
	return len(seen) <= 4 || len(text) <= 24 && 3*len(seen) < len(text)
}

// period is after how many characters a text begins again, or its length.
func period(text []rune) int {
	for n := 1; n < len(text); n++ {
		if string(text[n:]) == string(text[:len(text)-n]) {
			return n
		}
	}
	return len(text)
}

// rows are the keys side by side, on the keyboards of most.
var rows = []string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn", "1234567890", "1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm"}

// runs tells whether a text is mostly steps of one in the alphabet, in the numbers or on the keyboard.
func runs(text []rune) bool {
	steps := 0
	for i := 1; i < len(text); i++ {
		a, b := text[i-1], text[i]
		if b-a == 1 || a-b == 1 || a == b || beside(a, b) {
			steps++
		}
	}
	return 4*steps >= 3*(len(text)-1)
}

func beside(a, b rune) bool {
	for _, row := range rows {
		if strings.Contains(row, string([]rune{a, b})) || strings.Contains(row, string([]rune{b, a})) {
			return true
		}
	}
	return false
}

// rest says how much of a password is left when the words are taken out, in letters. Digits and signs
// count a quarter: they are what people put behind a word. found tells whether any word was in it.
func rest(text string, words []string) (left int, found bool) {
	as, read := []rune(text), []rune(letters(text))
	covered := make([]bool, len(as))
	for _, w := range words {
		word := []rune(w)
		for i := 0; i+len(word) <= len(read); i++ {
			if string(read[i:i+len(word)]) == w || string(as[i:i+len(word)]) == w {
				found = true
				for k := range word {
					covered[i+k] = true
				}
			}
		}
	}
	kept, others := 0, 0
	for i, r := range as {
		switch {
		case covered[i]:
		case unicode.IsLetter(r):
			kept++
		default:
			others++
		}
	}
	return kept + others/4, found
}

var substituted = strings.NewReplacer("@", "a", "4", "a", "3", "e", "1", "i", "!", "i", "0", "o", "$", "s", "5", "s", "7", "t")

// letters undoes the usual substitutions of letters, one character for one.
func letters(text string) string { return substituted.Replace(text) }
