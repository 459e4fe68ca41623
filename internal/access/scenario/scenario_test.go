package scenario_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access/scenario"
)

var now = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

const good = `
name: documents
now: 2026-03-03T12:00:00Z
roles:
  editor: [documents:read, documents:update, documents gd]
  helper: [documents:read]
groups:
  grp_support: [sam]
records:
  - name: Ann's project
    users: [ann]
    statements:
      - {roles: [editor], resources: [accounts/acme]}
  - groups: [grp_support]
    statements:
      - {roles: [helper], resources: [accounts/acme], startsAt: 2026-03-03, expiresAt: 2h}
  - statements:
      - {roles: ["Authress:ReadResource"], users: [rob], resources: [accounts/acme/*]}
public: [pages/welcome]
ask:
  - yes ann documents:update accounts/acme/documents/1
  - no ann documents:delete accounts/acme
  - yes sam documents:read accounts/acme
  - yes sam documents:read accounts/acme 1h
  - no sam documents:read accounts/acme at 2026-03-03T14:00:00Z
  - no sam documents:read accounts/acme at 2026-03-02
  - yes rob read accounts/acme/documents/1
  - yes anybody read pages/welcome/1
`

func TestRun(t *testing.T) {
	all, err := scenario.Read([]byte(good), now.Add(1000*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	failures, err := all[0].Run(t.Context())
	if err != nil || len(failures) != 0 || len(all[0].Asks) != 8 {
		t.Fatalf("%v %v", failures, err)
	}
	turned := strings.NewReplacer("- yes", "- no", "- no ", "- yes ").Replace(good)
	all, err = scenario.Read([]byte("# a line more\n"+turned), now)
	if err != nil {
		t.Fatal(err)
	}
	failures, err = all[0].Run(t.Context())
	if err != nil || len(failures) != 8 {
		t.Fatalf("%v %v", failures, err)
	}
	for _, f := range failures {
		if f.Explanation.Allowed == f.Ask.Allowed {
			t.Errorf("line %d: the explanation says another thing than the answer", f.Ask.Line)
		}
		if line := strings.Split("# a line more\n"+turned, "\n")[f.Ask.Line-1]; !strings.Contains(line, f.Ask.Resource) {
			t.Errorf("line %d is %q", f.Ask.Line, line)
		}
	}
	if text := failures[5].Explanation.Text(); !strings.Contains(text, "it starts at 2026-03-03 00:00:00 UTC") {
		t.Error(text)
	}
	if text := failures[7].Explanation.Text(); !strings.Contains(text, "pages/welcome is open to everybody") {
		t.Error(text)
	}
}

func TestRefuses(t *testing.T) {
	for want, change := range map[string][2]string{
		"field record not found":    {"records:", "record:"},
		"field role not found":      {"{roles: [editor]", "{role: [editor]"},
		"nothing under roles":       {"[editor], resources", "[editr], resources"},
		"nothing under groups":      {"groups: [grp_support]", "groups: [grp_suport]"},
		"is not: yes|no":            {"- no ann documents", "- nope ann documents"},
		"is no time":                {"acme 1h", "acme soon"},
		"asks nothing":              {good[strings.Index(good, "ask:"):], ""},
		"grp_":                      {"grp_support: [sam]", "support: [sam]"},
		"permission":                {"documents gd", "documents gdx"},
		"resource":                  {"acme/documents/1\n  - no ann", "acme//documents\n  - no ann"},
		"never public":              {"[pages/welcome]", "['*']"},
		"more than one":             {"ask:", "---\nask:"},
		"already defined":           {"name: documents", "name: a\nname: b"},
		"expiresAt lies after":      {"expiresAt: 2h", "expiresAt: -900h"},
		"users and groups stand at": {"users: [ann]", "users: [ann]\n    groups: [grp_support]"},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if want == "users and groups stand at" {
			text = strings.Replace(text, "resources: [accounts/acme]}", "resources: [accounts/acme], users: [bob]}", 1)
		}
		if text == good {
			t.Errorf("%q changes nothing", change[0])
		}
		_, err := scenario.Read([]byte(text), now)
		if err == nil && want == "more than one" {
			t.Error("more than one document was read")
		} else if err == nil || !strings.Contains(err.Error(), want) && want != "more than one" {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := scenario.Read(nil, now); err == nil {
		t.Error("an empty file was read")
	}
	for text, want := range map[string]string{
		"ask: [maybe]": "line 1: ", "name: docs\nask: [maybe]": `scenario "docs": line 2: `, "- {name: a, ask: [yes a b:c d]}\n- ask: [maybe]": "scenario 2: line 2: ",
	} {
		if _, err := scenario.Read([]byte(text), now); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// What is true of the engine is true here.
func TestTruth(t *testing.T) {
	files, err := filepath.Glob("../accesstest/truth/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	asks := 0
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.NewReplacer("starts: ", "startsAt: ", "expires: ", "expiresAt: ").Replace(string(data))
		for _, one := range strings.Split("\n"+text, "\n- name: ")[1:] {
			all, err := scenario.Read([]byte("- name: "+one), now)
			if err != nil {
				if !strings.Contains(err.Error(), "nothing under") && !strings.Contains(err.Error(), "field deleted") && !strings.Contains(err.Error(), "never public") {
					t.Errorf("%s: %v", name, err)
				}
				continue // what a test file may not say, and a database may hold
			}
			failures, err := all[0].Run(t.Context())
			if err != nil || len(failures) > 0 {
				t.Errorf("%s: %s: %v %v", name, all[0].Name, failures, err)
			}
			asks += len(all[0].Asks)
			for i := range all[0].Asks {
				all[0].Asks[i].Allowed = !all[0].Asks[i].Allowed
			}
			failures, err = all[0].Run(t.Context())
			if err != nil || len(failures) != len(all[0].Asks) {
				t.Errorf("%s: %s: %v", name, all[0].Name, err)
			}
			for _, f := range failures {
				if f.Explanation.Allowed == f.Ask.Allowed {
					t.Errorf("%s: %s: %v is explained otherwise", name, all[0].Name, f.Ask)
				}
			}
		}
	}
	if asks < 150 {
		t.Errorf("only %d questions", asks)
	}
}
