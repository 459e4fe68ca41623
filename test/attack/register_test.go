package attack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// ids are those of the project's list of adversarial checks.
const ids = `RED-06 RED-09 RED-10 RED-12 RED-13 RED-15
OAU-01 OAU-04 OAU-06 OAU-08 OAU-12 OAU-16 OAU-18 OAU-19 OAU-20 OAU-21 OAU-24 OAU-25 OAU-27 OAU-28 OAU-29 OAU-30 OAU-32 OAU-34 OAU-36
JWT-01 JWT-02 JWT-05 JWT-07 JWT-09 JWT-11 JWT-12 JWT-13 JWT-15 JWT-16 JWT-17 JWT-20
SES-01 SES-06 SES-08 SES-10 SES-11 SES-14 DPO-01 DPO-03 DPO-05 LNK-01 LNK-02 LNK-03 LNK-05 LNK-13
REC-03 REC-06 REC-11 REC-12 REC-14 MFA-04 MFA-09 MFA-10 MFA-11 WAN-01 WAN-03 WAN-05 WAN-07 WAN-11
SAM-02 SAM-04 SAM-07 SAM-09 SAM-10 SAM-14 OIU-01 OIU-05 OIU-06 OIU-07 OIU-09 OIU-10 SSR-05 SSR-07
DOS-01 DOS-02 DOS-03 DOS-05 DOS-07 DOS-08 DOS-09 DOS-10 INJ-07 INJ-08 TEN-03 TEN-06 TEN-10
AUZ-04 AUZ-12 AUZ-15 AUZ-17 AUZ-18 SVC-04 VLT-02 VLT-05 VLT-06 ADM-04 ADM-05 ADM-06 ADM-08 ENM-05 ENM-08
CRY-01 CRY-02 CRY-03 CRY-04 CMP-02 CMP-07 CMP-09 CMP-12 CMP-16`

func TestRegisterIsWhole(t *testing.T) {
	text, err := os.ReadFile("register.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var register map[string]struct {
		Tests map[string]string
		Rest  string
		Later string
	}
	if err := yaml.Unmarshal(text, &register); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, id := range strings.Fields(ids) {
		known[id] = true
		entry, ok := register[id]
		switch {
		case !ok:
			t.Errorf("%s is missing", id)
		case (len(entry.Tests) == 0) == (entry.Later == ""):
			t.Errorf("%s must have either tests or a reason why it comes later", id)
		}
		for folder, name := range entry.Tests {
			if !named(t, folder, name) {
				t.Errorf("%s: no test in %s is named %q", id, folder, name)
			}
		}
	}
	for id := range register {
		if !known[id] {
			t.Errorf("%s is no id of the list", id)
		}
	}
}

// named looks for a test's name, or for the id in a comment, in the tests of a folder.
func named(t *testing.T, folder, name string) bool {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join("..", "..", folder))
	if err != nil {
		return false
	}
	for _, e := range entries {
		if e.Name() == "register_test.go" || !strings.HasSuffix(e.Name(), "_test.go") && !strings.HasSuffix(e.Name(), ".test.mjs") && !strings.HasSuffix(folder, "test") {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", "..", folder, e.Name()))
		if err == nil && strings.Contains(string(text), name) {
			return true
		}
	}
	return false
}
