package history

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Explain tells whether the user might do the action at the time, and why, or what comes closest.
//
// Who may ask: the user about themselves, a service client that may read permissions, and whoever may
// READ Authress:UserPermissions/{user}. What a caller learns besides roles and resources, which they may
// ask for anyway, is held back (Grant.Hidden): records that they neither may READ nor are an admin
// of, and groups that they may not READ. Errors: as in Check.
func (s *Service) Explain(ctx context.Context, a actor.Actor, q Question, at time.Time) (Explanation, error) {
	if err := s.d.Engine.AllowAsking(a, q.User); err != nil {
		return Explanation{}, err
	}
	ask, err := read(q)
	if err != nil {
		return Explanation{}, err
	}
	out := Explanation{Question: Question{User: q.User, Resource: ask.resource.String(), Action: ask.action.String()}}
	err = s.at(ctx, a.Account, at, func(ctx context.Context, sc *scene) error {
		out.At, out.Revision = sc.time, sc.revision
		w := &why{scene: sc, asked: &ask, question: ask.question(sc.time),
			mine: map[ident.GroupID]bool{}, lines: map[lineKey]*access.Permission{}, near: map[Miss][]found[Near]{}}
		if err := w.read(ctx); err != nil {
			return err
		}
		out.Allowed = w.allowed
		t := &teller{engine: s.d.Engine, actor: a, known: map[string]bool{}}
		if w.allowed {
			out.Because, out.More = w.because(t), w.more
			return nil
		}
		if err := w.past(ctx); err != nil {
			return err
		}
		out.Nearest = w.nearest(t)
		return nil
	})
	return out, fault.Wrap("history.Explain", err)
}

// why gathers what an answer rests on.
type why struct {
	*scene
	asked    *asked
	question *check.Question
	mine     map[ident.GroupID]bool // the user's groups
	allowed  bool
	named    bool // some record names the user or a group of theirs
	reasons  []found[Reason]
	more     bool // reasons were dropped
	lines    map[lineKey]*access.Permission
	near     map[Miss][]found[Near]
}

func (w *why) read(ctx context.Context) error {
	var failed error
	err := w.person(ctx, w.asked, func(p *part) bool {
		if len(w.mine) == 0 {
			for g := range w.groups {
				w.mine[g] = true
			}
		}
		w.allowed = p.snap.Check(string(w.asked.user), w.question) || w.allowed
		for i := range p.versions {
			w.named = true
			if failed = w.record(ctx, &p.versions[i].Record); failed != nil {
				return false
			}
		}
		return true
	})
	if err = errors.Join(err, failed); err != nil || !w.allowed {
		return err
	}
	return w.open(ctx)
}

// open adds the public resources that suffice.
func (w *why) open(ctx context.Context) error {
	public, err := w.public(ctx, &w.asked.resource)
	if err != nil || w.asked.resource.System() {
		return err
	}
	for i := range public {
		if r := &public[i]; r.Covers(&w.asked.resource) && !r.System() {
			w.suffices(Reason{
				Grant:      Grant{Resource: r.String(), Covers: Public},
				Permission: access.Permission{Action: "*", Allow: true},
			}, nil)
		}
	}
	return nil
}

// given is one grant of a record as the user has it.
type given struct {
	grant  Grant
	covers bool
	role   *check.Role // nil when it does not exist
	window check.Window
	common int // leading segments that the granted and the asked resource share
	admins []ident.UserID
}

// record looks at everything that a record gives the user.
func (w *why) record(ctx context.Context, r *access.Record) error {
	if err := w.load(ctx, r); err != nil {
		return err
	}
	w.grants(r, w.mine, func(g *given) {
		line := w.line(g.role, check.Allow)
		inForce := g.window.Covers(w.question.During)
		switch {
		case g.covers && inForce && line != nil:
			w.suffices(Reason{g.grant, *line}, g)
		case g.covers && g.role == nil:
			w.misses(Near{Why: RoleMissing}, g)
		case g.covers && line != nil && g.window.From > w.question.During.From:
			w.misses(Near{Why: NotYet}, g)
		case g.covers && line != nil:
			w.misses(Near{Why: Expired}, g)
		case !inForce || g.role == nil:
		case line != nil:
			w.misses(Near{Why: OtherResource}, g)
		case g.covers:
			if other := w.line(g.role, check.Grant|check.Delegate); other != nil {
				w.misses(Near{Why: NotAllowed, Permission: *other}, g)
			} else {
				w.misses(Near{Why: OtherAction, Actions: allowed(g.role)}, g)
			}
		}
	})
	return nil
}

