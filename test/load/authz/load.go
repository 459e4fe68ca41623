package authz

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/admit-id/admit/client"
	"github.com/admit-id/admit/test/load/org"
	"github.com/admit-id/admit/test/load/rig"
	"github.com/admit-id/admit/test/load/wire"
)

// Limits of one record and one group.
const (
	statementResources = 100
	recordStatements   = 100
	groupUsers         = 100
)

// writer makes requests that write, in the name of a service client.
type writer struct{ host, token string }

func (w writer) send(method, path string, body any, status int) rig.Request {
	text := ""
	if body != nil {
		b, _ := json.Marshal(body) // plain values always encode
		text = string(b)
	}
	return rig.Request{Bytes: wire.Request(method, w.host, path, text, "Content-Type: application/json", "Authorization: Bearer "+w.token), Status: status}
}

// sendAll sends every request once, over 16 connections.
func sendAll(ctx context.Context, a *rig.Admit, requests []rig.Request) error {
	if len(requests) == 0 {
		return nil
	}
	l := rig.Wire(a.Address, requests, 16)
	l.Once = true
	return l.Run(ctx, 0)
}

// load brings an organisation into Admit through its public interface: roles, then groups, then
// one record or more for everybody who has something.
func load(ctx context.Context, a *rig.Admit, token string, o *org.Org) error {
	w := writer{a.Host, token}
	if err := sendAll(ctx, a, w.roles()); err != nil {
		return err
	}
	if err := sendAll(ctx, a, w.groups(o)); err != nil {
		return err
	}
	return sendAll(ctx, a, w.records(o))
}

// created is the status of an answer to POST for a caller that is no browser.
const created = 201

func (w writer) roles() (out []rig.Request) {
	for _, role := range org.Roles {
		var permissions []map[string]any
		for _, action := range org.Actions[role] {
			permissions = append(permissions, map[string]any{"action": action, "allow": true, "grant": false, "delegate": false})
		}
		out = append(out, w.send("POST", "/v1/roles", map[string]any{"roleId": role, "name": role, "permissions": permissions}, created))
	}
	return out
}

// part names the pieces of a group that is larger than Admit's groups may be.
func part(group string, n int) string { return fmt.Sprintf("grp_%s_%d", group, n) }

func (w writer) groups(o *org.Org) (out []rig.Request) {
	members := map[string][]client.UserRef{}
	var order []string
	for _, m := range o.Members {
		if members[m.Group] == nil {
			order = append(order, m.Group)
		}
		members[m.Group] = append(members[m.Group], client.UserRef{UserID: m.User})
	}
	for _, g := range order {
		for n := 0; n*groupUsers < len(members[g]); n++ {
			users := members[g][n*groupUsers : min((n+1)*groupUsers, len(members[g]))]
			out = append(out, w.send("POST", "/v1/groups", map[string]any{"groupId": part(g, n), "name": g, "users": users}, created))
		}
	}
	return out
}

// records gives each user and group what the organisation gives them, a statement for a role.
func (w writer) records(o *org.Org) (out []rig.Request) {
	type holder struct{ user, group string }
	given := map[holder]map[string][]client.ResourceRef{}
	var order []holder
	for _, g := range o.Grants {
		h := holder{g.User, g.Group}
		if given[h] == nil {
			given[h] = map[string][]client.ResourceRef{}
			order = append(order, h)
		}
		given[h][g.Role] = append(given[h][g.Role], client.ResourceRef{ResourceURI: g.Resource})
	}
	parts := map[string]int{}
	for _, m := range o.Members {
		parts[m.Group]++
	}
	for n, h := range order {
		record := client.Record{ID: fmt.Sprintf("org-%d", n), Name: "Organisation"}
		if h.user != "" {
			record.Users = []client.UserRef{{UserID: h.user}}
		}
		for i := range (parts[h.group] + groupUsers - 1) / groupUsers {
			record.Groups = append(record.Groups, client.GroupRef{GroupID: part(h.group, i)})
		}
		for _, role := range org.Roles {
			for list := given[h][role]; len(list) > 0; {
				k := min(len(list), statementResources)
				record.Statements = append(record.Statements, client.Statement{Roles: []string{role}, Resources: list[:k]})
				list = list[k:]
			}
		}
		if len(record.Users)+len(record.Groups) > 0 {
			out = append(out, w.send("POST", "/v1/records", record, created))
		}
	}
	return out
}

// bulk are records that together give n grants, many in each record: the quickest way to a
// large installation.
func (w writer) bulk(n int) (out []rig.Request) {
	for from := 0; from < n; {
		record := client.Record{ID: fmt.Sprintf("bulk-%d", from), Name: "Bulk", Users: []client.UserRef{{UserID: fmt.Sprintf("u%d", from)}}}
		for len(record.Statements) < recordStatements/10 && from < n {
			s := client.Statement{Roles: []string{org.Viewer}}
			for len(s.Resources) < statementResources && from < n {
				s.Resources = append(s.Resources, client.ResourceRef{ResourceURI: org.Doc(from/1000, from/50%20, from%50)})
				from++
			}
			record.Statements = append(record.Statements, s)
		}
		out = append(out, w.send("POST", "/v1/records", record, created))
	}
	return out
}

// pause is a wait that an interruption ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
