// Package party owns who an OAuth client is, and the proof of it.
//
// Owns: the resolution of a client_id (an application, an extension, a service client, a metadata
// document), client authentication in exactly the one registered method (RFC 6749 section 2.3,
// RFC 7523, RFC 8705, and workload identity), the keys that clients have registered.
//
// Flow: Authenticate reads which method was used, finds the client, holds guesses back, and lets
// the method's own file judge the proof. Nothing is compared before the method is the registered one.
//
// Entry points: party.go (Client, Authenticate), key.go (keys for request objects and encryption).
//
// Never: two methods at once, a method that is not the client's own, a key or an address that an
// assertion brings along, an assertion twice.
package party
