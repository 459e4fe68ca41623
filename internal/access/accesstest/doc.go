// Package accesstest owns how the access engine and its stores are tested: the truth as
// data (truth/*.yaml), an oracle that answers the same questions in the most naive way, and
// RunStore, the suite that every store must pass.
package accesstest
