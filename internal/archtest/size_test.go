package archtest

import (
	"go/ast"
	"strings"
	"testing"
)

// measure fails beyond the hard limit and notes beyond the soft one.
func (l limit) measure(t *testing.T, what string, size int) {
	t.Helper()
	switch {
	case size > l.hard:
		t.Errorf("%s: %d, the limit is %d", what, size, l.hard)
	case size > l.soft:
		t.Logf("%s: %d, better at most %d", what, size, l.soft)
	}
}

func TestSizes(t *testing.T) {
	perPackage := map[string]int{}
	for _, f := range files(t) {
		lines := strings.Count(f.text, "\n")
		perPackage[f.pkg.path()] += lines
		fileLines.measure(t, f.name+" (lines)", lines)
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Body == nil {
					return true
				}
				functionLines.measure(t, f.name+" "+n.Name.Name+" (lines)", f.line(n.End())-f.line(n.Pos())+1)
				if n.Recv == nil && strings.HasPrefix(n.Name.Name, "New") {
					newParameters.measure(t, f.name+" "+n.Name.Name+" (parameters)", n.Type.Params.NumFields())
				}
			case *ast.TypeSpec:
				if i, ok := n.Type.(*ast.InterfaceType); ok {
					interfaceMethods.measure(t, f.name+" "+n.Name.Name+" (methods)", i.Methods.NumFields())
				}
			}
			return true
		})
	}
	for path, lines := range perPackage {
		packageLines.measure(t, path+" (lines)", lines)
	}
}
