package hosted

import (
	"context"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/login"
)

// fakeFactors answers the steps of factors, and notes what it was asked.
type fakeFactors struct{ *fakeLogin }

func fakeSeed() (seed, uri secret.Text) {
	return secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
		secret.New("otpauth://totp/Harbour:ada%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Harbour&algorithm=SHA1&digits=6&period=30")
}

var fakeSecond = login.View{State: login.StateSecond, Ways: []factor.Kind{factor.Passkey, factor.TOTP, factor.Recovery}, RememberDays: 30}

func remembered(v login.Visit) string {
	if v.Remember {
		return "remember"
	}
	return ""
}

func (f fakeFactors) BeginPasskey(_ context.Context, v login.Visit, id ident.LoginID) ([]byte, error) {
	f.note("BeginPasskey", v, string(id))
	return []byte(`{"challenge":"AAAA"}`), f.err
}

func (f fakeFactors) FinishPasskey(_ context.Context, v login.Visit, id ident.LoginID, response []byte) (login.View, error) {
	f.note("FinishPasskey", v, string(id), string(response), remembered(v))
	if string(response) == "" {
		return f.reply("FinishPasskey", id, login.View{State: login.StateChoose, EmailCode: true, Passkey: true, Problem: login.ProblemPasskeyRefused})
	}
	return f.reply("FinishPasskey", id, leave("https://app.example.test/?code=p"))
}

func (f fakeFactors) BeginEnrolPasskey(_ context.Context, v login.Visit, id ident.LoginID) ([]byte, error) {
	f.note("BeginEnrolPasskey", v, string(id))
	return []byte(`{"challenge":"BBBB"}`), f.err
}

func (f fakeFactors) FinishEnrolPasskey(_ context.Context, v login.Visit, id ident.LoginID, name string, response []byte) (login.View, error) {
	f.note("FinishEnrolPasskey", v, string(id), name, string(response))
	return f.reply("FinishEnrolPasskey", id, leave("https://app.example.test/?code=e"))
}

func (f fakeFactors) EnterPassword(_ context.Context, v login.Visit, id ident.LoginID, email string, password secret.Text) (login.View, error) {
	f.note("EnterPassword", v, string(id), email, password.Reveal())
	if password.Reveal() != "correct horse" {
		return f.reply("EnterPassword", id, login.View{State: login.StateChoose, EmailCode: true, Password: true, Problem: login.ProblemPasswordWrong})
	}
	return f.reply("EnterPassword", id, leave("https://app.example.test/?code=w"))
}

func (f fakeFactors) EnterTOTP(_ context.Context, v login.Visit, id ident.LoginID, code string) (login.View, error) {
	f.note("EnterTOTP", v, string(id), code, remembered(v))
	if code != "287082" {
		view := fakeSecond
		view.Problem = login.ProblemSecondWrong
		return f.reply("EnterTOTP", id, view)
	}
	view := leave("https://app.example.test/?code=t")
	view.Result.Device, view.Result.DeviceExpires = secret.New("device-1"), start.AddDate(0, 0, 30)
	return f.reply("EnterTOTP", id, view)
}

func (f fakeFactors) EnterRecovery(_ context.Context, v login.Visit, id ident.LoginID, code string) (login.View, error) {
	f.note("EnterRecovery", v, string(id), code, remembered(v))
	return f.reply("EnterRecovery", id, leave("https://app.example.test/?code=r"))
}

func (f fakeFactors) BeginEnrolTOTP(_ context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	f.note("BeginEnrolTOTP", v, string(id))
	view := login.View{State: login.StateEnrol, Ways: []factor.Kind{factor.Passkey, factor.TOTP}}
	view.Seed, view.SeedURI = fakeSeed()
	return f.reply("BeginEnrolTOTP", id, view)
}

func (f fakeFactors) FinishEnrolTOTP(_ context.Context, v login.Visit, id ident.LoginID, code string) (login.View, error) {
	f.note("FinishEnrolTOTP", v, string(id), code)
	view := login.View{State: login.StateEnrol, Ways: []factor.Kind{factor.Passkey, factor.TOTP}, Problem: login.ProblemSecondWrong}
	view.Seed, view.SeedURI = fakeSeed()
	if code == "287082" {
		view = leave("https://app.example.test/?code=t")
	}
	return f.reply("FinishEnrolTOTP", id, view)
}

func (f fakeFactors) ChooseSession(_ context.Context, v login.Visit, id ident.LoginID, which string) (login.View, error) {
	f.note("ChooseSession", v, string(id), which)
	return f.reply("ChooseSession", id, leave("https://app.example.test/?code=a"))
}

func (f fakeFactors) UseOther(_ context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	f.note("UseOther", v, string(id))
	return f.reply("UseOther", id, login.View{State: login.StateChoose, EmailCode: true})
}

func (f fakeFactors) RequestRecovery(_ context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	f.note("RequestRecovery", v, string(id))
	view := fakeSecond
	view.Recovery, view.RecoveryAt = true, start.AddDate(0, 0, 1)
	return f.reply("RequestRecovery", id, view)
}

func (f fakeFactors) FinishRecovery(_ context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	f.note("FinishRecovery", v, string(id))
	return f.reply("FinishRecovery", id, leave("https://app.example.test/?code=f"))
}

func (f fakeFactors) RenewCodes(_ context.Context, v login.Visit, id ident.LoginID) (login.View, error) {
	f.note("RenewCodes", v, string(id), remembered(v))
	return f.reply("RenewCodes", id, login.View{State: login.StateRenew, Codes: []secret.Text{secret.New("abcd-efgh-jkmn-pqrs"), secret.New("0123-4567-89ab-cdef")}})
}

func (f fakeFactors) Waits(_ context.Context, _ ident.AccountID, link secret.Text) error {
	return f.stops(link)
}

func (f fakeFactors) Stop(_ context.Context, by actor.Actor, link secret.Text) error {
	f.note("Stop", login.Visit{}, by.String(), link.Reveal())
	return f.stops(link)
}

func (f fakeFactors) stops(link secret.Text) error {
	if link.Reveal() != "rec_1.abc" {
		return fault.New(fault.NotFound, fault.CodeNotFound, "none")
	}
	return f.err
}
