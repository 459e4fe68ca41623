package access

import "slices"

// Builtins returns the roles that exist in every account and cannot be changed.
func Builtins() []Role {
	out := slices.Clone(builtins)
	for i := range out {
		out[i].Permissions = slices.Clone(out[i].Permissions)
	}
	return out
}
