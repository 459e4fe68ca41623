package scenario

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Scenario is a world and what must be true in it.
type Scenario struct {
	Name    string
	Roles   []access.Role
	Groups  []access.Group
	Records []access.Record
	Public  []string
	Asks    []Ask
}

// Ask is one question with its answer.
type Ask struct {
	Line     int // in the file
	User     ident.UserID
	Action   string
	Resource string
	At       time.Time
	Allowed  bool
}

type fileYAML struct {
	Name    string              `yaml:"name"`
	Now     string              `yaml:"now"`
	Roles   map[string][]string `yaml:"roles"`
	Groups  map[string][]string `yaml:"groups"`
	Records []recordYAML        `yaml:"records"`
	Public  []string            `yaml:"public"`
	Ask     []line              `yaml:"ask"`
}

type recordYAML struct {
	Name       string          `yaml:"name"`
	Users      []ident.UserID  `yaml:"users"`
	Groups     []ident.GroupID `yaml:"groups"`
	Statements []statementYAML `yaml:"statements"`
}

type statementYAML struct {
	Roles     []ident.RoleID  `yaml:"roles"`
	Resources []string        `yaml:"resources"`
	Users     []ident.UserID  `yaml:"users"`
	Groups    []ident.GroupID `yaml:"groups"`
	StartsAt  string          `yaml:"startsAt"`
	ExpiresAt string          `yaml:"expiresAt"`
}

// line is a text with the number of its line.
type line struct {
	number int
	text   string
}

// UnmarshalYAML takes a scalar.
func (l *line) UnmarshalYAML(n *yaml.Node) error {
	l.number = n.Line
	return n.Decode(&l.text)
}

// Read parses a file, which holds one scenario or a list of them. Now is the time that questions are
// asked at, unless the file says another one.
func Read(data []byte, now time.Time) ([]Scenario, error) {
	var top yaml.Node
	if err := yaml.Unmarshal(data, &top); err != nil {
		return nil, err
	}
	var in []fileYAML
	strict := yaml.NewDecoder(bytes.NewReader(data))
	strict.KnownFields(true)
	var err error
	if len(top.Content) == 1 && top.Content[0].Kind == yaml.SequenceNode {
		err = strict.Decode(&in)
	} else {
		in = make([]fileYAML, 1)
		err = strict.Decode(&in[0])
	}
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file is empty")
	case err != nil:
		return nil, tidy(err)
	}
	if err := strict.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("the file holds more than one YAML document; write a list of scenarios")
	}
	var out []Scenario
	for i := range in {
		s, err := in[i].read(now)
		if err != nil {
			return nil, in[i].named(i, len(in), plain(err))
		}
		out = append(out, s)
	}
	return out, nil
}

// named says in which of several scenarios an error is, by its name if it has one.
func (f *fileYAML) named(i, of int, err error) error {
	switch {
	case f.Name != "":
		return fmt.Errorf("scenario %q: %w", f.Name, err)
	case of > 1:
		return fmt.Errorf("scenario %d: %w", i+1, err)
	}
	return err
}

// tidy takes from an error of the YAML reader what only programmers understand.
func tidy(err error) error {
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		return err
	}
	lines := make([]string, len(wrong.Errors))
	for i, text := range wrong.Errors {
		lines[i], _, _ = strings.Cut(text, " in type scenario.")
	}
	return errors.New(strings.Join(lines, "; "))
}

// plain is the sentence for people of an error.
func plain(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return errors.New(f.Public)
	}
	return err
}