// load reads the roles that the record names.
func (w *why) load(ctx context.Context, r *access.Record) error {
	for i := range r.Statements {
		for _, id := range r.Statements[i].Roles {
			if _, err := w.role(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// grants calls fn for everything that a record gives the user by name or through one of the groups.
func (w *why) grants(r *access.Record, groups map[ident.GroupID]bool, fn func(*given)) {
	for i := range r.Statements {
		s := &r.Statements[i]
		users, named := principals(r, s)
		var through []ident.GroupID
		if slices.Contains(users, w.asked.user) {
			through = append(through, "")
		}
		for _, g := range named {
			if groups[g] {
				through = append(through, g)
			}
		}
		if len(through) == 0 {
			continue
		}
		for _, text := range s.Resources {
			held, err := check.ParseResource(text)
			if err != nil {
				continue
			}
			g := given{window: s.Window(), covers: held.Covers(&w.asked.resource), admins: r.Admins}
			g.common = common(held.String(), w.asked.resource.String())
			for _, id := range s.Roles {
				g.role = w.roles[id]
				for _, group := range through {
					g.grant = Grant{
						Record: r.ID, RecordName: r.Name, Statement: i, Group: group, ViaGroup: group != "",
						Role: id, Resource: held.String(), Covers: cover(&held, w.asked, g.covers),
					}
					g.grant.StartsAt, g.grant.ExpiresAt = s.Window().Bounds()
					fn(&g)
				}
			}
		}
	}
}

// line returns the most specific line of the role that names the asked action and has one of the flags.
func (w *why) line(role *check.Role, flags check.Flag) *access.Permission {
	if role == nil {
		return nil
	}
	key := lineKey{role, flags}
	line, known := w.lines[key]
	if !known {
		line = lineOf(role, &w.asked.action, flags)
		w.lines[key] = line
	}
	return line
}

type lineKey struct {
	role  *check.Role
	flags check.Flag
}

func lineOf(role *check.Role, action *check.Action, flags check.Flag) *access.Permission {
	var best *check.Permission
	for i := range role.Permissions {
		p := &role.Permissions[i]
		if p.Flags&flags != 0 && p.Action.Covers(action) && (best == nil || len(p.Action.String()) > len(best.Action.String())) {
			best = p
		}
	}
	if best == nil {
		return nil
	}
	return &access.Permission{Action: best.Action.String(), Allow: best.Flags&check.Allow != 0,
		Grant: best.Flags&check.Grant != 0, Delegate: best.Flags&check.Delegate != 0}
}

// allowed returns some actions that the role allows.
func allowed(role *check.Role) (out []string) {
	for i := range role.Permissions {
		if p := &role.Permissions[i]; p.Flags&check.Allow != 0 && len(out) < MaxNear {
			out = append(out, p.Action.String())
		}
	}
	return out
}

func cover(held *check.Resource, q *asked, covers bool) Cover {
	text := held.String()
	switch {
	case !covers:
		return Elsewhere
	case text == q.resource.String():
		return Itself
	case text == "*":
		return Everything
	case held.Pattern():
		return Wildcard
	}
	return Parent
}

// common counts the leading segments that two resources share.
func common(a, b string) (n int) {
	for a != "" && b != "" {
		x, restA, _ := strings.Cut(a, "/")
		y, restB, _ := strings.Cut(b, "/")
		if x != y {
			break
		}
		n, a, b = n+1, restA, restB
	}
	return n
}

var coverOrder = []Cover{Itself, Parent, Wildcard, Everything, Public, Elsewhere}

// compare puts the more specific grant first.
func (g *Grant) compare(o *Grant) int {
	specific := func(c Cover) int { return slices.Index(coverOrder, c) }
	general := func(c Cover) int { return max(specific(c), specific(Wildcard)) }
	if g.Covers != Itself && o.Covers != Itself {
		// Above it: the nearer the more specific, whether it holds stars or not.
		if c := cmp.Compare(general(g.Covers), general(o.Covers)); c != 0 {
			return c
		}
		if c := cmp.Compare(strings.Count(o.Resource, "/"), strings.Count(g.Resource, "/")); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(specific(g.Covers), specific(o.Covers)), strings.Compare(string(g.Record), string(o.Record)),
		cmp.Compare(g.Statement, o.Statement), strings.Compare(string(g.Role), string(o.Role)),
		strings.Compare(g.Resource, o.Resource), strings.Compare(string(g.Group), string(o.Group)))
}
