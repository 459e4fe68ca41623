// Package registration owns the OAuth clients that an account did not make itself: those that register
// themselves (RFC 7591, RFC 7592), and those whose id is the URL of their metadata document
// (draft-ietf-oauth-client-id-metadata-document). Both are off until the account's settings say otherwise.
//
// Owns: Metadata and its reading, initial access tokens, registration access tokens, the policy and the
// fetching of documents.
//
// Flow: Service.Register judges the metadata, uses the initial access token up and makes an application in
// one unit of work. Documents.Client fetches a document through the guarded client and remembers it.
//
// Entry points: service.go (the registration endpoint), document.go (party), token.go (management).
//
// Never: a first-party client, the grants of confidential back ends, a secret in a document, a document
// whose client_id is not its address byte for byte. Software statements are not read.
package registration
