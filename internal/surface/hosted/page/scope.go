package page

// scopeTexts are the sentences for scopes whose meaning is a standard's.
var scopeTexts = map[string]string{
	"openid": "consent.openid", "profile": "consent.profile", "email": "consent.email", "phone": "consent.phone", "address": "consent.address",
	"offline_access": "consent.offline",
}

// Scopes says what scopes mean; those that are a client's own are called by their names.
func (p *Page) Scopes(scopes []string) []string {
	var out []string
	for _, s := range scopes {
		if key, ok := scopeTexts[s]; ok {
			out = append(out, p.T(key))
		} else {
			out = append(out, p.T("consent.scope", "Name", Visible(s)))
		}
	}
	if out == nil {
		out = []string{p.T("consent.nothing")}
	}
	return out
}
