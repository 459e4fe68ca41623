// Package client asks an Admit server what a person may do, and gives and takes access.
//
// It owns the Go form of the authorization API: the permission check, the list of a
// person's resources, and access records. Package verify checks tokens, package middleware
// puts that in front of a net/http API.
//
// A client acts in somebody's name, which is its [Credentials]: a service client by an
// access key ([AccessKey]), or a person by their own access token ([Client.As]), who may
// ask about themselves only.
package client
