package accesstest

import (
	"embed"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

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
	Public  []string // resources that are open to everybody
}

// Ask is one question with its answer.
type Ask struct {
	User     ident.UserID
	Action   string
	Resource string
	At       time.Time // when it is asked
	Allowed  bool
}

func (a Ask) String() string {
	return fmt.Sprintf("%s %s %s at %s", a.User, a.Action, a.Resource, a.At.Format(time.RFC3339))
}

// Scenario is a world and what must be true in it. It is plain data: whoever puts the world
// in place, by whatever way, can ask the questions there.
type Scenario struct {
	Name  string
	World World
	Asks  []Ask
}

// Now keeps the questions that are asked at that time, for whoever cannot move the clock.
func (s *Scenario) Now(now time.Time) []Ask {
	var out []Ask
	for _, a := range s.Asks {
		if a.At.Equal(now) {
			out = append(out, a)
		}
	}
	return out
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
			Starts    *time.Duration  `yaml:"starts"`  // from now; 1h30m
			Expires   *time.Duration  `yaml:"expires"` // from now
		} `yaml:"statements"`
	} `yaml:"records"`
	Public []string `yaml:"public"`
	Ask    []string `yaml:"ask"` // "yes USER ACTION RESOURCE" or "no ...", with a duration from now at the end when it is not asked now
}

// Base is the time that Truth takes for now.
var Base = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

// Truth returns every scenario of truth/*.yaml, where now is Base.
func Truth(t testing.TB) []Scenario {
	t.Helper()
	return TruthAt(t, Base)
}

// TruthAt is Truth for another now, in whole seconds.
func TruthAt(t testing.TB, now time.Time) []Scenario {
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
			scenario, err := s.read(now)
			if err != nil {
				t.Fatalf("%s: %s: %v", f.Name(), s.Name, err)
			}
			out = append(out, scenario)
		}
	}
	return out
}

func (in *scenarioYAML) read(now time.Time) (Scenario, error) {
	out := Scenario{Name: in.Name}
	out.World.Public = in.Public
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
			st := access.Statement{Roles: s.Roles, Resources: s.Resources, Users: s.Users, Groups: s.Groups}
			if s.Starts != nil {
				st.StartsAt = now.Add(*s.Starts)
			}
			if s.Expires != nil {
				st.ExpiresAt = now.Add(*s.Expires)
			}
			rec.Statements = append(rec.Statements, st)
		}
		if err := rec.Validate(); err != nil {
			return out, err
		}
		out.World.Records = append(out.World.Records, rec)
	}
	for _, line := range in.Ask {
		a, err := readAsk(line, now)
		if err != nil {
			return out, err
		}
		out.Asks = append(out.Asks, a)
	}
	return out, nil
}

func readAsk(line string, now time.Time) (Ask, error) {
	words := strings.Fields(line)
	if len(words) < 4 || len(words) > 5 || words[0] != "yes" && words[0] != "no" {
		return Ask{}, fmt.Errorf("%q is not: yes|no USER ACTION RESOURCE [DURATION]", line)
	}
	a := Ask{User: ident.UserID(words[1]), Action: words[2], Resource: words[3], At: now, Allowed: words[0] == "yes"}
	if len(words) == 5 {
		later, err := time.ParseDuration(words[4])
		if err != nil {
			return a, err
		}
		a.At = now.Add(later)
	}
	return a, nil
}
