// Package logout owns the end of a session as it is told to the clients that took part in it
// (OpenID Connect RP-Initiated, Front-Channel and Back-Channel Logout 1.0).
//
// Flow: Join notes, when an ID token is issued, which client takes part in which session. However a
// session ends, its event turns the clients' rows into deliveries, in the same unit of work; package
// deliver sends them. Plan judges a client's wish to sign out, and End does it.
//
// Entry points: request.go (a client's wish), party.go (who takes part, what an end means for them),
// everywhere.go (the end of everything of a person, a client, an account).
//
// Never: a redirect to an address that is not byte for byte registered, the end of a session by a
// GET that does not prove to be about that very session.
package logout
