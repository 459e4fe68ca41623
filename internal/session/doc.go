// Package session owns browser sessions: the proof that a person signed in with this
// browser, kept as evidence, behind a cookie that is computed and not kept.
//
// Flow: Start after each authentication step (a new cookie and a new id; the old cookie
// dies), Resume for each use, Renew for silent renewal (the cookie rotates, and an old one that comes
// after its successor was in use ends the session), End at logout. Revocations tells in memory, on every node,
// which sessions and people have been ended while tokens of theirs may still live.
//
// Entry points: service.go, rotation.go, end.go, list.go, aside.go (the verbs), revocations.go.
//
// Never: HTTP cookies themselves, tokens, pages.
package session
