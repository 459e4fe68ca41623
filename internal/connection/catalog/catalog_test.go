package catalog

import (
	"slices"
	"testing"
	"testing/fstest"
)

func TestEveryFileIsAPreset(t *testing.T) {
	if _, err := load(files); err != nil {
		t.Fatal(err)
	}
	want := []string{"apple", "github", "gitlab", "google", "microsoft"}
	if got := Names(); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	for _, name := range want {
		p, ok := Get(name)
		if !ok || p.Name != name {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if _, ok := Get("unknown"); ok {
		t.Error("an unknown provider has a preset")
	}
}

func TestAFileWithAMistakeIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"unknown member": "title: X\nscope: s\nissuerUrl: https://x\nissuer: https://x\n",
		"no URL":         "title: X\nscope: s\n",
		"no title":       "scope: s\nissuerUrl: https://x\n",
		"not YAML":       "{",
	} {
		if _, err := load(fstest.MapFS{"preset/x.yaml": {Data: []byte(text)}}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Nobody but the host of a mailbox may vouch for it.
func TestOnlyHostsOfMailboxesVouchForAddresses(t *testing.T) {
	for _, name := range []string{"microsoft", "github", "gitlab"} {
		if p, _ := Get(name); len(p.EmailAuthority.Domains) > 0 || p.EmailAuthority.DomainClaim != "" {
			t.Errorf("%s vouches for addresses", name)
		}
	}
}
