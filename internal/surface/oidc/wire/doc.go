// Package wire owns how the OAuth endpoints speak HTTP: forms come in, JSON errors go out.
//
// Form reads a request of RFC 6749 section 3.2, whose parameters are in the body, once each. Error
// writes any error in the form of section 5.2, with the status and the challenge that its code
// wants. Every answer is no-store.
package wire
