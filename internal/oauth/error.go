package oauth

import (
	"errors"
	"fmt"
)

// Code is an error code of RFC 6749 sections 4.1.2.1 and 5.2 and of the standards that extend it.
type Code string

// The codes.
const (
	InvalidRequest              Code = "invalid_request"
	InvalidClient               Code = "invalid_client"
	InvalidGrant                Code = "invalid_grant"
	InvalidScope                Code = "invalid_scope"
	InvalidTarget               Code = "invalid_target" // RFC 8707
	UnauthorizedClient          Code = "unauthorized_client"
	UnsupportedGrantType        Code = "unsupported_grant_type"
	UnsupportedResponseType     Code = "unsupported_response_type"
	UnsupportedTokenType        Code = "unsupported_token_type" // RFC 7009
	AccessDenied                Code = "access_denied"
	ServerError                 Code = "server_error"
	TemporarilyUnavailable      Code = "temporarily_unavailable"
	InvalidToken                Code = "invalid_token"                    // RFC 6750
	InsufficientScope           Code = "insufficient_scope"               // RFC 6750
	InsufficientAuth            Code = "insufficient_user_authentication" // RFC 9470
	LoginRequired               Code = "login_required"                   // OpenID Connect Core section 3.1.2.6
	InteractionRequired         Code = "interaction_required"
	AccountSelection            Code = "account_selection_required"
	ConsentRequired             Code = "consent_required"
	UnmetAuthentication         Code = "unmet_authentication_requirements"
	InvalidRequestURI           Code = "invalid_request_uri"    // RFC 9101
	InvalidRequestObject        Code = "invalid_request_object" // RFC 9101
	RequestNotSupported         Code = "request_not_supported"
	RequestURINotSupported      Code = "request_uri_not_supported"
	InvalidDPoPProof            Code = "invalid_dpop_proof" // RFC 9449
	UseDPoPNonce                Code = "use_dpop_nonce"
	AuthorizationPending        Code = "authorization_pending" // RFC 8628
	SlowDown                    Code = "slow_down"
	ExpiredToken                Code = "expired_token"
	InvalidAuthorizationDetails Code = "invalid_authorization_details" // RFC 9396
	InvalidRedirectURI          Code = "invalid_redirect_uri"          // RFC 7591
	InvalidClientMetadata       Code = "invalid_client_metadata"
	InvalidSoftwareStatement    Code = "invalid_software_statement"
)

// Error is an outcome that a standard names. Description is for developers: printable ASCII
// without quotes and backslashes (RFC 6749 section 5.2), and it repeats nothing that the caller sent.
type Error struct {
	Code        Code
	Description string
	Err         error // cause, for the log only
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s (%v)", e.Code, e.Description, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Description)
}

// Expected tells whether callers can cause the error. It is no failure of ours then.
func (e *Error) Expected() bool { return e.Code != ServerError && e.Code != TemporarilyUnavailable }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// With returns a copy of e with a cause for the log.
func (e *Error) With(cause error) *Error {
	c := *e
	c.Err = cause
	return &c
}

// Fail makes an Error.
func Fail(code Code, description string) *Error { return &Error{Code: code, Description: description} }

// CodeOf returns the code of err, or empty when it is no Error.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}
