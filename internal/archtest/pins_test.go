package archtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// SQLite is C translated for one version of a C library. With any other it corrupts memory, and
// a dependency that asks for a newer one raises it silently.
func TestSQLiteHasTheLibcItWasMadeFor(t *testing.T) {
	about := func(module string) (m struct{ Version, GoMod string }) {
		cmd := exec.Command("go", "list", "-m", "-json", module)
		cmd.Dir = root()
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list -m %s: %v", module, err)
		}
		if err := json.Unmarshal(out, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	text, err := os.ReadFile(about("modernc.org/sqlite").GoMod)
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`modernc\.org/libc (v\S+)`).FindStringSubmatch(string(text))
	if got := about("modernc.org/libc").Version; want == nil || got != want[1] {
		t.Errorf("modernc.org/libc is %s, SQLite was made for %v", got, want)
	}
}

// Nothing in the tree names the machine or the tools that it was written with.
func TestNothingOfTheWorkplace(t *testing.T) {
	cmd := exec.Command("git", "grep", "-nIiE",
		`[/]work[/](main|shared|steering|[.])|[/]tmp[/](plan|npm)|[/]farm[/]|[/]root[/]go|(proxy|sum)[.]gol[a]ng|registry[.]np[m]js|(deb|security)[.]debi[a]n|claud[e]|anthropi[c]|chatgp[t]|copilo[t]`,
		"--", ".", ":!internal/archtest/pins_test.go")
	cmd.Dir = root()
	out, err := cmd.Output()
	if err == nil {
		t.Errorf("the tree names its workplace:\n%s", out)
	} else if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 1 {
		t.Skipf("git grep: %v", err) // a source archive has no git
	}
}

// A TODO needs a reason, so that it is a note and not a hole.
func TestTODOsHaveAReason(t *testing.T) {
	bare := regexp.MustCompile(`\b(TODO|FIXME|XXX)\b(.*)`)
	for _, f := range files(t) {
		for _, m := range bare.FindAllStringSubmatch(f.text, -1) {
			if len(strings.Fields(m[2])) < 4 {
				t.Errorf("%s: %q says no reason", f.name, m[0])
			}
		}
	}
}
