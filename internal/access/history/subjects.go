package history

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// MaxPage is the largest page of subjects and of users of a resource.
const MaxPage = 1000

// allowListing judges who may ask who has access to a resource: who may READ
// Authress:ResourcePermissions/{resource}, where what stands above the resource counts as ever.
func (s *Service) allowListing(a actor.Actor, r *check.Resource) error {
	return s.d.Engine.Allow(a, "READ", "Authress:ResourcePermissions/"+r.String())
}

// Subjects lists everybody who may do the action to the resource at the time, effectively: by
// name or through a group, on the resource or above it. Where the resource holds stars, those who may do it
// to all that it names. Only After and Limit of the page count; After is a user id.
//
// A page reads every record that bears on the resource once. It keeps no more than itself.
//
// Errors: as in Check; Forbidden for who may not READ Authress:ResourcePermissions/{resource}.
func (s *Service) Subjects(ctx context.Context, a actor.Actor, resource, action string, at time.Time, page access.Page) (Subjects, error) {
	q, err := read(Question{Resource: resource, Action: action})
	if err != nil {
		return Subjects{}, err
	}
	if err := s.allowListing(a, &q.resource); err != nil {
		return Subjects{}, err
	}
	var out Subjects
	err = s.at(ctx, a.Account, at, func(ctx context.Context, sc *scene) error {
		out.At, out.Revision = sc.time, sc.revision
		public, err := sc.public(ctx, &q.resource)
		if err != nil {
			return err
		}
		open, err := sc.index(ctx, nil, &q.resource, public)
		if err != nil {
			return err
		}
		question := q.question(sc.time)
		out.Everyone = open.Public(question)
		first := newSmallest(page)
		err = sc.covering(ctx, &q.resource, func(candidates []string, snap *index.Snapshot) {
			for _, user := range candidates {
				if first.wants(user) && snap.Check(user, question) {
					first.add(user)
				}
			}
		})
		var users []string
		users, out.More = first.page()
		for _, user := range users {
			out.Subjects = append(out.Subjects, Subject{ident.UserID(user)})
		}
		return err
	})
	return out, fault.Wrap("history.Subjects", err)
}

// ResourceUsers lists the users, in order of their ids, who were given roles on exactly this
// resource, by name or through a group, with these roles; more says whether others follow. What lies above or
// below, what is public and roles that do not exist do not count. Errors: as in Subjects.
func (s *Service) ResourceUsers(ctx context.Context, a actor.Actor, resource string, page access.Page) (out []ResourceUser, more bool, err error) {
	r, err := check.ParseResource(resource)
	if err != nil {
		return nil, false, err
	}
	if err := s.allowListing(a, &r); err != nil {
		return nil, false, err
	}
	err = s.at(ctx, a.Account, time.Time{}, func(ctx context.Context, sc *scene) error {
		var q check.Question
		q.AskAbout(&r)
		q.During = check.At(sc.time)
		first, roles := newSmallest(page), map[string][]ident.RoleID{}
		err := sc.covering(ctx, &r, func(candidates []string, snap *index.Snapshot) {
			for _, user := range candidates {
				if !first.wants(user) {
					continue
				}
				snap.Covering(user, &q, func(h check.Held, role *check.Role) bool {
					if h.Text() == r.String() {
						first.add(user)
						roles[user] = append(roles[user], ident.RoleID(role.ID))
					}
					return true
				})
			}
		})
		var users []string
		users, more = first.page()
		for _, user := range users {
			slices.Sort(roles[user])
			out = append(out, ResourceUser{ident.UserID(user), slices.Compact(roles[user])})
		}
		return err
	})
	return out, more, fault.Wrap("history.ResourceUsers", err)
}

// covering reads the records that give something on the resource or above it, batch by batch, and
// calls fn with everybody to whom they give it and the index of what they give.
func (sc *scene) covering(ctx context.Context, r *check.Resource, fn func([]string, *index.Snapshot)) error {
	return sc.each(ctx, coveringTerms(r), func(versions []Version) (bool, error) {
		clear(sc.groups)
		seen := map[string]struct{}{}
		for i := range versions {
			record := covering(&versions[i].Record, r)
			for k := range record.Statements {
				users, groups := principals(&record, &record.Statements[k])
				for _, u := range users {
					seen[string(u)] = struct{}{}
				}
				for _, g := range groups {
					members, err := sc.members(ctx, g)
					if err != nil {
						return false, err
					}
					sc.groups[g] = members
					for _, m := range members {
						seen[m] = struct{}{}
					}
				}
			}
		}
		snap, err := sc.index(ctx, versions, r, nil)
		if err != nil {
			return false, err
		}
		candidates := make([]string, 0, len(seen))
		for user := range seen {
			candidates = append(candidates, user)
		}
		fn(candidates, snap)
		return true, nil
	})
}

// smallest keeps the users of a page and one more, each once, in order.
type smallest struct {
	after string
	limit int
	users []string
}

func newSmallest(p access.Page) *smallest {
	limit := p.Limit
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	return &smallest{after: p.After, limit: limit + 1}
}

func (s *smallest) wants(user string) bool {
	return strings.Compare(user, s.after) > 0 && (len(s.users) < s.limit || user <= s.users[s.limit-1])
}

func (s *smallest) add(user string) {
	at, found := slices.BinarySearch(s.users, user)
	if found {
		return
	}
	s.users = slices.Insert(s.users, at, user)
	if len(s.users) > s.limit {
		s.users = s.users[:s.limit]
	}
}

// page returns the users of the page and whether others follow.
func (s *smallest) page() ([]string, bool) {
	if len(s.users) == s.limit {
		return s.users[:s.limit-1], true
	}
	return s.users, false
}
