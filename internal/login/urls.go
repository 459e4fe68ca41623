package login

import (
	"net/url"

	"github.com/admit-id/admit/internal/factor/handover"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/login/address"
)

// base is where the browser of a request finds our pages.
func (s *Service) base(r Request) string { return Base(s.d.Accounts, r) }

// Base is where the browser of a request finds our pages.
func Base(a Accounts, r Request) string {
	issuer := a.Issuer(r.Account)
	if r.Twin {
		return address.Twin(issuer)
	}
	return issuer
}

// Address is the page of a request. That of a service client's also names the client: its
// owner reads both to make the link.
func Address(a Accounts, r Request) string {
	q := url.Values{"state": {string(r.ID)}}
	if handover.IsClient(r.Connection) {
		q.Set("client_id", string(r.Connection))
	}
	return Base(a, r) + "/login?" + q.Encode()
}

// CallbackAddress is where every provider sends people back to.
func CallbackAddress(issuer string) string { return issuer + "/login" }

func setupDone(issuer string, id ident.LoginID) string {
	return issuer + "/setup/done?" + url.Values{"state": {string(id)}}.Encode()
}
