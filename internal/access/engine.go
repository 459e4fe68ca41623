package access

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/admit-id/admit/internal/access/check"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/access/listing"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
)

// Clients knows what service clients were given besides records.
type Clients interface {
	// MayReadPermissions tells whether the client has the option grantUserPermissionsAccess.
	// It is false for clients that do not exist.
	MayReadPermissions(ident.AccountID, ident.ServiceClientID) bool
}

// Engine answers questions from memory. It is safe for concurrent use.
type Engine struct {
	index   *index.Index
	fresh   func() bool
	clients Clients
	clock   clock.Clock
	orders  *index.Orders
	applied atomic.Int64 // revision of the feed that the index has, at least
	memory  memory
	asked   answers
}

// NewEngine returns an engine that knows nothing yet. Fresh tells whether what it is fed is
// recent enough to decide by; when it says no, the engine answers with Unavailable faults. The
// clock is the deployment's corrected one: grants that are bound in time begin and end by it.
func NewEngine(fresh func() bool, clients Clients, c clock.Clock) *Engine {
	x := NewIndex()
	return &Engine{index: x, fresh: fresh, clients: clients, clock: c, orders: index.NewOrders(listing.FewGrants),
		memory: memory{budget: DefaultMemory, Summoner: index.NewSummoner(x)}}
}

// now is the second that a question without another time is about.
func (e *Engine) now() check.Window { return check.At(e.clock.Now()) }

// NewIndex returns an empty index that knows the built-in roles. It is what the Engine keeps, and
// what builds a small one from a few records of any moment (Record.Blocks, Role.Compiled,
// Group.Members) to ask the same questions of it.
func NewIndex() *index.Index {
	builtins := Builtins()
	roles := make([]*check.Role, len(builtins))
	for i := range builtins {
		roles[i] = builtins[i].Compiled()
	}
	return index.New(roles...)
}

var errStale = fault.New(fault.Unavailable, fault.CodeUnavailable,
	"This node has not heard from its database and does not guess. Try again in a moment.")

// Check tells whether the user, or service client, may do the action to the resource. Both
// may hold stars; then it tells whether the user may do all that they name.
// Errors: Invalid for a resource or action that has no canonical form, Unavailable.
func (e *Engine) Check(account ident.AccountID, user ident.UserID, resource, action string) (bool, error) {
	return e.ask(account, user, resource, action, check.Allow)
}

func (e *Engine) ask(account ident.AccountID, user ident.UserID, resource, action string, f check.Flag) (bool, error) {
	r, err := check.ParseResource(resource)
	if err != nil {
		return false, err
	}
	a, err := check.ParseAction(action)
	if err != nil {
		return false, err
	}
	if !e.fresh() {
		return false, errStale
	}
	var q check.Question
	q.Ask(&r, &a, f)
	q.During = e.now()
	snap, err := e.at(account, user)
	if err != nil {
		return false, err
	}
	return snap.Check(string(user), &q), nil
}

// Permissions returns what the user may do to the resource, from grants on it and above it,
// through records and groups, and because it is public: one line per action, in alphabetical
// order. It is empty when there is nothing.
func (e *Engine) Permissions(account ident.AccountID, user ident.UserID, resource string) ([]Permission, error) {
	r, err := check.ParseResource(resource)
	if err != nil {
		return nil, err
	}
	if !e.fresh() {
		return nil, errStale
	}
	var q check.Question
	q.AskAbout(&r)
	q.During = e.now()
	flags := map[string]check.Flag{}
	snap, err := e.at(account, user)
	if err != nil {
		return nil, err
	}
	snap.Covering(string(user), &q, func(_ check.Held, role *check.Role) bool {
		for i := range role.Permissions {
			p := &role.Permissions[i]
			flags[p.Action.String()] |= p.Flags
		}
		return true
	})
	if snap.PublicAt(&q) {
		flags["*"] |= check.Allow
	}
	out := make([]Permission, 0, len(flags))
	for action, f := range flags {
		out = append(out, Permission{Action: action,
			Allow: f&check.Allow != 0, Grant: f&check.Grant != 0, Delegate: f&check.Delegate != 0})
	}
	slices.SortFunc(out, func(a, b Permission) int { return strings.Compare(a.Action, b.Action) })
	return out, nil
}

// Roles returns the roles that the user was given on exactly this resource, not above it,
// each once, in alphabetical order. What is public is nobody's role.
func (e *Engine) Roles(account ident.AccountID, user ident.UserID, resource string) ([]ident.RoleID, error) {
	r, err := check.ParseResource(resource)
	if err != nil {
		return nil, err
	}
	if !e.fresh() {
		return nil, errStale
	}
	var q check.Question
	q.AskAbout(&r)
	q.During = e.now()
	var out []ident.RoleID
	snap, err := e.at(account, user)
	if err != nil {
		return nil, err
	}
	snap.Covering(string(user), &q, func(h check.Held, role *check.Role) bool {
		if h.Text() == r.String() {
			out = append(out, ident.RoleID(role.ID))
		}
		return true
	})
	slices.Sort(out)
	return slices.Compact(out), nil
}

var (
	errAnonymous = fault.New(fault.Unauthenticated, fault.CodeUnauthenticated, "Sign in, or send a valid token.")
	errForbidden = fault.New(fault.Forbidden, fault.CodeForbidden, "You do not have the permission that this needs.")
)

// System names a thing of Admit itself for Allow: System("AccessRecords", "rec_1"). Use it
// wherever an id may hold a slash or another byte that a resource cannot.
func System(kind string, ids ...string) string {
	r := check.SystemResource(kind, ids...)
	return r.String()
}

// Allow judges a caller of Admit's own API: may the actor do the action to the resource
// Authress:Kind/id? The operator and Admit itself may do everything in any account that they act in;
// everybody else needs a record that says so. It returns nil, or a fault of kind Forbidden,
// Unauthenticated or Unavailable. A resource in the account of the actor is meant, always.
func (e *Engine) Allow(a actor.Actor, action, resource string) error {
	switch a.Kind {
	case actor.System, actor.Operator:
		return nil
	case actor.User, actor.ServiceClient:
	default:
		return errAnonymous
	}
	kind, rest, found := strings.Cut(strings.TrimPrefix(resource, "Authress:"), "/")
	var ids []string
	if found {
		ids = strings.Split(rest, "/")
	}
	r := check.SystemResource(kind, ids...)
	act, err := check.ParseAction(action)
	if err != nil {
		return fault.Wrap("access.Allow", err)
	}
	if !e.fresh() {
		return errStale
	}
	var q check.Question
	q.Ask(&r, &act, check.Allow)
	q.During = e.now()
	snap, err := e.at(a.Account, ident.UserID(a.ID))
	if err != nil {
		return err
	}
	if !snap.Check(a.ID, &q) {
		return errForbidden
	}
	return nil
}

// Size counts the people and grants in memory of one account, for metrics.
func (e *Engine) Size(account ident.AccountID) (people, grants int) {
	return e.index.At(account).Size()
}
