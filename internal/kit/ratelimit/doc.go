// Package ratelimit owns how often something may happen. Both limiters are GCRA: they
// keep one time per key, the theoretical arrival time, and no counters.
//
// Store is shared by all nodes and takes part in the caller's unit of work: for limits on
// an e-mail address or a person. Limiter lives in one process: for limits per network, where
// a database round trip per request would itself be the attack.
package ratelimit
