package transfer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/ident"
)

var csvColumns = []string{"user", "group", "role", "resource", "startsAt", "expiresAt"}

// CSV reads a table whose first row names its columns: user, group, role, resource, startsAt, expiresAt. A row
// with a role and a resource gives that to the user, or to the group when there is no user; a
// row with a user and a group alone puts the user into the group.
func CSV(label string, in Source) (Plan, error) {
	b := newBuilder(label, "a table", in.Name)
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(in.Data, []byte("\ufeff"))))
	r.TrimLeadingSpace = true
	head, err := r.Read()
	if err != nil {
		return Plan{}, fmt.Errorf("%s: the first row: %w", in.Name, err)
	}
	for i := range head {
		head[i] = strings.TrimSpace(head[i])
		if !slices.Contains(csvColumns, head[i]) || slices.Contains(head[:i], head[i]) {
			return Plan{}, fmt.Errorf("%s: %q in the first row is no column, or there twice; columns are %s", in.Name, head[i], strings.Join(csvColumns, ", "))
		}
	}
	if !slices.Contains(head, "user") && !slices.Contains(head, "group") {
		return Plan{}, fmt.Errorf("%s: the first row names neither user nor group", in.Name)
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return b.done(), nil
		}
		if err != nil {
			return Plan{}, fmt.Errorf("%s: %w", in.Name, err)
		}
		line, _ := r.FieldPos(0)
		cell := map[string]string{}
		for i := range row {
			cell[head[i]] = strings.TrimSpace(row[i])
		}
		if err := b.row(cell); err != nil {
			b.problem(line, strings.Join(row, ","), plain(err).Error())
		}
	}
}

func (b *builder) row(cell map[string]string) error {
	user, group := ident.UserID(cell["user"]), strings.TrimPrefix(cell["group"], "grp_")
	if user == "" && group == "" {
		return errors.New("it names neither a user nor a group")
	}
	if user != "" {
		if err := access.ValidUser(user); err != nil {
			return err
		}
	}
	if cell["role"] == "" && cell["resource"] == "" {
		if user == "" || cell["startsAt"] != "" || cell["expiresAt"] != "" {
			return errors.New("a row without role and resource puts a user into a group, without an end")
		}
		if group == "" {
			return errors.New("it gives nothing")
		}
		b.group(group)[user] = true
		return nil
	}
	if user != "" && group != "" {
		return errors.New("it gives either to a user or to a group; memberships have rows of their own")
	}
	g := grant{user: user, group: group, role: ident.RoleID(cell["role"]), resource: cell["resource"]}
	resource, err := check.ParseResource(g.resource)
	if err != nil {
		return err
	}
	g.resource = resource.String()
	if g.startsAt, err = csvTime(cell["startsAt"]); err != nil {
		return err
	}
	if g.expiresAt, err = csvTime(cell["expiresAt"]); err != nil {
		return err
	}
	probe := access.Record{ID: "r", Name: "r", Statements: []access.Statement{
		{Roles: []ident.RoleID{g.role}, Resources: []string{g.resource}, StartsAt: g.startsAt, ExpiresAt: g.expiresAt},
	}}
	if err := probe.Validate(); err != nil {
		return err
	}
	g.startsAt, g.expiresAt = check.Between(g.startsAt, g.expiresAt).Bounds()
	b.grants[g] = true
	return nil
}

// group returns the members of a group, which it makes if need be.
func (b *builder) group(name string) map[ident.UserID]bool {
	if b.groups[name] == nil {
		b.groups[name] = map[ident.UserID]bool{}
	}
	return b.groups[name]
}

func csvTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; write 2026-03-03 or 2026-03-03T12:00:00Z", text)
}
