package loginapi_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/holding"
	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/totp"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/session"
)

// devices is what the person of the world holds, and what was asked of it.
type devices struct {
	kept    holding.Kept
	session session.Session
	foreign passkey.Foreign
	seed    string
	calls   []string
	outcome factor.Outcome
	refused passkey.Refusal
}

func (d *devices) Of(_ context.Context, account ident.AccountID, user ident.UserID) (holding.Kept, error) {
	d.calls = append(d.calls, fmt.Sprintf("of %s %s", account, user))
	return d.kept, nil
}

func (d *devices) ImportPasskey(_ context.Context, o holding.Owner, f passkey.Foreign) (passkey.Registered, error) {
	d.calls, d.foreign = append(d.calls, "passkey "+o.By.String()), f
	return passkey.Registered{Refused: d.refused, Passkey: passkey.Passkey{ID: "pky_1", Name: f.Name}}, nil
}

func (d *devices) ImportTOTP(_ context.Context, o holding.Owner, name string, seed secret.Text, code string) (totp.Device, factor.Result, error) {
	d.calls, d.seed = append(d.calls, "totp "+o.By.String()+" "+code), seed.Reveal()
	return totp.Device{ID: "otp_1", Name: name}, factor.Result{Outcome: d.outcome}, nil
}

func (d *devices) RemovePasskey(_ context.Context, o holding.Owner, id string) error {
	d.calls = append(d.calls, "remove "+id)
	return nil
}

func (d *devices) RemoveTOTP(_ context.Context, o holding.Owner, id string) error {
	d.calls = append(d.calls, "remove "+id)
	return nil
}

func (d *devices) ByID(_ context.Context, _ ident.AccountID, id ident.SessionID) (session.Session, error) {
	if id != d.session.ID {
		return session.Session{}, session.ErrNone
	}
	return d.session, nil
}

// proved is a session with evidence of that age.
func proved(age time.Duration, methods ...session.Method) session.Session {
	s := session.Session{ID: "ses_9", User: "usr_1"}
	for _, m := range methods {
		s.Evidence = append(s.Evidence, session.Evidence{Method: m, At: time.UnixMilli(1772539200000).Add(-age)})
	}
	return s
}

