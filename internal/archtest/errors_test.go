package archtest

import (
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var errorCode = regexp.MustCompile(`^[A-Z][a-z]+([A-Z][a-z]+)+$`)

// TestErrorCodesAreListed finds the codes that faults are made with and wants each in api/errors.md.
func TestErrorCodesAreListed(t *testing.T) {
	text, err := os.ReadFile("../../api/errors.md")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range files(t) {
		if f.pkg.test() || !strings.HasPrefix(f.pkg.path(), "internal/") {
			continue
		}
		for _, code := range codes(f.ast) {
			found++
			if !strings.Contains(string(text), "`"+code+"`") {
				t.Errorf("%s: the error code %s is not in api/errors.md", f.name, code)
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d error codes were found: the test looks in the wrong place", found)
	}
}

// codes returns the error codes that a file names: constants called Code..., and texts given to
// fault.New, fault.Newf, a helper called invalid, or a refusal of kit/web.
func codes(f *ast.File) (out []string) {
	add := func(e ast.Expr) {
		if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if code, err := strconv.Unquote(l.Value); err == nil && errorCode.MatchString(code) {
				out = append(out, code)
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if strings.HasPrefix(name.Name, "Code") && i < len(n.Values) {
					add(n.Values[i])
				}
			}
		case *ast.CompositeLit:
			if x, ok := n.Type.(*ast.Ident); ok && x.Name == "refusal" && len(n.Elts) > 1 {
				add(n.Elts[1])
			}
		case *ast.CallExpr:
			switch fun := n.Fun.(type) {
			case *ast.SelectorExpr:
				if x, ok := fun.X.(*ast.Ident); ok && x.Name == "fault" && len(n.Args) > 1 {
					add(n.Args[1])
				}
			case *ast.Ident:
				if fun.Name == "invalid" && len(n.Args) > 0 {
					add(n.Args[0])
				}
			}
		}
		return true
	})
	return out
}
