// Package fact owns what access records, roles and groups are: their types, their limits, and what
// they say in the form that the index and the check read. It is pure.
package fact
