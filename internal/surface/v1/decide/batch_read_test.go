package decide

import (
	"fmt"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/web"
)

// strictly reads a batch by the strict decoder alone.
func strictly(text string) ([]access.Question, error) {
	var in checksWire
	if err := web.DecodeStrict([]byte(text), &in); err != nil {
		return nil, err
	}
	out := make([]access.Question, len(in.Checks))
	for i, c := range in.Checks {
		out[i] = access.Question{User: c.UserID, Resource: c.ResourceURI, Action: c.Permission}
	}
	return out, nil
}

var spellings = []string{
	`{"checks":[{"userId":"u","resourceUri":"a/b","permission":"read"}]}`,
	` { "checks" : [ {"permission":"read" ,"userId":"u" , "resourceUri" : "a"},{"userId":"v","resourceUri":"*","permission":"*"} ] } ` + "\n",
	`{"checks":[{"userId":"u"}]}`,
	`{"checks":[{}]}`,
	`{"checks":[]}`,
	`{"checks":[{"userId":"u","userId":"v","resourceUri":"a","permission":"read"}]}`,
	`{"checks":[{"userId":"u","UserId":"v","resourceUri":"a","permission":"read"}]}`,
	`{"checks":[{"userId":"u","resourceUri":"a","permission":"read","extra":{"a":1,"a":2}}]}`,
	`{"checks":[{"userId":"\u0075","resourceUri":"a","permission":"read"}]}`,
	`{"checks":[{"userId":"u","resourceUri":"a\/b","permission":"read"}]}`,
	`{"checks":[{"userId":"u","resourceUri":"a\\\/b","permission":"read"}]}`,
	`{"checks":[{"userId":"u","resourceUri":"a\\/b","permission":"read"}]}`,
	`{"checks":[{"userId":"é","resourceUri":"a","permission":"read"}]}`,
	"{\"checks\":[{\"userId\":\"\xff\",\"resourceUri\":\"a\",\"permission\":\"read\"}]}",
	`{"checks":[{"userId":"u","resourceUri":"a","permission":"read"}],"checks":[]}`,
	`{"checks":[{"userId":"u","resourceUri":"a","permission":"read"}]}x`,
	`{"checks":[{"userId":"u","resourceUri":"a","permission":"read"},]}`,
	`{"checks":[{"userId":"u","resourceUri":"a","permission":"read",}]}`,
	`{"checks":[{"userId":"u" "resourceUri":"a","permission":"read"}]}`,
	`{"checks":[{"userId":1,"resourceUri":"a","permission":"read"}]}`,
	`{"checks":[{"userId":null,"resourceUri":"a","permission":"read"}]}`,
	`{"checks":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
	`{"Checks":[]}`, `{"checks":null}`, `null`, `[]`, ``, `{"checks":[`, `{"checks":[{"userId":"u`,
}

// What the scanner accepts, the strict decoder reads in the same way.
func same(t *testing.T, text string) {
	fast, ok := scanChecks(text)
	if !ok {
		return
	}
	want, err := strictly(text)
	if err != nil && len(fast) <= mostChecks || err == nil && len(fast) <= mostChecks && fmt.Sprint(fast) != fmt.Sprint(want) {
		t.Errorf("%q: %v, strictly %v, %v", text, fast, want, err)
	}
}

func TestScanChecks(t *testing.T) {
	accepted := 0
	for _, text := range spellings {
		same(t, text)
		if _, ok := scanChecks(text); ok {
			accepted++
		}
	}
	if accepted != 4 {
		t.Errorf("%d of the spellings are plain", accepted)
	}
	one := `{"userId":"u","resourceUri":"a","permission":"read"},`
	if checks, ok := scanChecks(`{"checks":[` + strings.Repeat(one, 5000)); !ok || len(checks) != mostChecks+1 {
		t.Errorf("%d, %v", len(checks), ok)
	}
}

func FuzzScanChecks(f *testing.F) {
	for _, text := range spellings {
		f.Add(text)
	}
	f.Fuzz(same)
}

func batch(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,{"userId":"auth0|5f7c8ec7c33c6c004bbafe82","resourceUri":"accounts/a%d/projects/p%d","permission":"documents:read"}`, i, i)
	}
	return `{"checks":[` + b.String()[1:] + `]}`
}

func BenchmarkReadBatch(b *testing.B) {
	text := batch(1000)
	b.Run("scanned", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := scanChecks(text); !ok {
				b.Fatal("not plain")
			}
		}
	})
	b.Run("strictly", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := strictly(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}
