// Package durable owns the proof that an answered write survives: the process is killed in
// the middle of its work, again and again, and everything it had answered must still be there.
package durable
