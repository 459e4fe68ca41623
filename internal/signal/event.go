package signal

import (
	"slices"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

// Kind is one type of event, as a bit.
type Kind int64

// The kinds. Their numbers are in the database.
const (
	SessionRevoked Kind = 1 << iota
	CredentialChange
	AssuranceChange
	AccountPurged
	RecoveryActivated
	RecoveryChanged
	// Verification and Updated are about a stream. Every receiver gets them, asked for or not.
	Verification
	Updated
)

// about is what every receiver gets.
const about = Verification | Updated

var uris = []struct {
	kind Kind
	uri  string
}{
	{SessionRevoked, "https://schemas.openid.net/secevent/caep/event-type/session-revoked"},
	{CredentialChange, "https://schemas.openid.net/secevent/caep/event-type/credential-change"},
	{AssuranceChange, "https://schemas.openid.net/secevent/caep/event-type/assurance-level-change"},
	{AccountPurged, "https://schemas.openid.net/secevent/risc/event-type/account-purged"},
	{RecoveryActivated, "https://schemas.openid.net/secevent/risc/event-type/recovery-activated"},
	{RecoveryChanged, "https://schemas.openid.net/secevent/risc/event-type/recovery-information-changed"},
	{Verification, "https://schemas.openid.net/secevent/ssf/event-type/verification"},
	{Updated, "https://schemas.openid.net/secevent/ssf/event-type/stream-updated"},
}

// URI is the name of one kind.
func (k Kind) URI() string {
	for _, u := range uris {
		if u.kind == k {
			return u.uri
		}
	}
	return ""
}

// URIs are the names of the kinds that k holds, without those about a stream.
func (k Kind) URIs() []string {
	out := []string{}
	for _, u := range uris {
		if k&u.kind != 0 && u.kind&about == 0 {
			out = append(out, u.uri)
		}
	}
	return out
}

// Supported are the names of all events that a receiver can ask for.
func Supported() []string { return Kind(-1).URIs() }

// kindsOf reads what a receiver asks for; what there is not is not delivered. Nothing means everything.
func kindsOf(requested []string) Kind {
	k := about
	for _, u := range uris {
		if requested == nil || slices.Contains(requested, u.uri) {
			k |= u.kind
		}
	}
	return k
}

// Signal is something that receivers are told. Its subject is a session of a person, a person, or,
// without both, everybody of the account.
type Signal struct {
	Kind    Kind
	User    ident.UserID
	Session ident.SessionID
	// Claims are the members of the event besides its time.
	Claims map[string]any
}

// Event is a signal on its way to one stream.
type Event struct {
	Signal
	Account   ident.AccountID
	Stream    string
	ID        string // the `jti`, the same however often it is sent
	CreatedAt time.Time
}
