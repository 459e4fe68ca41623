package archtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// routesOfTheBinary asks the binary itself, so that what is compared is what runs.
func routesOfTheBinary(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	binary := os.Getenv("ADMIT_BIN")
	if binary == "" {
		binary = filepath.Join(dir, "admit")
		build := exec.Command("go", "build", "-o", binary, "./cmd/admit")
		build.Dir = root()
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
	}
	cmd := exec.Command(binary, "routes", "--json")
	cmd.Dir = dir
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "ADMIT_") {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("admit routes: %v", err)
	}
	var routes []struct{ Method, Path, Auth, Permission, Scope string }
	if err := json.Unmarshal(out, &routes); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range routes {
		if r.Auth == "" || r.Scope == "" {
			t.Errorf("%s %s is not declared whole: %+v", r.Method, r.Path, r)
		}
		all = append(all, r.Method+" "+r.Path)
	}
	return all
}

var marks = regexp.MustCompile(`(\*\*\*|\.\.\.)\}`)

// backChannel are the endpoints of the authorization server that clients call without a browser.
var backChannel = []string{"/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/userinfo", "/oauth/par", "/oauth/authorize"}

// The JSON interfaces that others program against: /v1, /access, /api, /session, /.well-known and backChannel.
func documented(route string) bool {
	_, path, _ := strings.Cut(route, " ")
	return slices.Contains(backChannel, path) || strings.HasPrefix(path, "/oauth/register") || strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/access/") || strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/session/") || strings.HasPrefix(path, "/.well-known/")
}

func TestRoutesAreThoseOfTheContract(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root(), "api", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var contract struct {
		Paths map[string]map[string]yaml.Node `yaml:"paths"`
	}
	if err := yaml.Unmarshal(text, &contract); err != nil {
		t.Fatal(err)
	}
	var want []string
	for path, methods := range contract.Paths {
		for method := range methods {
			if slices.Contains([]string{"get", "put", "post", "patch", "delete", "head"}, method) {
				want = append(want, strings.ToUpper(method)+" "+path)
			}
		}
	}
	var have []string
	for _, route := range routesOfTheBinary(t) {
		if documented(route) {
			have = append(have, strings.Replace(marks.ReplaceAllString(route, "}"), "/{$}", "/", 1))
		}
	}
	sort.Strings(want)
	for _, route := range have {
		if !slices.Contains(want, route) {
			t.Errorf("%s is in the code and not in api/openapi.yaml", route)
		}
	}
	for _, route := range want {
		if !slices.Contains(have, route) {
			t.Errorf("%s is in api/openapi.yaml and not in the code", route)
		}
	}
}
