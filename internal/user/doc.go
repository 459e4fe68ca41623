// Package user owns people: who they are in an account, and which outside identities are
// theirs.
//
// Owns: User, Identity, Profile, find-or-create.
//
// Flow: a login that has proved an identity calls Service.SignIn in its own unit of work;
// the person with exactly that (account, connection, issuer, subject) is found or made.
// Login is sign-up: there is one path, and nothing tells a caller outside which it took.
//
// Entry points: Service.SignIn (login), Get, List, Delete (management), Unlink (a
// connection is gone).
//
// Never: a person found by e-mail address, name or subject alone (I-6); a comparison that
// folds case, trims or normalises; a user id used twice (I-13).
package user
