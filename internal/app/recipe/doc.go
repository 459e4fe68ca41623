// Package recipe owns the applications that are known beforehand: how each is registered as an OAuth client, and
// what to paste there so that people sign in to it with Admit.
//
// Owns: the files in data, one per application, and the registration of clients from the command line.
//
// Entry points: Names, Get, Recipe.Registration and Recipe.Text; Clients.
//
// Never: a rule of its own about clients (application), an application that does not send PKCE with S256.
package recipe
