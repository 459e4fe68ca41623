// Package worker owns processes that do nothing but hash passwords: children of the server, of the same binary, which
// run when nobody else wants to.
//
// Flow: the server starts one with Program.Start and hands it one task after the other with Child.Do; the child runs
// Main. They speak by frames over the child's standard input and output. A child ends when its input does, so with the
// server, however that ends. The memory of one hash is kept for the next (memory.go), and given back when none comes.
//
// Why processes: a hash keeps a processor for tens of milliseconds. Among Go's own threads whoever asks for something
// small waits for it, or for the collector of garbage, which waits for it. Between processes the system decides who
// runs, at once (docs/reference/factors.md has the figures).
//
// Never: a password, a hash or any other secret in arguments, in the environment or in what is logged; an answer taken
// for that to another task.
package worker