func TestDevices(t *testing.T) {
	const bearer, totpBody = "Authorization: Bearer person", `{"type":"TOTP","name":"Phone","code":"123456","totpData":{"secret":"SEED","verificationCode":"654321"}}`
	passkeyBody := `{"type":"WebAuthN","name":"Key","code":{"authenticatorAttachment":"platform","credentialId":"abc","type":"public-key","userId":"usr_1","attestation":"` +
		base64.StdEncoding.EncodeToString([]byte("att")) + `","client":"` + base64.StdEncoding.EncodeToString([]byte("cli")) + `"}}`
	fresh := func() (*world, *devices) {
		w, d := newWorld(), &devices{session: proved(time.Minute, session.MethodEmail), outcome: factor.Right}
		w.devices = d
		d.kept.Passkeys = []passkey.Passkey{{ID: "pky_1", Name: "Key", Pending: true}}
		return w, d
	}

	w, d := fresh()
	d.kept.Devices = []totp.Device{{ID: "otp_1", Name: "Phone"}}
	got := want(t, w.call(t, "GET", "/api/session/devices", "", bearer), 200)
	if fmt.Sprint(got["devices"]) != "[map[deviceId:pky_1 name:Key type:WebAuthN] map[deviceId:otp_1 name:Phone type:TOTP]]" {
		t.Error(got)
	}
	want(t, w.call(t, "GET", "/api/session/devices", "", alive), 200)
	want(t, w.call(t, "GET", "/api/session/devices", ""), 404)

	w, d = fresh()
	want(t, w.call(t, "POST", "/api/session/devices", totpBody, bearer), 201, "deviceId=otp_1", "name=Phone", "type=TOTP")
	if d.seed != "SEED" || fmt.Sprint(d.calls) != "[of acc usr_1 totp user:usr_1 123456]" {
		t.Error(d.seed, d.calls)
	}
	want(t, w.call(t, "POST", "/api/session/devices", passkeyBody, bearer, "Origin: "+origin), 201, "deviceId=pky_1", "type=WebAuthN")
	if f := d.foreign; f.Credential != "abc" || string(f.Attestation) != "att" || string(f.ClientData) != "cli" || fmt.Sprint(f.Origins) != "["+origin+"]" {
		t.Errorf("%+v", f)
	}
	want(t, w.call(t, "POST", "/api/session/devices", passkeyBody, bearer, "Origin: https://evil.example"), 201)
	if len(d.foreign.Origins) != 0 {
		t.Error("a foreign page's origin is believed")
	}
	want(t, w.call(t, "DELETE", "/api/session/devices/pky_1", "", bearer), 200)
	want(t, w.call(t, "DELETE", "/api/session/devices/pky_2", "", bearer), 404)

	changes := func(name string, status int, code string, headers ...string) {
		t.Helper()
		d.calls = nil
		for _, c := range [][3]string{{"POST", "/api/session/devices", totpBody}, {"POST", "/api/session/devices", passkeyBody}, {"DELETE", "/api/session/devices/pky_1", ""}} {
			rec := w.call(t, c[0], c[1], c[2], headers...)
			if body := want(t, rec, status); code != "" && body["errorCode"] != code {
				t.Errorf("%s %s: %v", name, c[0], body)
			}
		}
		for _, call := range d.calls {
			if call[:2] != "of" {
				t.Errorf("%s: %s", name, call)
			}
		}
	}
	w, d = fresh()
	d.session = proved(11*time.Minute, session.MethodEmail)
	changes("an old proof", 403, "RecentSignInNeeded", bearer)
	d.session = proved(time.Minute, session.MethodEmail)
	d.session.ID = "ses_other"
	changes("an ended session", 403, "RecentSignInNeeded", bearer)
	d.session = proved(time.Minute, session.MethodEmail)
	d.session.User = "usr_2"
	changes("another's session", 403, "RecentSignInNeeded", bearer)
	d.session = proved(time.Minute, session.MethodEmail)
	d.kept.Devices = []totp.Device{{ID: "otp_1"}}
	changes("one factor of two", 403, "RecentSignInNeeded", bearer)
	changes("WAN-11 a client's token", 403, "Forbidden", "Authorization: Bearer client")
	want(t, w.call(t, "DELETE", "/api/session/identities/con_idp", "", "Authorization: Bearer client"), 403, "errorCode=Forbidden")
	changes("a machine", 403, "Forbidden", "Authorization: Bearer machine")
	changes("a forged token", 401, "", "Authorization: Bearer forged")
	changes("a cookie from elsewhere", 403, "", alive, "Origin: https://evil.example", "Sec-Fetch-Site: cross-site")
	changes("a cookie from nowhere", 403, "", alive)

	w, d = fresh()
	d.outcome = factor.Wrong
	want(t, w.call(t, "POST", "/api/session/devices", totpBody, bearer), 422, "errorCode=InvalidCode")
	d.outcome = factor.Paused
	want(t, w.call(t, "POST", "/api/session/devices", totpBody, bearer), 429)
	d.refused = passkey.RefusedTaken
	want(t, w.call(t, "POST", "/api/session/devices", passkeyBody, bearer), 409)
	d.refused = passkey.RefusedResponse
	want(t, w.call(t, "POST", "/api/session/devices", passkeyBody, bearer), 422)
	for _, bad := range []string{
		``, `{}`, `{"type":"SMS"}`, `{"type":"WebAuthN"}`, `{"type":"WebAuthN","code":"123456"}`, `{"type":"WebAuthN","code":{"type":"public-key","attestation":"*","client":""}}`,
		`{"type":"WebAuthN","code":{"type":"password","attestation":"","client":""}}`, `{"type":"WebAuthN","code":{"type":"public-key","userId":"usr_2"}}`, `{"type":"TOTP","code":{}}`,
		`{"type":"WebAuthN","code":[]}`, `{"type":"WebAuthN","code":null}`,
	} {
		want(t, w.call(t, "POST", "/api/session/devices", bad, bearer), 400)
	}
}
