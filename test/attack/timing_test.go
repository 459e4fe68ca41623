package attack

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"testing"
	"time"
)

const (
	planted   = 5 * time.Millisecond // the difference that a comparison must be able to show
	tolerated = 2 * time.Millisecond // less is not told from the noise of a network
	certain   = 5.0                  // standard deviations: one false alarm in some million comparisons
	patience  = 30 * time.Second     // for one comparison; a machine that needs longer can tell nothing
)

// typed is a wrong password in a login of its own, in which more can be typed.
type typed struct {
	*person
	form url.Values
}

func (w *world) typist() typed {
	w.t.Helper()
	p := w.person()
	if a := p.start(nil); a.status != 200 {
		w.t.Fatalf("start: %d %s", a.status, a.body)
	}
	form := fields(p.browse("GET", "/login?state="+p.request, "").body)
	form.Set("state", p.request)
	return typed{p, form}
}

func (p typed) password(address, text string) answer {
	p.form.Set("email", address)
	p.form.Set("password", text)
	return p.browse("POST", "/login/password?state="+p.request, p.form.Encode())
}

func (p typed) email(address string) answer {
	p.form.Set("email", address)
	return p.browse("POST", "/login/email?state="+p.request, p.form.Encode())
}

// TestENM_TimesOfKnownAndUnknownPeople compares how long answers take about people who are there and who are not.
// The two are asked for in turn, in an order that is drawn for each pair, and the differences are judged by
// their ranks, so that a busy machine makes the comparison longer and not wrong: it goes on until a difference of
// 5 ms, had there been one, would have shown, and fails when one does. Where none would, it says so.
func TestENM_TimesOfKnownAndUnknownPeople(t *testing.T) {
	each(t, often, func(t *testing.T, w *world) {
		w.allowPasswords()
		const people, tries = 16, 16 // fewer tries than a person has in an hour
		for i := range people {
			p := w.signIn(fmt.Sprintf("known%d@x.example", i))
			if a := p.settle("/settings/security/password", "/settings/password", url.Values{"password": {strongPassword}, "again": {strongPassword}}); went(a) != "done=password" {
				t.Fatalf("%d %q", a.status, a.header.Get("Location"))
			}
			w.signIn(fmt.Sprintf("plain%d@x.example", i)) // who has no password
		}
		wrong := func(kind string) func(i int) time.Duration {
			box := w.typist()
			return func(i int) time.Duration {
				if i%8 == 0 {
					box = w.typist()
				}
				a := box.password(fmt.Sprintf("%s%d@x.example", kind, i%people), "wrong wrong wrong")
				if a.status >= 400 && a.status != 422 && a.status != 401 {
					t.Fatalf("a wrong password for %s: %d %.300s", kind, a.status, a.body)
				}
				return a.took
			}
		}
		const limit = people * tries
		compare(t, "a wrong password of somebody and of nobody", limit, wrong("known"), wrong("unknown"))
		compare(t, "a password of somebody who has none and of nobody", limit, wrong("plain"), wrong("nobody"))

		// A code is sent to whoever may sign up, so that the mails to be written are as many.
		sent := func(kind string) func(i int) time.Duration {
			return func(i int) time.Duration {
				box := w.typist()
				a := box.email(fmt.Sprintf("%s%d@x.example", kind, i))
				if a.status != 303 {
					t.Fatalf("a code for %s: %d %.300s", kind, a.status, a.body)
				}
				return a.took
			}
		}
		compare(t, "a mailed code for somebody and for nobody", people*4, func(i int) time.Duration {
			return sent([]string{"known", "plain"}[i/people%2])(i % people)
		}, sent("new"))
	})
}

// compare measures pairs until a planted difference would show, and fails when a difference does.
func compare(t *testing.T, what string, limit int, one, two func(i int) time.Duration) {
	t.Helper()
	for i := range 4 { // what the first ones take is not theirs
		one(limit - 1 - i)
		two(limit - 1 - i)
	}
	var differences []float64 // in milliseconds
	for i, begun := 0, time.Now(); i < limit-4 && time.Since(begun) < patience; i++ {
		var a, b time.Duration
		if rand.IntN(2) == 0 {
			a = one(i)
			b = two(i)
		} else {
			b = two(i)
			a = one(i)
		}
		differences = append(differences, float64(a-b)/float64(time.Millisecond))
		if len(differences) >= 40 && shows(differences, planted) && shows(differences, -planted) {
			break
		}
	}
	shift, z := judge(differences)
	t.Logf("note: %s: %.2f ms apart (%.1f standard deviations, %d pairs)", what, shift, z, len(differences))
	switch {
	case differs(differences):
		t.Errorf("%s: %.2f ms apart", what, shift)
	case !shows(differences, planted) || !shows(differences, -planted):
		fmt.Printf("skipped: %s: on this machine %d pairs do not show a difference of %v\n", what, len(differences), planted)
	}
}

// shows tells whether the differences would be told from none if each were longer by some time.
func shows(differences []float64, by time.Duration) bool {
	longer := slices.Clone(differences)
	for i := range longer {
		longer[i] += float64(by) / float64(time.Millisecond)
	}
	return differs(longer)
}

func differs(differences []float64) bool {
	shift, z := judge(differences)
	return math.Abs(z) > certain && math.Abs(shift) > float64(tolerated)/float64(time.Millisecond)
}

// judge returns the median of the differences and, by Wilcoxon's signed ranks, how many standard deviations they
// are from being as often long on the one side as on the other.
func judge(differences []float64) (median, z float64) {
	sorted := slices.Clone(differences)
	slices.SortFunc(sorted, func(a, b float64) int {
		switch {
		case math.Abs(a) < math.Abs(b):
			return -1
		case math.Abs(a) > math.Abs(b):
			return 1
		}
		return 0
	})
	sum := 0.0
	for rank, d := range sorted {
		if d > 0 {
			sum += float64(rank + 1)
		} else {
			sum -= float64(rank + 1)
		}
	}
	n := float64(len(sorted))
	slices.Sort(sorted)
	return sorted[len(sorted)/2], sum / math.Sqrt(n*(n+1)*(2*n+1)/6)
}

// TestENM_TheComparisonSeesDifferences is about the comparison itself: one of 5 ms is seen through noise of twice
// its size, and noise is no difference.
func TestENM_TheComparisonSeesDifferences(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	noise := func(by float64) (out []float64) {
		for range 252 {
			d := chance.NormFloat64() * 7
			if chance.IntN(20) == 0 {
				d *= 30 // the machine did something else
			}
			out = append(out, d+by)
		}
		return out
	}
	for i := range 200 {
		if d := noise(0); differs(d) {
			t.Errorf("round %d: noise is a difference", i)
		}
		for _, by := range []float64{5, -5} {
			if d := noise(by); !differs(d) {
				t.Errorf("round %d: a difference of %v ms is not seen", i, by)
			}
		}
	}
	if d := noise(1); differs(d) {
		t.Error("a difference that nobody minds")
	}
}
