package party_test

import (
	"testing"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/oauth/party"
)

func BenchmarkSecret(b *testing.B) {
	r := newRigFor(b)
	value := r.secretApp("app_conf", application.AuthSecretBasic)
	p := party.Presented{Authorization: basic("app_conf", value), Form: form("grant_type", "client_credentials"), Endpoint: endpoint, Address: home}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Authenticate(b.Context(), account, p); err != nil {
			b.Fatal(err)
		}
	}
}
