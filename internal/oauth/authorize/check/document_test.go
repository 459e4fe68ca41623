package check

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/reference/authorization-steps.md")

const document = "../../../../docs/reference/authorization-steps.md"

const preface = `# The steps of an authorization request

Made from the code (` + "`internal/oauth/authorize/check`" + `); do not edit by hand.

Every request to ` + "`/oauth/authorize`" + ` runs through these checks, in this order; the first one that refuses ends it. A
request that is pushed to ` + "`/oauth/par`" + ` runs through them when it is pushed and when it is used. One that waited for a
login or for consent runs through them again when the browser comes back, so that what the client lost meanwhile counts.

Up to and including ` + "`redirect_uri`" + ` a refusal is shown on a page of Admit: it is not known yet where the client is. After
that the client is told, at its redirect URL, with ` + "`iss`" + ` (RFC 9207) and its ` + "`state`" + ` as it came. A client that nobody has
vouched for, because it registered itself or is a metadata document, is not told by redirect while nobody is signed in:
anybody could make such a client, and a link to it would lead to wherever they like (RFC 9700 section 4.11.2).

Parameters that no step names are ignored.

| | step | the rule | it refuses with | told | standard |
|---|---|---|---|---|---|
`

const afterword = `
Then the browser's session decides:

| | question | if not | with ` + "`prompt=none`" + ` |
|---|---|---|---|
| 1 | Can an essential ` + "`acr`" + ` be reached at all? | ` + "`unmet_authentication_requirements`" + ` | the same |
| 2 | Is somebody signed in who is active? | login | ` + "`login_required`" + ` |
| 3 | Is the proof fresh enough for ` + "`max_age`" + ` and ` + "`prompt=login`" + `? | login with a new proof | ` + "`login_required`" + ` |
| 4 | Is it the person of ` + "`id_token_hint`" + ` or ` + "`claims`" + `? | login; if it is another person again, ` + "`login_required`" + ` | ` + "`login_required`" + ` |
| 5 | Has the person chosen, where ` + "`prompt=select_account`" + ` asks for it? | login with a choice | cannot be combined |
| 6 | Does the session reach an essential ` + "`acr`" + `? | ` + "`unmet_authentication_requirements`" + ` | the same |
| 7 | Has the person allowed a third-party client all of it, and is ` + "`prompt`" + ` not ` + "`consent`" + `? | consent; a no is ` + "`access_denied`" + ` | ` + "`consent_required`" + ` |

First-party clients have no consent page: who runs the account has decided for them, ` + "`prompt=consent`" + ` or not.
A proof that was made since the request began counts as fresh, whatever ` + "`max_age`" + ` says, so that nobody is sent in a circle.
`

// TestDocument holds docs/reference/authorization-steps.md equal to the list.
func TestDocument(t *testing.T) {
	var b strings.Builder
	b.WriteString(preface)
	told := "on a page"
	for i, c := range List() {
		var codes []string
		for _, code := range c.Codes {
			codes = append(codes, "`"+string(code)+"`")
		}
		where := told
		if len(codes) == 0 {
			codes, where = []string{"nothing"}, ""
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s | %s |\n", i+1, c.Name, c.Rule, strings.Join(codes, ", "), where, c.Standard)
		if c.Name == redirectURI.Name {
			told = "the client"
		}
	}
	b.WriteString(afterword)
	if *update {
		if err := os.WriteFile(document, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(document)
	if err != nil || string(have) != b.String() {
		t.Errorf("%s is not what the list says; run this test with -update: %v", document, err)
	}
}
