package wire

import (
	"net/http"
	"net/url"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/oauth/dpop"
	"github.com/admit-id/admit/internal/oauth/party"
)

// Presented is what a request says about its client. Endpoint is the absolute URL of what it asks.
func Presented(r *http.Request, form url.Values, endpoint string) party.Presented {
	return party.Presented{
		Form: form, Authorization: r.Header.Values("Authorization"), Certificate: web.ClientCertificate(r), Trusted: web.CertificateTrusted(r),
		Endpoint: endpoint, Address: web.ClientAddress(r), By: web.ActorOf(r),
	}
}

// Proof is the proof of possession that came with a request (RFC 9449).
func Proof(r *http.Request) dpop.Request {
	return dpop.Request{Headers: r.Header.Values("Dpop"), Method: r.Method, URL: web.TargetURL(r)}
}
