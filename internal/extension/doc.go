// Package extension owns extensions: other people's products that work with an account. An
// extension is an application and a service client that are made, changed and removed together.
//
// Flow: Service keeps the row that ties the two and calls the verbs of both features in one
// unit of work, so that there is never one without the other.
//
// Entry points: service.go.
//
// Never: how people sign in to an extension (application, login), what its client may do (access).
package extension
