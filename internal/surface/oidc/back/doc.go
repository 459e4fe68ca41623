// Package back owns the back-channel endpoints of the authorization server, which clients call
// without a browser: token, introspection, revocation and userinfo; and the JSON form of the token
// endpoint that the SDKs speak.
//
// Entry points: Routes. What an endpoint does is in oauth/pipeline and oauth/introspection.
//
// Never: a parameter from the query, an answer that may be stored.
package back
