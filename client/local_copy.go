package client

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/ident"
)

// change is one line of GET /v1/changes.
type change struct {
	Kind     string          `json:"kind"`
	ID       string          `json:"id"`
	Revision int64           `json:"revision"`
	Cursor   string          `json:"cursor"`
	Deleted  bool            `json:"deleted"`
	Record   *recordChange   `json:"record"`
	Role     *roleChange     `json:"role"`
	Group    *groupChange    `json:"group"`
	Resource *resourceChange `json:"resource"`

	At        time.Time `json:"at"`
	ElapsedMs *int64    `json:"elapsedMs"`

	Reason    string `json:"reason"`
	Title     string `json:"title"`
	ErrorCode string `json:"errorCode"`
	ErrorID   string `json:"errorId"`
}

type userRefs []struct {
	UserID ident.UserID `json:"userId"`
}

func (u userRefs) ids() []ident.UserID {
	out := make([]ident.UserID, len(u))
	for i := range u {
		out[i] = u[i].UserID
	}
	return out
}

type groupRefs []struct {
	GroupID ident.GroupID `json:"groupId"`
}

func (g groupRefs) ids() []ident.GroupID {
	out := make([]ident.GroupID, len(g))
	for i := range g {
		out[i] = g[i].GroupID
	}
	return out
}

type recordChange struct {
	Users      userRefs  `json:"users"`
	Groups     groupRefs `json:"groups"`
	Statements []struct {
		Roles     []ident.RoleID `json:"roles"`
		Resources []ResourceRef  `json:"resources"`
		Users     userRefs       `json:"users"`
		Groups    groupRefs      `json:"groups"`
		StartsAt  time.Time      `json:"startsAt"`
		ExpiresAt time.Time      `json:"expiresAt"`
	} `json:"statements"`
}

func (c *recordChange) blocks() []index.Block {
	r := access.Record{Status: access.Active, Users: c.Users.ids(), Groups: c.Groups.ids()}
	for _, s := range c.Statements {
		st := access.Statement{Roles: s.Roles, Users: s.Users.ids(), Groups: s.Groups.ids(), StartsAt: s.StartsAt, ExpiresAt: s.ExpiresAt}
		for _, resource := range s.Resources {
			st.Resources = append(st.Resources, resource.ResourceURI)
		}
		r.Statements = append(r.Statements, st)
	}
	return r.Blocks()
}

type roleChange struct {
	Permissions []struct {
		Action   string `json:"action"`
		Allow    bool   `json:"allow"`
		Grant    bool   `json:"grant"`
		Delegate bool   `json:"delegate"`
	} `json:"permissions"`
}

func (c *roleChange) compiled(id string) *check.Role {
	r := access.Role{ID: ident.RoleID(id)}
	for _, p := range c.Permissions {
		r.Permissions = append(r.Permissions, access.Permission(p))
	}
	return r.Compiled()
}

type groupChange struct {
	Users userRefs `json:"users"`
}

type resourceChange struct {
	Permissions []struct {
		Action string `json:"action"`
		Allow  bool   `json:"allow"`
	} `json:"permissions"`
}

func (c *resourceChange) public() bool {
	for _, p := range c.Permissions {
		if p.Action == "PUBLIC" && p.Allow {
			return true
		}
	}
	return false
}

// edit makes of a line what it does to the index. A line that cannot be understood is an error:
// leaving it out could leave a right in the copy that was taken back.
func (c *change) edit() (func(*index.Editor), error) {
	switch c.Kind {
	case "record":
		id, blocks := ident.RecordID(c.ID), []index.Block(nil)
		if c.Record != nil && !c.Deleted {
			blocks = c.Record.blocks()
		} else if !c.Deleted {
			return nil, fmt.Errorf("client: the record %s came without itself", c.ID)
		}
		return func(e *index.Editor) { e.SetRecord(id, blocks) }, nil
	case "role":
		id, role := ident.RoleID(c.ID), (*check.Role)(nil)
		if c.Role != nil && !c.Deleted {
			role = c.Role.compiled(c.ID)
		}
		return func(e *index.Editor) { e.SetRole(id, role) }, nil
	case "group":
		g := access.Group{}
		if c.Group != nil && !c.Deleted {
			g.Users = c.Group.Users.ids()
		}
		id, members := ident.GroupID(c.ID), g.Members()
		return func(e *index.Editor) { e.SetGroup(id, members) }, nil
	case "resource":
		r, err := check.ParseResource(c.ID)
		if err != nil {
			return nil, fmt.Errorf("client: the resource of a change: %w", err)
		}
		public := c.Resource != nil && c.Resource.public() && !c.Deleted
		return func(e *index.Editor) { e.SetPublic(r, public) }, nil
	}
	return nil, fmt.Errorf("client: a change of the kind %q is not known; this client is older than the server", c.Kind)
}

func decodeChange(text []byte) (*change, error) {
	c := &change{}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("%w: a line of the change feed is not what the API promises: %w", ErrUnavailable, err)
	}
	return c, nil
}

// place gathers lines into the copy: a whole new one that nobody sees before it is complete, or
// edits of the one there is that are seen together.
type place struct {
	to     *index.Index
	fresh  *index.Index // the new copy, until it is complete
	edits  []func(*index.Editor)
	cursor string
	rev    int64
}

const (
	together = 4096    // edits that are applied at once to a copy that nobody sees
	tooFar   = 100_000 // edits that are kept for one moment; beyond it a new copy is cheaper
)

func (p *place) add(edit func(*index.Editor)) (ok bool) {
	p.edits = append(p.edits, edit)
	if p.fresh != nil && len(p.edits) >= together {
		p.flush(p.fresh)
	}
	return len(p.edits) < tooFar
}

func (p *place) flush(to *index.Index) {
	if len(p.edits) == 0 {
		return
	}
	to.Update(here, func(e *index.Editor) {
		for _, edit := range p.edits {
			edit(e)
		}
	})
	clear(p.edits)
	p.edits = p.edits[:0]
	if cap(p.edits) > together {
		p.edits = nil
	}
}

// complete shows what was gathered. It tells whether it was a new copy.
func (p *place) complete() bool {
	if p.fresh == nil {
		p.flush(p.to)
		return false
	}
	p.flush(p.fresh)
	p.to.Take(p.fresh)
	p.fresh = nil
	return true
}

// again forgets what was gathered, and with restart everything else.
func (p *place) again(restart bool) {
	p.edits = nil
	if restart || p.cursor == "" {
		p.cursor, p.fresh = "", index.New()
	}
}
