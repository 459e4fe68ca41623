// Package password owns passwords: what they must be like, how they are kept and compared, and how those
// of other systems come in.
//
// Flow: Prepare judges and hashes a new one, outside of any unit of work; Put keeps it in the caller's.
// Verify counts the attempt, compares in a bounded number of processes, and hashes anew what came in with
// another algorithm or weaker parameters. It does the same work for people who are not there (I-23).
//
// Entry points: Service; hashes (the formats), Policy (what a password must be like), Pool (where
// they are hashed), worker (the processes).
//
// Never: hashing inside a unit of work, and whether passwords are in use at all: that is the connection.
package password
