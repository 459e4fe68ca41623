// Package local owns the tests of GET /v1/changes and of client.Local against running servers: that a
// copy gives the server's answers, how soon it hears, and that it never answers with something older than
// its bound, whatever is cut, stopped or restarted; and of followers of the revocation feed of two nodes.
package local
