package passkey

import (
	"bytes"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
)

// Expected is what an answer is held against. It comes from the server's own state alone.
type expected struct {
	party  Party
	verify bool // the authenticator must have verified the person
}

// fromHere tells whether the client data is of a ceremony on a page of the account itself: the origin is one of
// its own to the byte, and the page was in no frame of another's. The library would also take other spellings.
func (d collected) fromHere(kind string, origins []string) bool {
	return d.Type == kind && slices.Contains(origins, d.Origin) && (d.CrossOrigin == nil || !*d.CrossOrigin) && d.TopOrigin == nil
}

// flagsFit tells whether the flags go together: somebody was there, what is backed up may be, and credential
// data is where it belongs.
func flagsFit(f protocol.AuthenticatorFlags, registration bool) bool {
	return f.HasUserPresent() && (f.HasBackupEligible() || !f.HasBackupState()) && f.HasAttestedCredentialData() == registration
}

// state is what an assertion says about the authenticator.
type state struct {
	count                        uint32
	verified, eligible, backedUp bool
}

// verifyAssertion follows WebAuthn Level 3, 7.2 from step 11 on for a passkey that was looked up.
func verifyAssertion(a answer, x expected, p Passkey) (state, Refusal) {
	if !a.data.fromHere("webauthn.get", x.party.Origins) {
		return state{}, RefusedResponse
	}
	parsed, err := a.assertion()
	if err != nil {
		return state{}, RefusedResponse
	}
	d := parsed.Response.AuthenticatorData
	if !flagsFit(d.Flags, false) {
		return state{}, RefusedResponse
	}
	if x.verify && !d.Flags.HasUserVerified() {
		return state{}, RefusedUnproved
	}
	err = parsed.Verify(a.data.Challenge, x.party.ID, "", x.party.Origins, nil, nil,
		protocol.TopOriginExplicitVerificationMode, false, x.verify, true, p.Key, protocol.SignaturePolicy{})
	if err != nil {
		return state{}, RefusedResponse
	}
	return state{
		count: d.Counter, verified: d.Flags.HasUserVerified(),
		eligible: d.Flags.HasBackupEligible(), backedUp: d.Flags.HasBackupState(),
	}, ""
}

// formats are the attestation statements that are read. The others of the standard are deprecated or unused.
var formats = []string{"none", "packed", "tpm", "android-key", "apple", "fido-u2f"}

// verifyRegistration follows WebAuthn Level 3, 7.1 from step 7 on, short of what needs the store. The passkey
// that it returns has what the authenticator said.
func verifyRegistration(a answer, x expected) (Passkey, *protocol.AttestationObject, Refusal) {
	if !a.data.fromHere("webauthn.create", x.party.Origins) {
		return Passkey{}, nil, RefusedResponse
	}
	parsed, err := a.created()
	if err != nil {
		return Passkey{}, nil, RefusedResponse
	}
	o := &parsed.Response.AttestationObject
	d := o.AuthData
	if !flagsFit(d.Flags, true) || !slices.Contains(formats, o.Format) || !bytes.Equal(d.AttData.CredentialID, a.credential) {
		return Passkey{}, nil, RefusedResponse
	}
	if x.verify && !d.Flags.HasUserVerified() {
		return Passkey{}, nil, RefusedUnproved
	}
	algorithm, ok := goodKey(d.AttData.CredentialPublicKey)
	if !ok {
		return Passkey{}, nil, RefusedKey
	}
	_, err = parsed.Verify(a.data.Challenge, x.party.ID, x.party.Origins, nil, nil, protocol.TopOriginExplicitVerificationMode,
		false, x.verify, true, nil, parameters(), protocol.AttestationPolicy{}, protocol.SignaturePolicy{})
	if err != nil {
		return Passkey{}, nil, RefusedResponse
	}
	if o.Format == "fido-u2f" { // what stands there is not signed
		d.AttData.AAGUID = make([]byte, 16)
	}
	return Passkey{
		Credential: a.credential, Key: d.AttData.CredentialPublicKey, Algorithm: algorithm, Party: x.party.ID,
		SignCount: d.Counter, Model: model(d.AttData.AAGUID), Transports: a.transports,
		Eligible: d.Flags.HasBackupEligible(), BackedUp: d.Flags.HasBackupState(), Verified: d.Flags.HasUserVerified(),
	}, o, ""
}

func parameters() []protocol.CredentialParameter {
	var out []protocol.CredentialParameter
	for _, a := range algorithms {
		out = append(out, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.COSEAlgorithmIdentifier(a)})
	}
	return out
}

// maxKey is the longest COSE_Key that is stored; one of RSA with 4096 bits has about 530 bytes.
const maxKey = 1024

// goodKey tells a key's algorithm, and whether it is one that was offered and of a size that is neither weak nor
// expensive.
func goodKey(raw []byte) (int64, bool) {
	if len(raw) > maxKey {
		return 0, false
	}
	key, err := webauthncose.ParsePublicKey(raw)
	if err != nil {
		return 0, false
	}
	switch k := key.(type) {
	case webauthncose.OKPPublicKeyData:
		return k.Algorithm, k.Algorithm == algEdDSA
	case webauthncose.EC2PublicKeyData:
		return k.Algorithm, k.Algorithm == algES256 || k.Algorithm == algES384
	case webauthncose.RSAPublicKeyData:
		modulus := bytes.TrimLeft(k.Modulus, "\x00")
		e, err := webauthncose.ParseRSAPublicKeyDataExponent(&k)
		return k.Algorithm, k.Algorithm == algRS256 && err == nil && len(modulus) >= 2048/8 && len(modulus) <= 4096/8 &&
			modulus[len(modulus)-1]&1 == 1 && e >= 3 && e&1 == 1 && e < 1<<31
	}
	return 0, false
}
