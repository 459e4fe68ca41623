// Package v1 owns the management and authorization API, /v1, wire-compatible with the
// Authress SDKs.
//
// One file per noun: permission.go, resource.go, record.go, role.go, group.go, user.go, ...
// holds its handlers, its wire types and its route list. routes.go joins the lists, wire.go has
// what every noun shares: links, pages, times, statuses.
//
// Never: a rule. Handlers read a request, call one verb of a feature and write its answer;
// who may do what is decided in the feature, through access.Engine.Allow.
package v1
