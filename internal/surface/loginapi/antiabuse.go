package loginapi

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/login"
)

// proofLife is how old, and how far in the future, a proof of work may be.
const proofLife = 5 * time.Minute

var errProof = fault.New(fault.Invalid, fault.CodeInvalidRequest,
	"The antiAbuseHash does not fit the request, or it is more than 5 minutes old. Check the clock of this device.")

// value is one property of the request as the SDK feeds it to its hash. A property that was
// not sent is left out; an empty list is sent and counts as an empty text.
type value struct {
	text    string
	present bool
}

func text(s string) value { return value{s, s != ""} }

// checkProof verifies a proof of work of the form "v2;milliseconds;count;hash": the hash is
// base64url(SHA-256("milliseconds;count;values joined by |")) and begins with 00. An empty
// proof is none: older SDKs send none, so it is not asked for.
func checkProof(proof string, now time.Time, values ...value) (*login.AntiAbuse, error) {
	if proof == "" {
		return nil, nil
	}
	parts := strings.Split(proof, ";")
	if len(proof) > 128 || len(parts) != 4 || parts[0] != "v2" || !strings.HasPrefix(parts[3], "00") {
		return nil, errProof
	}
	millis, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || strconv.FormatInt(millis, 10) != parts[1] {
		return nil, errProof
	}
	if n, err := strconv.ParseUint(parts[2], 10, 53); err != nil || strconv.FormatUint(n, 10) != parts[2] {
		return nil, errProof
	}
	made := time.UnixMilli(millis)
	if made.Before(now.Add(-proofLife)) || made.After(now.Add(proofLife)) {
		return nil, errProof
	}
	var sent []string
	for _, v := range values {
		if v.present {
			sent = append(sent, v.text)
		}
	}
	sum := sha256.Sum256([]byte(parts[1] + ";" + parts[2] + ";" + strings.Join(sent, "|")))
	if !secret.Equal([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(parts[3])) {
		return nil, errProof
	}
	return &login.AntiAbuse{Hash: proof, Expires: made.Add(2 * proofLife)}, nil
}
