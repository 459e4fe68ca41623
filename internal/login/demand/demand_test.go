package demand

import (
	"slices"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor"
	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/session"
)

func evidence(methods ...string) (all []session.Evidence) {
	for _, m := range methods {
		e := session.Evidence{Method: m, At: time.Unix(1, 0)}
		if m == "passkey!" {
			e.Method, e.Verified = session.MethodPasskey, true
		}
		all = append(all, e)
	}
	return all
}

var (
	pass = factor.Held{Passkeys: 1}
	app  = factor.Held{TOTP: 1}
	all  = factor.Held{Passkeys: 1, TOTP: 1, Recovery: 10}
)

// TestNext is the table of what is still wanted.
func TestNext(t *testing.T) {
	always, fresh := policy.Policy{SecondWhen: policy.WhenAlways}, policy.Policy{SecondWhen: policy.WhenNewDevice}
	onlyPasskey := policy.Policy{SecondWhen: policy.WhenAlways, Second: []factor.Kind{factor.Passkey}}
	none := policy.Policy{SecondWhen: policy.WhenAlways, Second: []factor.Kind{"none"}}
	const phr = session.ACRPhishingResistant
	for name, c := range map[string]struct {
		f    Facts
		want Step
		ways []factor.Kind
	}{
		"nothing proved":                      {Facts{}, Refuse, nil},
		"mail, holds nothing":                 {Facts{Evidence: evidence("email")}, Fulfilled, nil},
		"mail, holds recovery codes only":     {Facts{Evidence: evidence("email"), Held: factor.Held{Recovery: 3}}, Fulfilled, nil},
		"mail, holds an app":                  {Facts{Evidence: evidence("email"), Held: app}, Second, []factor.Kind{factor.TOTP}},
		"mail, holds all":                     {Facts{Evidence: evidence("email"), Held: all}, Second, []factor.Kind{factor.Passkey, factor.TOTP, factor.Recovery}},
		"mail, holds an app, remembered":      {Facts{Evidence: evidence("email"), Held: app, Remembered: true}, Fulfilled, nil},
		"mail and app":                        {Facts{Evidence: evidence("email", "otp"), Held: app}, Fulfilled, nil},
		"provider, holds an app":              {Facts{Evidence: evidence("fed"), Held: app}, Second, []factor.Kind{factor.TOTP}},
		"a client's word and an app":          {Facts{Evidence: evidence("client", "otp"), Held: app, Policy: always}, Fulfilled, nil},
		"an app alone begins nothing":         {Facts{Evidence: evidence("otp"), Held: app}, Refuse, nil},
		"a recovery code alone":               {Facts{Evidence: evidence("recovery"), Held: all}, Refuse, nil},
		"passkey that verified":               {Facts{Evidence: evidence("passkey!"), Held: all, Policy: always}, Fulfilled, nil},
		"passkey that did not, alone":         {Facts{Evidence: evidence("passkey"), Held: all}, Refuse, nil},
		"mail and passkey that did not":       {Facts{Evidence: evidence("email", "passkey"), Held: all, Policy: always}, Fulfilled, nil},
		"always, holds nothing":               {Facts{Evidence: evidence("email"), Policy: always}, Enrol, []factor.Kind{factor.Passkey, factor.TOTP}},
		"always, no passkeys here":            {Facts{Evidence: evidence("email"), Policy: always, NoPasskeys: true}, Enrol, []factor.Kind{factor.TOTP}},
		"always, remembered":                  {Facts{Evidence: evidence("email"), Held: app, Policy: always, Remembered: true}, Second, []factor.Kind{factor.TOTP}},
		"new device":                          {Facts{Evidence: evidence("email"), Held: app, Policy: fresh}, Second, []factor.Kind{factor.TOTP}},
		"new device, remembered":              {Facts{Evidence: evidence("email"), Held: app, Policy: fresh, Remembered: true}, Fulfilled, nil},
		"who holds one must show it first":    {Facts{Evidence: evidence("email"), Held: app, Policy: onlyPasskey}, Second, []factor.Kind{factor.TOTP}},
		"and registers the demanded one then": {Facts{Evidence: evidence("email", "otp"), Held: app, Policy: onlyPasskey}, Enrol, []factor.Kind{factor.Passkey}},
		"held, but it cannot be shown here":   {Facts{Evidence: evidence("email"), Held: pass, NoPasskeys: true}, Refuse, nil},
		"nothing is allowed":                  {Facts{Evidence: evidence("email"), Policy: none}, Refuse, nil},
		"first is not allowed":                {Facts{Evidence: evidence("email"), Policy: policy.Policy{First: []factor.Kind{factor.Passkey}}}, Refuse, nil},
		"acr, remembered does not help":       {Facts{Evidence: evidence("email"), Held: app, Remembered: true, ACR: session.ACR2}, Second, []factor.Kind{factor.TOTP}},
		"acr, holds nothing":                  {Facts{Evidence: evidence("email"), ACR: session.ACR2}, Enrol, []factor.Kind{factor.Passkey, factor.TOTP}},
		"phr, holds both":                     {Facts{Evidence: evidence("email"), Held: all, ACR: phr}, Second, []factor.Kind{factor.Passkey}},
		"phr, holds an app":                   {Facts{Evidence: evidence("email"), Held: app, ACR: phr}, Second, []factor.Kind{factor.TOTP}},
		"phr, app shown":                      {Facts{Evidence: evidence("email", "otp"), Held: app, ACR: phr}, Enrol, []factor.Kind{factor.Passkey}},
		"phr, passkey without the person":     {Facts{Evidence: evidence("email", "passkey"), Held: pass, ACR: phr}, Second, []factor.Kind{factor.Passkey}},
		"an unknown acr is never reached":     {Facts{Evidence: evidence("email", "passkey!"), Held: app, ACR: "gold"}, Second, []factor.Kind{factor.TOTP}},
	} {
		c.f.Recent = c.f.Evidence
		got := Next(c.f)
		if got.Step != c.want || !slices.Equal(got.Ways, c.ways) {
			t.Errorf("%s: %v; want %d %v", name, got, c.want, c.ways)
		}
	}
}

