package hosted

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/secret"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/oauth"
	"github.com/admit-id/admit/internal/oauth/authorize"
	"github.com/admit-id/admit/internal/oauth/device"
	"github.com/admit-id/admit/internal/oauth/logout"
	"github.com/admit-id/admit/internal/session"
	"github.com/admit-id/admit/internal/surface/hosted/ask"
	"github.com/admit-id/admit/internal/surface/hosted/page"
	"github.com/admit-id/admit/internal/user"
)

// fakeOAuth answers by the id in the address, and notes what it was asked.
type fakeOAuth struct {
	calls []string
	out   bool // nobody is signed in
}

var (
	ada = user.User{ID: "u_1", Name: "Ada Lovelace", Email: "ada@example.com", Identities: []user.Identity{
		{Connection: "con_email", Issuer: "email", Subject: "ada@example.com"}, {Connection: "con_ms", Subject: "x"},
	}}
	fakeApp = oauth.Client{ID: "app_tv", Application: "app_tv", Name: "Lighthouse TV", Settings: application.OAuth{
		ThirdParty: true,
	}}
	fakeLong = oauth.Client{ID: "https://agents.nordwestdeutsche-wasserwirtschaft.example/.well-known/client.json", Kind: oauth.Document,
		Name:     "Nordwestdeutsche Landesgesellschaft für Wasserwirtschaft und Küstenschutz Assistent",
		Settings: application.OAuth{PolicyURI: "https://lighthouse.example/privacy", TermsURI: "https://lighthouse.example/terms"}}
	fakeBad = oauth.Client{ID: "app_bad", Name: "<script>alert(1)</script>\u202e{{.AccessKey}}", Settings: application.OAuth{
		Registered: "dynamic", PolicyURI: "javascript:alert(1)",
	}}
)

func (f *fakeOAuth) client(id string) oauth.Client {
	switch kind, _, _ := strings.Cut(id, "_"); kind {
	case "long":
		return fakeLong
	case "bad":
		return fakeBad
	}
	return fakeApp
}

func (f *fakeOAuth) note(parts ...string) { f.calls = append(f.calls, strings.Join(parts, " ")) }

func (f *fakeOAuth) Enter(_ context.Context, _ login.Visit, network, typed string) (device.Entered, error) {
	f.note("enter", network, typed)
	switch strings.ToUpper(typed) {
	case "BCDF-GHJK":
		return device.Entered{Outcome: device.Found, ID: "dev_1"}, nil
	case "LLLL-LLLL":
		return device.Entered{Outcome: device.Limited, Retry: 3 * time.Minute}, nil
	}
	return device.Entered{Outcome: device.Unknown}, nil
}

func (f *fakeOAuth) View(_ context.Context, _ login.Visit, id string) (device.View, error) {
	v := device.View{Outcome: device.Found, ID: id, Client: f.client(id), UserCode: "BCDF-GHJK", Scopes: []string{"openid", "profile", "offline_access"}, User: ada.ID}
	switch {
	case strings.HasPrefix(id, "gone"):
		v.Outcome = device.Gone
	case f.out:
		v.Outcome = device.SignIn
	}
	return v, nil
}

func (f *fakeOAuth) Pending(_ context.Context, _ login.Visit, id string) (authorize.Pending, error) {
	p := authorize.Pending{Client: f.client(id), User: ada, Scopes: []string{"openid", "profile", "email", "offline_access"}, ReturnURL: "https://app.lighthouse.example/callback"}
	switch kind, _, _ := strings.Cut(id, "_"); kind {
	case "gone":
		return p, fault.New(fault.NotFound, "", "gone")
	case "long":
		p.Scopes = append(p.Scopes, "water.level:read", "https://nordwestdeutsche-wasserwirtschaft.example/scopes/messstellen.lesen")
		p.Resources = []string{"https://api.nordwestdeutsche-wasserwirtschaft.example/v2/messstellen", "https://mcp.example/"}
		p.Details = json.RawMessage(`[{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"123.50"},"creditorName":"Küstenschutz GmbH","actions":["initiate","status"]}]`)
		p.ReturnURL = "http://127.0.0.1:33418/callback"
	case "native":
		p.ReturnURL = "com.example.app:/callback"
	}
	return p, nil
}

func (f *fakeOAuth) Plan(_ context.Context, _ login.Visit, w logout.Wish) (logout.Plan, error) {
	f.note("plan", w.Hint, w.Client, w.Redirect, w.State)
	p := logout.Plan{SignedIn: true, User: ada.ID, Ask: w.Hint == ""}
	if w.Client != "" {
		p.Client, p.Registered = f.client(w.Client), w.Redirect
		p.Redirect = w.Redirect
	}
	return p, nil
}

func (f *fakeOAuth) End(_ context.Context, _ login.Visit, p logout.Plan) (logout.Ended, error) {
	f.note("end", p.Redirect)
	e := logout.Ended{Redirect: p.Redirect, Client: p.Client}
	if strings.Contains(p.Redirect, "frames") {
		e.Frames = []string{"https://one.example/out?iss=a&sid=b", "https://two.example:8443/out"}
	}
	return e, nil
}

func (f *fakeOAuth) StartErrand(_ context.Context, e login.Errand) (login.Started, error) {
	f.note("errand", string(e.Application), e.PartyName, e.Return)
	return login.Started{URL: "https://login.example.test/login?state=x"}, nil
}

func (f *fakeOAuth) Peek(context.Context, ident.AccountID, secret.Text) (session.Session, error) {
	if f.out {
		return session.Session{}, session.ErrNone
	}
	return session.Session{User: ada.ID}, nil
}

func (f *fakeOAuth) Get(context.Context, ident.AccountID, ident.UserID) (user.User, error) {
	return ada, nil
}

// fakeDevices and fakeRequests tell the two Decide apart.
type fakeDevices struct{ *fakeOAuth }

func (f fakeDevices) Decide(_ context.Context, _ login.Visit, id string, user ident.UserID, allow bool) (device.Outcome, error) {
	f.note("device", id, string(user), map[bool]string{true: "allow", false: "deny"}[allow])
	if f.out {
		return device.SignIn, nil
	}
	return device.Done, nil
}

type fakeRequests struct{ *fakeOAuth }

func (f fakeRequests) Decide(_ context.Context, _ login.Visit, id string, allow bool) error {
	f.note("consent", id, map[bool]string{true: "allow", false: "deny"}[allow])
	return nil
}

// deps is what the pages of the authorization server need.
func (f *fakeOAuth) deps(kit *page.Kit) ask.Deps {
	return ask.Deps{
		Kit: kit, Door: page.Door{Kit: kit, Sessions: f, Users: f, Errands: f},
		Devices: fakeDevices{f}, Requests: fakeRequests{f}, Logouts: f,
	}
}
