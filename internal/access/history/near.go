package history

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/ident"
)

const (
	lately  = 30 * 24 * time.Hour // how far back an explanation looks for what was taken away
	perMiss = 4                   // of one kind, so that all kinds find room
	maxPast = 100                 // ended versions, and groups that were left, that are looked at
)

// misses is the order of nearness.
var misses = []Miss{NotYet, Expired, Revoked, LeftGroup, RoleMissing, NotAllowed, OtherAction, OtherResource, Unknown, Nothing}

// found is a reason or a miss, with what decides who may be told where it stands.
type found[T any] struct {
	what   T
	grant  Grant
	admins []ident.UserID
	common int
}

// keep puts one more into a sorted list of bounded length, and tells whether one was dropped.
func keep[T any](list []found[T], one found[T], limit int) ([]found[T], bool) {
	at, _ := slices.BinarySearchFunc(list, one, func(a, b found[T]) int {
		if a.grant.Covers == Elsewhere && b.grant.Covers == Elsewhere && a.common != b.common {
			return cmp.Compare(b.common, a.common)
		}
		return a.grant.compare(&b.grant)
	})
	if at >= limit {
		return list, true
	}
	list = slices.Insert(list, at, one)
	if len(list) > limit {
		return list[:limit], true
	}
	return list, false
}

func (w *why) suffices(r Reason, g *given) {
	one := found[Reason]{what: r, grant: r.Grant}
	if g != nil {
		one.admins = g.admins
	}
	var dropped bool
	w.reasons, dropped = keep(w.reasons, one, MaxReasons)
	w.more = w.more || dropped
}

func (w *why) misses(n Near, g *given) {
	n.Grant = g.grant
	w.near[n.Why], _ = keep(w.near[n.Why], found[Near]{what: n, grant: g.grant, admins: g.admins, common: g.common}, perMiss)
}

// past looks for what was taken away lately and would suffice.
func (w *why) past(ctx context.Context) error {
	window := Window{From: w.time.Add(-lately).UnixMicro(), To: min(w.at, InForce-1), Limit: maxPast}
	if err := w.revoked(ctx, window); err != nil {
		return err
	}
	if err := w.left(ctx, window); err != nil {
		return err
	}
	switch {
	case len(w.near) > 0:
	case w.named:
		w.near[Nothing] = []found[Near]{{what: Near{Why: Nothing}}}
	default:
		w.near[Unknown] = []found[Near]{{what: Near{Why: Unknown}}}
	}
	return nil
}

func (w *why) revoked(ctx context.Context, window Window) error {
	terms := []string{UserTerm(w.asked.user)}
	for g := range w.mine {
		terms = append(terms, GroupTerm(g))
	}
	ended, err := w.store.Ended(ctx, w.tx, w.account, terms, window)
	if err != nil {
		return err
	}
	told := map[ident.RecordID]bool{}
	for i := range ended {
		r := &ended[i].Record
		if told[r.ID] {
			continue // a later version of it gave the same
		}
		err := w.sufficed(ctx, r, w.mine, func(g *given) {
			told[r.ID] = true
			w.misses(Near{Why: Revoked, Since: moment(ended[i].Until)}, g)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *why) left(ctx context.Context, window Window) error {
	left, err := w.store.Left(ctx, w.tx, w.account, w.asked.user, window)
	if err != nil {
		return err
	}
	told := map[ident.GroupID]bool{}
	for _, l := range left {
		if w.mine[l.Group] || told[l.Group] {
			continue
		}
		told[l.Group] = true
		if err := w.lost(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// lost looks for what the group gave when the user left and still gives. What it was given since is
// nothing that the user ever had, and not theirs to hear of.
func (w *why) lost(ctx context.Context, l Left) error {
	group := map[ident.GroupID]bool{l.Group: true}
	still := map[ident.RecordID]bool{}
	for _, at := range []Moment{w.at, l.At - 1} {
		versions, err := w.store.Records(ctx, w.tx, w.account, Range{Terms: []string{GroupTerm(l.Group)}, At: at, Limit: maxPast})
		if err != nil {
			return err
		}
		for i := range versions {
			r := &versions[i].Record
			err := w.sufficed(ctx, r, group, func(g *given) {
				switch {
				case !g.grant.ViaGroup:
				case at == w.at:
					still[r.ID] = true
				case still[r.ID]:
					w.misses(Near{Why: LeftGroup, Since: moment(l.At)}, g)
				}
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// sufficed calls fn for every grant of the record that would suffice for a member of the groups.
func (w *why) sufficed(ctx context.Context, r *access.Record, groups map[ident.GroupID]bool, fn func(*given)) error {
	if err := w.load(ctx, r); err != nil {
		return err
	}
	w.grants(r, groups, func(g *given) {
		if g.covers && g.window.Covers(w.question.During) && w.line(g.role, check.Allow) != nil {
			fn(g)
		}
	})
	return nil
}

func moment(micros Moment) time.Time { return time.UnixMicro(micros).UTC() }

// teller knows what of a grant the caller may be told.
type teller struct {
	engine *access.Engine
	actor  actor.Actor
	known  map[string]bool
}

func (t *teller) may(kind, id string) bool {
	resource := access.System(kind, id)
	yes, known := t.known[resource]
	if !known {
		yes = t.engine.Allow(t.actor, "READ", resource) == nil
		t.known[resource] = yes
	}
	return yes
}

// tell takes away what the caller may not be told.
func (t *teller) tell(g Grant, admins []ident.UserID) Grant {
	isAdmin := t.actor.ID != "" && slices.Contains(admins, ident.UserID(t.actor.ID))
	if g.Record != "" && !isAdmin && !t.may("AccessRecords", string(g.Record)) {
		g.Record, g.RecordName, g.Statement, g.Hidden = "", "", 0, true
	}
	if g.Group != "" && !t.may("Groups", string(g.Group)) {
		g.Group, g.Hidden = "", true
	}
	return g
}

func (w *why) because(t *teller) []Reason {
	out := make([]Reason, 0, len(w.reasons))
	for _, r := range w.reasons {
		r.what.Grant = t.tell(r.grant, r.admins)
		out = append(out, r.what)
	}
	return slices.Compact(out) // what is hidden may look the same
}

func (w *why) nearest(t *teller) []Near {
	var out []Near
	for _, why := range misses {
		for _, n := range w.near[why] {
			n.what.Grant = t.tell(n.grant, n.admins)
			if len(out) < MaxNear {
				out = append(out, n.what)
			}
		}
	}
	return slices.CompactFunc(out, func(a, b Near) bool { return a.Grant == b.Grant && a.Why == b.Why })
}
