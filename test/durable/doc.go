// Package durable owns the proof that answers hold: the process, its database and the connection
// between them are killed in the middle of their work, again and again. Everything that had been
// answered must still be there, and what clients saw must be the history of one register.
package durable
