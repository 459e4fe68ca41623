package begin

import (
	"github.com/admit-id/admit/internal/factor/handover"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/login"
)

var (
	errNotLinkable = invalid("LinkIdentityNotSupported",
		"Identities of this connection cannot be linked. An administrator allows it with the connection's linkingConfiguration.type EXPLICIT.")
	errNotSignedIn = fault.New(fault.Unauthenticated, fault.CodeUnauthenticated, "Only a person who is signed in can link an identity.")
)

// aimLink makes a request one that links to the account of the caller.
func (s *Service) aimLink(next *login.Request, r login.StartRequest) error {
	if !r.LinkIdentity {
		return nil
	}
	switch {
	case r.Caller.Kind != actor.User || r.Caller.Account != r.Account || r.Caller.ID == "":
		return errNotSignedIn
	case r.Invite != "":
		return invalid(fault.CodeInvalidRequest, "An invite signs somebody in; it links nothing.")
	case handover.IsClient(r.Connection):
		return invalid("LinkIdentityNotSupported", "A service client names a person, and no identity that could be linked.")
	}
	next.Link, next.Fresh = ident.UserID(r.Caller.ID), true
	next.Audiences, next.Scopes, next.FlowType, next.MultiAccount = nil, nil, "", false
	return nil
}

// checkLink holds that what a request would link can be linked. Whom its tenant lets in is decided when the
// person signs in with the identity.
func (s *Service) checkLink(next *login.Request) error {
	if next.Link == "" {
		return nil
	}
	if next.Connection == "" {
		return invalid("InvalidConnection", "Name the connectionId or the tenantLookupIdentifier of what is to be linked.")
	}
	next.Tenant = ""
	if !s.doors().Offered(*next, next.Connection) {
		return errNotLinkable
	}
	return nil
}
