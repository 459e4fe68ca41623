package app

import (
	"context"
	"time"

	"github.com/admit-id/admit/internal/access/history"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Explanation is why somebody may do something, or why not.
type Explanation = history.Explanation

// Why tells whether a user of the chosen account may do the action to the resource, and why. A zero
// time is now.
func (a *App) Why(ctx context.Context, user, action, resource string, at time.Time) (Explanation, error) {
	q := history.Question{User: ident.UserID(user), Action: action, Resource: resource}
	return a.f.history.Explain(ctx, a.operator(), q, at)
}

// ExplanationJSON is the explanation with the members that GET .../explanation answers.
func ExplanationJSON(e Explanation) any {
	type grant struct {
		Record    ident.RecordID  `json:"recordId,omitempty"`
		Name      string          `json:"recordName,omitempty"`
		Statement int             `json:"statement"`
		Group     ident.GroupID   `json:"groupId,omitempty"`
		ViaGroup  bool            `json:"viaGroup"`
		Role      ident.RoleID    `json:"roleId,omitempty"`
		Resource  string          `json:"resourceUri,omitempty"`
		Covers    history.Cover   `json:"covers,omitempty"`
		StartsAt  time.Time       `json:"startsAt,omitzero"`
		ExpiresAt time.Time       `json:"expiresAt,omitzero"`
		Permits   *permissionJSON `json:"permission,omitempty"`
		Why       history.Miss    `json:"why,omitempty"`
		Actions   []string        `json:"actions,omitempty"`
		Since     time.Time       `json:"since,omitzero"`
	}
	plain := func(g *history.Grant) grant {
		return grant{Record: g.Record, Name: g.RecordName, Statement: g.Statement, Group: g.Group, ViaGroup: g.ViaGroup, Role: g.Role,
			Resource: g.Resource, Covers: g.Covers, StartsAt: g.StartsAt, ExpiresAt: g.ExpiresAt}
	}
	out := struct {
		User     ident.UserID `json:"userId"`
		Resource string       `json:"resourceUri"`
		Action   string       `json:"permission"`
		Allowed  bool         `json:"allowed"`
		Because  []grant      `json:"because"`
		More     bool         `json:"more"`
		Nearest  []grant      `json:"nearest"`
		At       time.Time    `json:"at"`
		Revision int64        `json:"revision"`
	}{e.Question.User, e.Question.Resource, e.Question.Action, e.Allowed, []grant{}, e.More, []grant{}, e.At.UTC(), e.Revision}
	for i := range e.Because {
		g, p := plain(&e.Because[i].Grant), permissionJSON(e.Because[i].Permission)
		g.Permits = &p
		out.Because = append(out.Because, g)
	}
	for i := range e.Nearest {
		n := &e.Nearest[i]
		g := plain(&n.Grant)
		g.Why, g.Actions, g.Since = n.Why, n.Actions, n.Since
		if p := permissionJSON(n.Permission); p.Action != "" {
			g.Permits = &p
		}
		out.Nearest = append(out.Nearest, g)
	}
	return out
}

type permissionJSON struct {
	Action   string `json:"action"`
	Allow    bool   `json:"allow"`
	Grant    bool   `json:"grant"`
	Delegate bool   `json:"delegate"`
}
