// Package actor owns the caller: who asks for something. It is a parameter of every
// verb whose answer depends on it, read from the request once, at the surface.
package actor

import "github.com/admit-id/admit/internal/kit/ident"

// Kind says what sort of caller it is.
type Kind uint8

// The kinds of callers.
const (
	Anonymous     Kind = iota // nobody has proved anything
	User                      // a person with a valid token or session
	ServiceClient             // a machine with a valid access key
	Operator                  // the person at the command line of the deployment
	System                    // Admit itself: jobs, set-up, subscriptions
)

// Actor is one caller in one account.
type Actor struct {
	Kind    Kind
	Account ident.AccountID
	ID      string          // user id or service client id; empty for others
	Session ident.SessionID // for User, when the token or cookie belongs to one
	// Delegated marks a person's token that a client of the authorization server was given: it may not
	// change how the person signs in.
	Delegated bool
	Bound     *Binding // what the caller's token is bound to, which the request has proved; nil for nothing
	// For the audit trail only; no rule may depend on these.
	RequestID string
	Address   string
	// Agent is the User-Agent header of somebody who has shown no token, as it came. It is not kept.
	Agent string
}

// Binding is what a token is bound to (the claim cnf, RFC 7800): whoever sends it proves to hold it.
type Binding struct {
	JKT string // the thumbprint of a key (RFC 9449), or empty
	X5T string // the thumbprint of a certificate, x5t#S256 (RFC 8705), or empty
}

// String names the caller in the audit trail, for example "user:u_1".
func (a Actor) String() string {
	switch a.Kind {
	case User:
		return "user:" + a.ID
	case ServiceClient:
		return "client:" + a.ID
	case Operator:
		return "operator"
	case System:
		return "system"
	}
	return "anonymous"
}

// ForSystem is Admit acting by itself in an account.
func ForSystem(account ident.AccountID) Actor { return Actor{Kind: System, Account: account} }

// ForOperator is the command line acting in an account.
func ForOperator(account ident.AccountID) Actor { return Actor{Kind: Operator, Account: account} }
