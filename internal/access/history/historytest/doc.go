// Package historytest owns the suite that every store of versions must pass.
package historytest