// WAN-11: a second factor that was shown long ago is shown again before another one is registered.
func TestAnOldProofRegistersNothing(t *testing.T) {
	f := Facts{Evidence: evidence("email", "otp"), Held: app, ACR: session.ACRPhishingResistant}
	if got := Next(f); got.Step != Second || !slices.Equal(got.Ways, []factor.Kind{factor.TOTP}) || !got.Registers {
		t.Errorf("%+v", got)
	}
	f.Recent = evidence("otp")
	if got := Next(f); got.Step != Enrol || !got.Registers {
		t.Errorf("%+v", got)
	}
	if got := Next(Facts{Evidence: evidence("email"), Held: app}); got.Registers {
		t.Errorf("%+v", got)
	}
}

// TestAnswers is the table of sessions that answer by themselves.
func TestAnswers(t *testing.T) {
	always, fresh := policy.Policy{SecondWhen: policy.WhenAlways}, policy.Policy{SecondWhen: policy.WhenNewDevice}
	for name, c := range map[string]struct {
		f    Facts
		want bool
	}{
		"no evidence":             {Facts{}, false},
		"mail":                    {Facts{Evidence: evidence("email")}, true},
		"mail, always":            {Facts{Policy: always, Evidence: evidence("email"), Remembered: true, Used: true}, false},
		"mail and app, always":    {Facts{Policy: always, Evidence: evidence("email", "otp")}, true},
		"mail, new device":        {Facts{Policy: fresh, Evidence: evidence("email"), Used: true}, false},
		"mail, remembered":        {Facts{Policy: fresh, Evidence: evidence("email"), Remembered: true}, true},
		"mail, acr":               {Facts{Evidence: evidence("email"), Remembered: true, ACR: session.ACR2}, false},
		"first is not allowed":    {Facts{Policy: policy.Policy{First: []factor.Kind{factor.Passkey}}, Evidence: evidence("email")}, false},
		"second is not allowed":   {Facts{Policy: policy.Policy{SecondWhen: policy.WhenAlways, Second: []factor.Kind{factor.Passkey}}, Evidence: evidence("email", "otp")}, false},
		"a provider is no factor": {Facts{Policy: policy.Policy{First: []factor.Kind{factor.Passkey}}, Evidence: evidence("fed")}, true},

		"holds an app, let off elsewhere":       {Facts{Evidence: evidence("email"), Held: app}, false},
		"holds an app, remembered here":         {Facts{Evidence: evidence("email"), Held: app, Remembered: true}, true},
		"holds an app, was let in here":         {Facts{Evidence: evidence("email"), Held: app, Used: true}, true},
		"holds an app, has shown it":            {Facts{Evidence: evidence("email", "otp"), Held: app}, true},
		"holds an app, was let in here, acr":    {Facts{Evidence: evidence("email"), Held: app, Used: true, ACR: session.ACR2}, false},
		"holds recovery codes only":             {Facts{Evidence: evidence("email"), Held: factor.Held{Recovery: 2}}, true},
		"has shown an app that does not do":     {Facts{Policy: policy.Policy{Second: []factor.Kind{factor.Passkey}}, Evidence: evidence("email", "otp"), Held: app}, false},
		"holds a passkey, and verified with it": {Facts{Evidence: evidence("passkey!"), Held: pass}, true},
	} {
		if got := Answers(c.f); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
