// Package factor owns the proofs of identity, one sub-package each. It holds nothing itself.
package factor
