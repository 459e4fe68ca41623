// Package token owns Admit's own tokens: what an access token and an ID token say, how
// they are signed (issue.go, claims.go) and how a bearer is verified (verify.go).
//
// Entry points: Service.Access, Service.ID; Verifier.Verify.
//
// Never: who may have a token (login, serviceclient), where the keys are kept (keyring).
package token
