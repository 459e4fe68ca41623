package archtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFoldersAreOnThePlan(t *testing.T) {
	var planned []string
	for name := range features {
		planned = append(planned, "internal/"+name)
	}
	for _, name := range kit {
		planned = append(planned, "internal/kit/"+name)
	}
	for _, name := range surfaces {
		planned = append(planned, "internal/surface/"+name)
	}
	for _, name := range top {
		planned = append(planned, "internal/"+name)
	}
	var there []string
	for _, parent := range []string{"internal", "internal/kit", "internal/surface"} {
		entries, err := os.ReadDir(filepath.Join(root(), parent))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if path := parent + "/" + e.Name(); e.IsDir() && path != "internal/kit" && path != "internal/surface" {
				there = append(there, path)
			}
		}
	}
	for _, path := range there {
		if !slices.Contains(planned, path) {
			t.Errorf("%s is not on the plan (internal/archtest/plan_test.go)", path)
		}
	}
	for _, path := range planned {
		if !slices.Contains(there, path) {
			t.Errorf("the plan names %s, which is gone", path)
		}
	}
	for name := range later {
		if _, err := os.Stat(filepath.Join(root(), "internal", name)); err == nil {
			t.Errorf("internal/%s has code: move it from later to features", name)
		}
	}
}

// where says what part of the house a package is in.
func where(path string) (part, name, below string) {
	segments := strings.SplitN(path, "/", 4)
	switch {
	case segments[0] != "internal":
		return segments[0], path, ""
	case len(segments) > 2 && (segments[1] == "kit" || segments[1] == "surface"):
		return segments[1], segments[2], strings.Join(segments[3:], "/")
	case segments[1] == "app" || segments[1] == "archtest":
		return segments[1], segments[1], ""
	}
	return "feature", segments[1], strings.Join(segments[2:], "/")
}

// store tells whether a package of a feature holds SQL: the last folder ends in "db".
func store(below string) bool { return strings.HasSuffix(below, "db") }

func TestImports(t *testing.T) {
	for _, p := range list(t) {
		for _, imported := range p.Imports {
			if why := forbidden(p, imported); why != "" {
				t.Errorf("%s imports %s: %s", p.path(), strings.TrimPrefix(imported, module+"/"), why)
			}
		}
	}
}

func forbidden(p pkg, imported string) string {
	part, name, below := where(p.path())
	target, ours := strings.CutPrefix(imported, module+"/")
	toPart, toName, toBelow := "", "", ""
	if ours {
		toPart, toName, toBelow = where(target)
	}
	if toPart == "archtest" {
		return "archtest is only for tests"
	}
	switch part {
	case "kit":
		if ours && toPart != "kit" && toPart != "client" { // the public client stands outside
			return "kit imports only kit and the outside"
		}
	case "feature":
		return forbiddenInFeature(p, name, below, imported, toPart, toName, toBelow)
	case "surface":
		switch {
		case toPart == "app":
			return "only cmd imports app"
		case toPart == "surface" && toName != name:
			return "a surface imports no other surface"
		case toPart == "feature" && store(toBelow), imported == "database/sql", toPart == "kit" && toName == "sqldb":
			return "a surface calls features, never a store"
		}
	case "cmd":
		if ours && toPart != "app" && toPart != "client" && toPart != "cmd" {
			return "cmd imports only app and client"
		}
	case "client", "examples":
		if strings.HasPrefix(target, "internal/") && ours && !(p.path() == "client" && slices.Contains(localDecision, target)) {
			return "it stands alone"
		}
	}
	return ""
}

func forbiddenInFeature(p pkg, name, below, imported, toPart, toName, toBelow string) string {
	path := strings.TrimPrefix(p.path(), "internal/")
	switch {
	case toPart == "app", toPart == "surface":
		return "features know neither surfaces nor the wiring"
	case toPart == "feature" && toName != name && !slices.Contains(features[name], toName):
		return "the plan does not give " + name + " the feature " + toName
	case toPart == "feature" && store(toBelow) && !p.test():
		return "only app imports stores"
	case imported == "testing" && !p.test():
		return "only packages whose names end in test may"
	case imported == "net/http" && !outside[path]:
		return "a feature knows no HTTP"
	case toPart == "kit" && toName == "web":
		return "a feature knows no HTTP"
	case imported == "database/sql" && !store(below), toPart == "kit" && toName == "sqldb" && !store(below) && !p.test():
		return "SQL stands in the package " + name + "db"
	}
	return ""
}

func TestPackagesSayWhatTheyOwn(t *testing.T) {
	docs := map[string]string{}
	var order []string
	for _, f := range files(t) {
		path := f.pkg.path()
		if _, seen := docs[path]; !seen {
			order = append(order, path)
		}
		if docs[path] != "" && f.ast.Doc.Text() != "" {
			t.Errorf("%s has a second package comment, in %s", path, f.name)
		}
		docs[path] += f.ast.Doc.Text()
	}
	for _, path := range order {
		text := docs[path]
		switch {
		case text == "":
			t.Errorf("%s has no package comment", path)
		case !strings.HasPrefix(text, "Package ") && !strings.HasPrefix(text, "Command "):
			t.Errorf("%s: the package comment begins with neither Package nor Command", path)
		case strings.HasPrefix(path, "internal/") && !strings.Contains(text, "own"):
			t.Errorf("%s: the package comment does not say what it owns", path)
		}
	}
}
