package transfer

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Tag marks groups and records that an import made; its value is the label of the import.
const Tag = "importedFrom"

// Source is a file that was read.
type Source struct {
	Name string // for the report
	Data []byte
}

// Problem is something that was left out.
type Problem struct {
	File string
	Line int // 0 when it is about the whole file
	What string
	Why  string
}

func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s: %s", p.File, p.What, p.Why)
	}
	return fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.What, p.Why)
}

// Plan is what an import writes.
type Plan struct {
	Label     string
	Roles     []access.Role
	Groups    []access.Group
	Records   []access.Record
	Resources []claim.Config
	Problems  []Problem
	Notes     []string // what is mapped, and worth knowing
}

// Needs returns the roles that the records name and the plan does not make, in order.
func (p *Plan) Needs() (out []ident.RoleID) {
	made := map[ident.RoleID]bool{}
	for i := range p.Roles {
		made[p.Roles[i].ID] = true
	}
	for i := range p.Records {
		for k := range p.Records[i].Statements {
			for _, id := range p.Records[i].Statements[k].Roles {
				if !made[id] && !access.Builtin(id) {
					made[id] = true
					out = append(out, id)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// NeedsGroups returns the groups that the records name and the plan does not make, in order.
func (p *Plan) NeedsGroups() (out []ident.GroupID) {
	made := map[ident.GroupID]bool{}
	for i := range p.Groups {
		made[p.Groups[i].ID] = true
	}
	need := func(ids []ident.GroupID) {
		for _, id := range ids {
			if !made[id] {
				made[id] = true
				out = append(out, id)
			}
		}
	}
	for i := range p.Records {
		need(p.Records[i].Groups)
		for k := range p.Records[i].Statements {
			need(p.Records[i].Statements[k].Groups)
		}
	}
	slices.Sort(out)
	return out
}

// ValidLabel checks the label of an import.
func ValidLabel(label string) error {
	if label == "" || len(label) > 30 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return errors.New("the label of an import has 1 to 30 characters of a-z 0-9 -")
	}
	return nil
}

// grant is one right of one user or group of the source.
type grant struct {
	user      ident.UserID
	group     string // name in the source, when it is not a user
	role      ident.RoleID
	resource  string
	startsAt  time.Time
	expiresAt time.Time
}

// builder gathers what a source says.
type builder struct {
	plan   Plan
	source string // as people call it
	file   string
	grants map[grant]bool
	groups map[string]map[ident.UserID]bool
	said   map[Problem]bool
}

func newBuilder(label, source, file string) *builder {
	return &builder{plan: Plan{Label: label}, source: source, file: file, grants: map[grant]bool{},
		groups: map[string]map[ident.UserID]bool{}, said: map[Problem]bool{}}
}

func (b *builder) problem(line int, what, why string) { b.problemIn(b.file, line, what, why) }

func (b *builder) problemIn(file string, line int, what, why string) {
	p := Problem{file, line, what, why}
	if !b.said[p] {
		b.said[p] = true
		b.plan.Problems = append(b.plan.Problems, p)
	}
}

func (b *builder) note(format string, args ...any) {
	b.plan.Notes = append(b.plan.Notes, fmt.Sprintf(format, args...))
}

func (b *builder) role(id ident.RoleID, actions []string) error {
	r := access.Role{ID: id, Name: string(id), Description: "Imported from " + b.source + "."}
	slices.Sort(actions)
	for _, action := range slices.Compact(actions) {
		r.Permissions = append(r.Permissions, access.Permission{Action: action, Allow: true})
	}
	if err := r.Validate(); err != nil {
		return plain(err)
	}
	b.plan.Roles = append(b.plan.Roles, r)
	return nil
}

// The bounds of what an import writes: those of the contract, with room for the rest of a record.
const (
	perStatement = 100
	perRecord    = 100
	recordBytes  = 60 << 10
	perGroup     = 100
	groupParts   = 100
)

// done turns what was gathered into groups and records.
func (b *builder) done() Plan {
	parts := b.makeGroups()
	type who struct {
		user  ident.UserID
		group string
	}
	byWho := map[who][]grant{}
	for g := range b.grants {
		w := who{g.user, g.group}
		byWho[w] = append(byWho[w], g)
	}
	for w, grants := range byWho {
		r := access.Record{Name: clip(b.source+": "+string(w.user), 128), Users: []ident.UserID{w.user}}
		key := "u:" + string(w.user)
		if w.group != "" {
			r.Name, r.Users, r.Groups = clip(b.source+": group "+w.group, 128), nil, parts[w.group]
			key = "g:" + w.group
			if b.groups[w.group] == nil { // nobody belongs to it here: it is there already
				r.Groups = []ident.GroupID{ident.GroupID("grp_" + w.group)}
			} else if len(r.Groups) == 0 {
				continue // too large; reported
			}
		}
		b.makeRecords(r, key, statements(grants))
	}
	slices.SortFunc(b.plan.Roles, func(x, y access.Role) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(b.plan.Records, func(x, y access.Record) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortFunc(b.plan.Resources, func(x, y claim.Config) int { return cmp.Compare(x.Resource, y.Resource) })
	slices.SortStableFunc(b.plan.Problems, func(x, y Problem) int {
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line), cmp.Compare(x.What, y.What), cmp.Compare(x.Why, y.Why))
	})
	return b.plan
}

// makeGroups makes the groups that grants name, in as many parts as need be, and returns those.
func (b *builder) makeGroups() map[string][]ident.GroupID {
	parts := map[string][]ident.GroupID{}
	made := map[ident.GroupID]string{} // names by id
	for _, name := range slices.Sorted(maps.Keys(b.groups)) {
		users := slices.Sorted(maps.Keys(b.groups[name]))
		if len(users) > perGroup*groupParts {
			b.problem(0, "group "+name, fmt.Sprintf("it has more than %d members", perGroup*groupParts))
			continue
		}
		ids := groupIDs(name, len(users))
		if at := slices.IndexFunc(ids, func(id ident.GroupID) bool { return made[id] != "" }); at >= 0 {
			// Its members would get what the other one has.
			b.problem(0, "group "+name, fmt.Sprintf("its id %s is that of the group %s; rename one of them", ids[at], made[ids[at]]))
			continue
		}
		for _, id := range ids {
			made[id] = name
		}
		for n := 0; n == 0 || len(users) > 0; n++ {
			chunk := users[:min(perGroup, len(users))]
			users = users[len(chunk):]
			id := groupID(name, n)
			parts[name] = append(parts[name], id)
			b.plan.Groups = append(b.plan.Groups, access.Group{
				ID: id, Name: clip(name, 128), Users: chunk, Tags: map[string]string{Tag: b.plan.Label},
			})
		}
	}
	return parts
}

// groupIDs are the ids of all parts of a group.
func groupIDs(name string, members int) (out []ident.GroupID) {
	for n := range max(1, (members+perGroup-1)/perGroup) {
		out = append(out, groupID(name, n))
	}
	return out
}

// groupID is the id of a part of a group. Names that are no ids get a hash, so that no two
// names share one.
func groupID(name string, part int) ident.GroupID {
	clean := strings.Map(func(r rune) rune {
		if r < 128 && strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", r) {
			return r
		}
		return '_'
	}, strings.TrimPrefix(name, "grp_"))
	if clean != strings.TrimPrefix(name, "grp_") || len(clean) > 45 {
		clean = clip(clean, 34) + "-" + hash(name)[:10]
	}
	if part > 0 {
		clean += fmt.Sprintf("--%d", part+1)
	}
	return ident.GroupID("grp_" + clean)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:12])
}

func clip(text string, most int) string {
	runes := []rune(text)
	return string(runes[:min(most, len(runes))])
}

// statements puts grants together: resources with the same roles at the same time share one.
func statements(grants []grant) (out []access.Statement) {
	type place struct {
		resource            string
		startsAt, expiresAt time.Time
	}
	roles := map[place][]ident.RoleID{}
	for _, g := range grants {
		p := place{g.resource, g.startsAt, g.expiresAt}
		roles[p] = append(roles[p], g.role)
	}
	places := slices.SortedFunc(maps.Keys(roles), func(x, y place) int {
		return cmp.Or(cmp.Compare(x.resource, y.resource), x.startsAt.Compare(y.startsAt), x.expiresAt.Compare(y.expiresAt))
	})
	open := map[string]int{} // number of the statement that has room
	for _, p := range places {
		ids := roles[p]
		slices.Sort(ids)
		for chunk := range slices.Chunk(slices.Compact(ids), perStatement) {
			key := fmt.Sprint(chunk, p.startsAt, p.expiresAt)
			n, ok := open[key]
			if !ok || len(out[n].Resources) == perStatement {
				n = len(out)
				open[key] = n
				out = append(out, access.Statement{Roles: chunk, StartsAt: p.startsAt, ExpiresAt: p.expiresAt})
			}
			out[n].Resources = append(out[n].Resources, p.resource)
		}
	}
	return out
}

// makeRecords spreads the statements over as many records as they need.
func (b *builder) makeRecords(r access.Record, key string, all []access.Statement) {
	r.Tags = map[string]string{Tag: b.plan.Label}
	size := 0
	flush := func() {
		if len(r.Statements) > 0 {
			r.ID = ident.RecordID(fmt.Sprintf("imp:%s:%s:%d", b.plan.Label, hash(key), len(b.plan.Records)))
			b.plan.Records = append(b.plan.Records, r)
		}
		r.Statements, size = nil, 0
	}
	first := len(b.plan.Records)
	for _, s := range all {
		n := 200
		for _, x := range s.Resources {
			n += len(x) + 3
		}
		for _, x := range s.Roles {
			n += len(x) + 3
		}
		if len(r.Statements) == perRecord || size+n > recordBytes {
			flush()
		}
		r.Statements, size = append(r.Statements, s), size+n
	}
	flush()
	for i := first; i < len(b.plan.Records); i++ {
		b.plan.Records[i].ID = ident.RecordID(fmt.Sprintf("imp:%s:%s:%d", b.plan.Label, hash(key), i-first+1))
	}
}

// plain is the sentence for people of an error.
func plain(err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return errors.New(f.Public)
	}
	return err
}
