// Package v1 owns the management and authorization API, /v1, wire-compatible with the
// Authress SDKs.
//
// Five packages, one file per noun, with its handlers, its wire types and its route list:
// decide/ answers what somebody may do; grant/ gives and takes permissions; machine/ has
// applications, extensions and service clients; v1 itself has the people and settings of an account;
// wire/ has what every noun shares. routes.go joins the lists.
//
// Never: a rule. Handlers read a request, call one verb of a feature and write its answer;
// who may do what is decided in the feature, through access.Engine.Allow.
package v1
