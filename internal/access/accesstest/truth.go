package accesstest

import (
	"embed"
	"fmt"
	"path"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/ident"
)

//go:embed truth/*.yaml
var truth embed.FS

// World is a set of facts.
type World struct {
	Roles   []access.Role
	Groups  []access.Group
	Records []access.Record
}

// Ask is one question with its answer.
type Ask struct {
	User     ident.UserID
	Action   string
	Resource string
	Allowed  bool
}

func (a Ask) String() string { return fmt.Sprintf("%s %s %s", a.User, a.Action, a.Resource) }

// Scenario is a world and what must be true in it.
type Scenario struct {
	Name  string
	World World
	Asks  []Ask
}

type scenarioYAML struct {
	Name    string              `yaml:"name"`
	Roles   map[string][]string `yaml:"roles"`  // role: [action, "action flags", ...]; flags are letters of a, g, d
	Groups  map[string][]string `yaml:"groups"` // group: [user, ...]
	Records []struct {
		Users      []ident.UserID  `yaml:"users"`
		Groups     []ident.GroupID `yaml:"groups"`
		Deleted    bool            `yaml:"deleted"`
		Statements []struct {
			Roles     []ident.RoleID  `yaml:"roles"`
			Resources []string        `yaml:"resources"`
			Users     []ident.UserID  `yaml:"users"`
			Groups    []ident.GroupID `yaml:"groups"`
		} `yaml:"statements"`
	} `yaml:"records"`
	Ask []string `yaml:"ask"` // "yes USER ACTION RESOURCE" or "no ..."
}

// Truth returns every scenario of truth/*.yaml.
func Truth(t testing.TB) []Scenario {
	t.Helper()
	files, err := truth.ReadDir("truth")
	if err != nil {
		t.Fatal(err)
	}
	var out []Scenario
	for _, f := range files {
		data, err := truth.ReadFile(path.Join("truth", f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		var in []scenarioYAML
		if err := yaml.Unmarshal(data, &in); err != nil {
			t.Fatalf("%s: %v", f.Name(), err)
		}
		for _, s := range in {
			scenario, err := s.read()
			if err != nil {
				t.Fatalf("%s: %s: %v", f.Name(), s.Name, err)
			}
			out = append(out, scenario)
		}
	}
	return out
}

func (in *scenarioYAML) read() (Scenario, error) {
	out := Scenario{Name: in.Name}
	for id, lines := range in.Roles {
		role := access.Role{ID: ident.RoleID(id), Name: id}
		for _, line := range lines {
			action, flags, found := strings.Cut(line, " ")
			if !found {
				flags = "a"
			}
			role.Permissions = append(role.Permissions, access.Permission{Action: action,
				Allow: strings.Contains(flags, "a"), Grant: strings.Contains(flags, "g"), Delegate: strings.Contains(flags, "d")})
		}
		if err := role.Validate(); err != nil {
			return out, err
		}
		out.World.Roles = append(out.World.Roles, role)
	}
	for id, users := range in.Groups {
		g := access.Group{ID: ident.GroupID(id), Name: id}
		for _, u := range users {
			g.Users = append(g.Users, ident.UserID(u))
		}
		if err := g.Validate(); err != nil {
			return out, err
		}
		out.World.Groups = append(out.World.Groups, g)
	}
	for i, r := range in.Records {
		rec := access.Record{ID: ident.RecordID(fmt.Sprintf("rec_%d", i)), Name: "r", Users: r.Users, Groups: r.Groups, Status: access.Active}
		if r.Deleted {
			rec.Status = access.Deleted
		}
		for _, s := range r.Statements {
			rec.Statements = append(rec.Statements, access.Statement(s))
		}
		if err := rec.Validate(); err != nil {
			return out, err
		}
		out.World.Records = append(out.World.Records, rec)
	}
	for _, line := range in.Ask {
		words := strings.Fields(line)
		if len(words) != 4 || words[0] != "yes" && words[0] != "no" {
			return out, fmt.Errorf("%q is not: yes|no USER ACTION RESOURCE", line)
		}
		out.Asks = append(out.Asks, Ask{User: ident.UserID(words[1]), Action: words[2], Resource: words[3], Allowed: words[0] == "yes"})
	}
	return out, nil
}
