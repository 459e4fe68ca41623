package passkey

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
)

// noModel is the AAGUID of authenticators that do not say what they are.
const noModel = "00000000-0000-0000-0000-000000000000"

// model writes an AAGUID as a UUID.
func model(aaguid []byte) string {
	if len(aaguid) != 16 {
		return ""
	}
	h := hex.EncodeToString(aaguid)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// models are the names of what keeps most people's passkeys, by AAGUID. They are for the eye only: without an
// attestation anybody can claim to be any of them.
var models = map[string]string{
	"fbfc3007-154e-4ecc-8c0b-6e020557d7bd": "iCloud Keychain",
	"dd4ec289-e01d-41c9-bb89-70fa845d4bf2": "iCloud Keychain",
	"ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4": "Google Password Manager",
	"adce0002-35bc-c60a-648b-0b25f1f05503": "Chrome on Mac",
	"08987058-cadc-4b81-b6e1-30de50dcbe96": "Windows Hello",
	"9ddd1817-af5a-4672-a2b9-3e3dd95000a9": "Windows Hello",
	"6028b017-b1d4-4c02-b4b3-afcdafc96bb2": "Windows Hello",
	"53414d53-554e-4700-0000-000000000000": "Samsung Pass",
	"bada5566-a7aa-401f-bd96-45619a55120d": "1Password",
	"d548826e-79b4-db40-a3d8-11116f7e8349": "Bitwarden",
	"531126d6-e717-415c-9320-3d9aa6981239": "Dashlane",
	"50726f74-6f6e-5061-7373-50726f746f6e": "Proton Pass",
	"fdb141b2-5d84-443e-8a35-4698c205a502": "KeePassXC",
	"b84e4048-15dc-4dd0-8640-f4f60813c8af": "NordPass",
}

// suggest names a passkey whose person did not.
func suggest(p Passkey) string {
	if name, ok := models[p.Model]; ok {
		return name
	}
	if len(p.Transports) > 0 && !slices.Contains(p.Transports, "internal") && !slices.Contains(p.Transports, "hybrid") {
		return "Security key"
	}
	return "Passkey"
}

// oidModel is the extension of an attestation certificate that names the model (WebAuthn 8.2.1).
var oidModel = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}

// attested tells whether a certificate that leads to one of the trusted makers says that the authenticator is of
// the model that it claims. The library has verified the statement's signature. A certificate that does not name
// the model is not enough: then every model of a maker could claim to be any other.
func (s *Service) attested(o *protocol.AttestationObject, now time.Time) bool {
	raw, ok := o.AttStatement["x5c"].([]any)
	if s.d.Roots == nil || o.Format != "packed" || !ok {
		return false
	}
	var leaf *x509.Certificate
	between := x509.NewCertPool()
	for i, r := range raw {
		der, _ := r.([]byte)
		cert, err := x509.ParseCertificate(der)
		switch {
		case err != nil:
			return false
		case i == 0:
			leaf = cert
		default:
			between.AddCert(cert)
		}
	}
	if leaf == nil || !names(leaf, o.AuthData.AttData.AAGUID) {
		return false
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: s.d.Roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err == nil
}

func names(leaf *x509.Certificate, aaguid []byte) bool {
	for _, e := range leaf.Extensions {
		if !e.Id.Equal(oidModel) {
			continue
		}
		var in []byte
		rest, err := asn1.Unmarshal(e.Value, &in)
		return err == nil && len(rest) == 0 && len(in) == 16 && bytes.Equal(in, aaguid)
	}
	return false
}
