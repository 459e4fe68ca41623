package check

// Flag says which side of a permission a question is about.
type Flag uint8

// The flags. Allow: may do it. Grant: may give others roles that allow it. Delegate: may
// give others roles that hold grant or delegate.
const (
	Allow Flag = 1 << iota
	Grant
	Delegate
)

// Permission is one line of a role.
type Permission struct {
	Action Action
	Flags  Flag
}

// Role is a named set of permissions, ready to be asked. It does not change; a new version is a new Role.
type Role struct {
	ID          string
	Permissions []Permission
	hashes      []uint64 // of each action's plain beginning
}

// NewRole prepares a role.
func NewRole(id string, permissions []Permission) *Role {
	r := &Role{ID: id, Permissions: permissions, hashes: make([]uint64, len(permissions))}
	for i := range permissions {
		p := &permissions[i].Action.path
		r.hashes[i] = hashOf(p.prefix(int(p.plain)))
	}
	return r
}

// permits tells whether the role answers the question about the action.
func (r *Role) permits(q *Question) bool {
	for i := range r.Permissions {
		p := &r.Permissions[i]
		plain := p.Action.path.plain
		if p.Flags&q.Flag != q.Flag || plain > q.Action.path.plain || r.hashes[i] != q.actionHash[plain] {
			continue
		}
		if p.Action.path.covers(&q.Action.path) {
			return true
		}
	}
	return false
}

// Gives tells whether the role has any permission with one of the flags.
func (r *Role) Gives(flags Flag) bool {
	for i := range r.Permissions {
		if r.Permissions[i].Flags&flags != 0 {
			return true
		}
	}
	return false
}

// Roles finds a role by the number that grants refer to it by. A number without a role
// (deleted, not yet created) holds nil.
type Roles []*Role

func (rs Roles) at(n uint32) *Role {
	if int(n) >= len(rs) {
		return nil
	}
	return rs[n]
}

// At returns the role with the number, or nil.
func (rs Roles) At(n uint32) *Role { return rs.at(n) }
