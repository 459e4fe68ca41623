// Package factor owns the proofs of identity, one sub-package each. Itself it holds the words they share.
package factor