func (in *fileYAML) read(now time.Time) (s Scenario, err error) {
	s.Name, s.Public = in.Name, in.Public
	now = now.UTC().Truncate(time.Second) // as the bounds of statements
	if in.Now != "" {
		if now, err = moment(in.Now, now); err != nil {
			return s, err
		}
	}
	for id, lines := range in.Roles {
		role := access.Role{ID: ident.RoleID(id), Name: id}
		for _, text := range lines {
			role.Permissions = append(role.Permissions, permission(text))
		}
		if err := role.Validate(); err != nil {
			return s, fmt.Errorf("role %s: %w", id, plain(err))
		}
		s.Roles = append(s.Roles, role)
	}
	for id, users := range in.Groups {
		g := access.Group{ID: ident.GroupID(id), Name: id}
		for _, u := range users {
			g.Users = append(g.Users, ident.UserID(u))
		}
		if err := g.Validate(); err != nil {
			return s, fmt.Errorf("group %s: %w", id, plain(err))
		}
		s.Groups = append(s.Groups, g)
	}
	for i := range in.Records {
		r, err := in.record(i, now)
		if err != nil {
			return s, fmt.Errorf("record %d %s: %w", i+1, in.Records[i].Name, plain(err))
		}
		s.Records = append(s.Records, r)
	}
	for _, text := range in.Public {
		r, err := check.ParseResource(text)
		if err == nil && r.System() {
			err = errors.New("it could name a resource of Admit itself, which is never public")
		}
		if err != nil {
			return s, fmt.Errorf("public %s: %w", text, plain(err))
		}
	}
	for _, l := range in.Ask {
		a, err := l.ask(now)
		if err != nil {
			return s, fmt.Errorf("line %d: %w", l.number, plain(err))
		}
		s.Asks = append(s.Asks, a)
	}
	if len(s.Asks) == 0 {
		return s, errors.New("it asks nothing; write questions under ask")
	}
	return s, nil
}

// permission reads "action", which is allowed, or "action agd", with a letter for each of allow, grant and delegate.
func permission(text string) access.Permission {
	action, flags, found := strings.Cut(text, " ")
	if !found {
		flags = "a"
	}
	if strings.Trim(flags, "agd") != "" {
		action = text // which no action looks like
	}
	return access.Permission{Action: action, Allow: strings.Contains(flags, "a"),
		Grant: strings.Contains(flags, "g"), Delegate: strings.Contains(flags, "d")}
}

func (in *fileYAML) record(i int, now time.Time) (r access.Record, err error) {
	y := &in.Records[i]
	r = access.Record{ID: ident.RecordID(fmt.Sprintf("record-%d", i+1)), Name: y.Name, Users: y.Users, Groups: y.Groups, Status: access.Active}
	if r.Name == "" {
		r.Name = string(r.ID)
	}
	for _, s := range y.Statements {
		out := access.Statement{Roles: s.Roles, Resources: s.Resources, Users: s.Users, Groups: s.Groups}
		if out.StartsAt, err = moment(s.StartsAt, now); err != nil {
			return r, err
		}
		if out.ExpiresAt, err = moment(s.ExpiresAt, now); err != nil {
			return r, err
		}
		for _, id := range s.Roles {
			if _, known := in.Roles[string(id)]; !known && !access.Builtin(id) {
				return r, fmt.Errorf("nothing under roles defines %s", id)
			}
		}
		for _, id := range append(y.Groups, s.Groups...) {
			if _, known := in.Groups[string(id)]; !known {
				return r, fmt.Errorf("nothing under groups defines %s", id)
			}
		}
		r.Statements = append(r.Statements, out)
	}
	return r, r.Validate()
}

func (l *line) ask(now time.Time) (a Ask, err error) {
	words := strings.Fields(l.text)
	if len(words) == 6 && words[4] == "at" {
		words = append(words[:4], words[5])
	}
	if len(words) < 4 || len(words) > 5 || words[0] != "yes" && words[0] != "no" {
		return a, fmt.Errorf("%q is not: yes|no USER PERMISSION RESOURCE [at TIME]", l.text)
	}
	a = Ask{Line: l.number, User: ident.UserID(words[1]), Action: words[2], Resource: words[3], At: now, Allowed: words[0] == "yes"}
	if len(words) == 5 {
		if a.At, err = moment(words[4], now); err != nil {
			return a, err
		}
	}
	if _, err := check.ParseResource(a.Resource); err != nil {
		return a, err
	}
	if _, err := check.ParseAction(a.Action); err != nil {
		return a, err
	}
	return a, access.ValidUser(a.User)
}

// moment reads a time, a day (its beginning in UTC), or a duration from now; nothing is the zero time.
func moment(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(d), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time; write 2026-03-03, 2026-03-03T12:00:00Z, or 90m for that much later", text)
}
