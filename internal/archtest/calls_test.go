package archtest

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rule forbids names of a package in internal and cmd, but in the folders of except. An empty
// name forbids the import itself.
type rule struct {
	pkg    string
	name   string
	why    string
	except []string
}

var rules = []rule{
	{"time", "Now", "time is an argument, or comes from kit/clock", []string{"internal/kit/clock"}},
	{"time", "Since", "time is an argument, or comes from kit/clock", []string{"internal/kit/clock"}},
	{"time", "Until", "time is an argument, or comes from kit/clock", []string{"internal/kit/clock"}},
	{"math/rand", "", "randomness comes from kit/secret and kit/ident", []string{"internal/kit/secret"}},
	{"math/rand/v2", "", "randomness comes from kit/secret and kit/ident", []string{"internal/kit/secret"}},
	{"crypto/rand", "", "randomness comes from kit/secret and kit/ident", []string{"internal/kit/secret", "internal/kit/ident"}},
	{"os", "Getenv", "settings come from kit/config", []string{"internal/kit/config", "internal/kit/clock"}},
	{"os", "LookupEnv", "settings come from kit/config", []string{"internal/kit/config"}},
	{"os", "Environ", "settings come from kit/config", []string{"internal/kit/config"}},
	{"net/http", "DefaultClient", "requests to the outside go through kit/egress", nil},
	{"net/http", "DefaultTransport", "requests to the outside go through kit/egress", nil},
	{"net/http", "Get", "requests to the outside go through kit/egress", nil},
	{"net/http", "Post", "requests to the outside go through kit/egress", nil},
	{"net/http", "PostForm", "requests to the outside go through kit/egress", nil},
	{"net/http", "Redirect", "it rewrites its target; use web.SeeOther", nil},
	{"net/http", "StripPrefix", "paths have one reading; see kit/web", nil},
	{"net/http/pprof", "", "there is no profiler endpoint (ADM-06)", nil},
	{"expvar", "", "there is no debug endpoint (ADM-06)", nil},
	{"text/template", "", "pages are html/template", nil},
	{"crypto/md5", "", "it is broken", nil},
	// HMAC-SHA-1 is what authenticator apps do (RFC 6238), lists of stolen passwords are cut by SHA-1, and
	// hashes of other systems are read once, to be replaced.
	{"crypto/sha1", "", "it is broken", []string{"internal/factor/totp", "internal/factor/password", "internal/factor/password/hashes"}},
	{"unsafe", "", "nothing here needs it", nil},
	{"encoding/gob", "", "what a stranger wrote is JSON, read strictly", nil},
}

// surfaceRules hold in internal/surface only.
var surfaceRules = []rule{
	{"encoding/json", "Unmarshal", "what a stranger wrote is read by web.DecodeJSON", []string{"internal/surface/hosted/catalogue"}}, // reads its own files
	{"encoding/json", "NewDecoder", "what a stranger wrote is read by web.DecodeJSON", nil},
}

func TestForbiddenCalls(t *testing.T) {
	for _, f := range files(t) {
		path := f.pkg.path()
		if f.pkg.test() || !strings.HasPrefix(path, "internal/") && !strings.HasPrefix(path, "cmd/") {
			continue
		}
		checkRules(t, f, rules)
		if strings.HasPrefix(path, "internal/surface/") {
			checkRules(t, f, surfaceRules)
		}
		checkPanics(t, f)
	}
}

func checkRules(t *testing.T, f file, rules []rule) {
	local := map[string]string{} // the name a package has in this file -> its path
	for _, i := range f.ast.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		name := path[strings.LastIndexByte(path, '/')+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		local[name] = path
		for _, r := range rules {
			if r.pkg == path && r.name == "" && !slices.Contains(r.except, f.pkg.path()) {
				t.Errorf("%s imports %s: %s", f.name, path, r.why)
			}
		}
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		// Called by the strict reader itself, with text that it has checked.
		if d, ok := n.(*ast.FuncDecl); ok && d.Recv != nil && d.Name.Name == "UnmarshalJSON" {
			return false
		}
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := s.X.(*ast.Ident)
		if !ok || x.Obj != nil { // a variable, not a package
			return true
		}
		for _, r := range rules {
			if r.name == s.Sel.Name && r.pkg == local[x.Name] && !slices.Contains(r.except, f.pkg.path()) {
				t.Errorf("%s:%d: %s.%s: %s", f.name, f.line(s.Pos()), x.Name, r.name, r.why)
			}
		}
		if s.Sel.Name == "InsecureSkipVerify" {
			t.Errorf("%s:%d: InsecureSkipVerify", f.name, f.line(s.Pos()))
		}
		return true
	})
}

// checkPanics allows panic only in functions that say so by their names.
func checkPanics(t *testing.T, f file) {
	for _, d := range f.ast.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if ok && (strings.HasPrefix(fn.Name.Name, "Must") || strings.HasPrefix(fn.Name.Name, "must")) {
			continue
		}
		ast.Inspect(d, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if x, ok := call.Fun.(*ast.Ident); ok && x.Name == "panic" {
					t.Errorf("%s:%d: panic outside a function named Must or must", f.name, f.line(n.Pos()))
				}
			}
			if kv, ok := n.(*ast.KeyValueExpr); ok {
				if x, ok := kv.Key.(*ast.Ident); ok && x.Name == "InsecureSkipVerify" {
					t.Errorf("%s:%d: InsecureSkipVerify", f.name, f.line(n.Pos()))
				}
			}
			return true
		})
	}
}

// SQL is constant text: values are bound, names are written out.
func TestSQLIsNotFormatted(t *testing.T) {
	sqlWords := regexp.MustCompile(`(?i)\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\b`)
	for _, f := range files(t) {
		if f.pkg.test() {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			s, ok := call.Fun.(*ast.SelectorExpr)
			literal, isText := call.Args[0].(*ast.BasicLit)
			if ok && isText && s.Sel.Name == "Sprintf" && literal.Kind == token.STRING && sqlWords.MatchString(literal.Value) && strings.Contains(literal.Value, " FROM ") {
				t.Errorf("%s:%d: SQL made by Sprintf", f.name, f.line(n.Pos()))
			}
			return true
		})
	}
}
