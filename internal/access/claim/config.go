package claim

import (
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/kit/fault"
)

// What a configuration can say about a resource.
const (
	Public = "PUBLIC" // everybody may do everything to it and to what is below it
	Claim  = "CLAIM"  // what is directly below it may be claimed once
)

const maxPermissions = 100

// Permission switches one of them.
type Permission struct {
	Action string
	Allow  bool
}

// Config is the configuration of a resource.
type Config struct {
	Resource    string // in canonical form
	Permissions []Permission
	LastUpdated time.Time
}

// Effective is the configuration as the engine needs it.
func (c *Config) Effective() access.ResourceConfig {
	return access.ResourceConfig{Resource: c.Resource, Public: c.allows(Public), Claim: c.allows(Claim)}
}

func (c *Config) allows(action string) bool {
	for _, p := range c.Permissions {
		if p.Action == action && p.Allow {
			return true
		}
	}
	return false
}

// prepare brings the configuration into canonical form and returns the resource.
func (c *Config) prepare() (check.Resource, error) {
	r, err := configurable(c.Resource)
	if err != nil {
		return r, err
	}
	c.Resource = r.String()
	if len(c.Permissions) == 0 || len(c.Permissions) > maxPermissions {
		return r, invalid("permissions has 1 to 100 entries.")
	}
	var out []Permission
	said := map[string]bool{}
	for _, p := range c.Permissions {
		p.Action = strings.ToUpper(p.Action)
		before, twice := said[p.Action]
		switch {
		case p.Action != Public && p.Action != Claim:
			return r, invalid("The action of a permission is PUBLIC or CLAIM.")
		case twice && before != p.Allow:
			return r, invalid("The permissions say two things about one action.")
		case p.Action == Claim && p.Allow && r.Pattern():
			return r, invalid("CLAIM is for one collection; a pattern names many.")
		case !twice:
			said[p.Action] = p.Allow
			out = append(out, p)
		}
	}
	c.Permissions = out
	return r, nil
}

// configurable reads a resource that can have a configuration.
func configurable(text string) (check.Resource, error) {
	r, err := check.ParseResource(text)
	if err != nil {
		return r, err
	}
	if r.System() || reserved(&r) {
		return r, invalid("Admit's own resources, and patterns that could name them, are never public and never claimed.")
	}
	return r, nil
}

// reserved tells whether the resource looks like one of Admit's own to a person: no case of the
// letters makes a difference here, although resources are case-sensitive.
func reserved(r *check.Resource) bool {
	namespace, _, _ := strings.Cut(r.First(), ":")
	return strings.EqualFold(namespace, "authress")
}

func invalid(why string) error { return fault.New(fault.Invalid, fault.CodeInvalidRequest, why) }
