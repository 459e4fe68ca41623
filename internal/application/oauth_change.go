package application

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
)

// normal returns o in its one form: its own copy, JSON without blanks, and no secrets where the
// method has none.
func (o OAuth) normal() OAuth {
	if o.AuthMethod == AuthNone {
		o.AuthMethod = ""
	}
	o.Secrets = slices.Clone(o.Secrets)
	if o.AuthMethod != AuthSecretBasic && o.AuthMethod != AuthSecretPost {
		o.Secrets = nil
	}
	o.JWKS, o.Claims = oneLine(o.JWKS), oneLine(o.Claims)
	o.Workloads = slices.Clone(o.Workloads)
	for i := range o.Workloads {
		o.Workloads[i].JWKS = oneLine(o.Workloads[i].JWKS)
	}
	return o
}

// oneLine is JSON without blanks; null is nothing. What is no JSON stays for the validation to refuse.
func oneLine(text json.RawMessage) json.RawMessage {
	if len(text) == 0 || string(text) == "null" {
		return nil
	}
	var b bytes.Buffer
	if json.Compact(&b, text) != nil {
		return text
	}
	return b.Bytes()
}

// IsZero tells whether nothing is set.
func (o OAuth) IsZero() bool { return reflect.ValueOf(o).IsZero() }

// reaches tells whether o lets people's codes, tokens or sessions be known where before did not:
// another logout receiver, no consent any more, a way to sign in that needs no redirect.
func (o OAuth) reaches(before OAuth) bool {
	for _, u := range []struct{ now, then string }{
		{o.BackchannelLogoutURL, before.BackchannelLogoutURL}, {o.FrontchannelLogoutURL, before.FrontchannelLogoutURL},
	} {
		if u.now != "" && u.now != u.then && !IsLoopback(u.now) {
			return true
		}
	}
	for _, g := range []string{GrantDevice, GrantJWTBearer} {
		if o.MayUse(g) && !before.MayUse(g) {
			return true
		}
	}
	return before.ThirdParty && !o.ThirdParty
}

// Lowered tells whether a client is trusted less than it was: it need not prove itself any more, or is a
// third party's now. What it was given before is not bound or consented to as it would be today.
func (a Application) Lowered(before Application) bool {
	x, y := a.OAuth.Filled(), before.OAuth.Filled()
	return x.AuthMethod == AuthNone && y.AuthMethod != AuthNone || x.ThirdParty && !y.ThirdParty
}

// ProvesOtherwise tells whether somebody else can prove to be a now than could prove to be before:
// another method, other keys, another certificate or workload.
func (a Application) ProvesOtherwise(before Application) bool {
	x, y := a.OAuth.Filled(), before.OAuth.Filled()
	if x.AuthMethod == AuthNone {
		return false // what everybody may claim
	}
	return x.AuthMethod != y.AuthMethod || x.JWKSURI != y.JWKSURI || !bytes.Equal(x.JWKS, y.JWKS) ||
		!reflect.DeepEqual(x.TLSSubject, y.TLSSubject) || !reflect.DeepEqual(x.Workloads, y.Workloads)
}
