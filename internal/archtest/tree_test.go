package archtest

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/admit-id/admit"

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Name       string
	GoFiles    []string
	Imports    []string
}

// path is the import path below the module.
func (p pkg) path() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/") }

// test tells whether the package only serves tests, by its name.
func (p pkg) test() bool { return strings.HasSuffix(p.Name, "test") }

var packages = sync.OnceValues(func() ([]pkg, error) {
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Name,GoFiles,Imports", "./...")
	cmd.Dir = root()
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
})

func list(t *testing.T) []pkg {
	t.Helper()
	all, err := packages()
	if err != nil || len(all) == 0 {
		t.Fatal("go list:", err)
	}
	return all
}

func root() string {
	dir, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return "../.."
	}
	return dir
}

// file is a parsed source file that is no test.
type file struct {
	pkg  pkg
	name string // below the repository's root
	ast  *ast.File
	set  *token.FileSet
	text string
}

func (f file) line(p token.Pos) int { return f.set.Position(p).Line }

func files(t *testing.T) []file {
	t.Helper()
	var out []file
	for _, p := range list(t) {
		for _, name := range p.GoFiles {
			full := filepath.Join(p.Dir, name)
			text, err := os.ReadFile(full)
			if err != nil {
				t.Fatal(err)
			}
			set := token.NewFileSet()
			parsed, err := parser.ParseFile(set, full, text, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			rel, _ := filepath.Rel(root(), full)
			out = append(out, file{p, rel, parsed, set, string(text)})
		}
	}
	return out
}
