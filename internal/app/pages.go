package app

import (
	"slices"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/hosted"
	asking "github.com/admit-id/admit/internal/surface/hosted/ask"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

// pages are what people see.
type pages struct {
	kit  *page.Kit
	door page.Door
	box  *hosted.Surface
	asks *asking.Surface
}

func (a *App) buildPages() (p pages, err error) {
	x, o := &a.f, &a.f.oauth
	p.kit, err = page.New(page.Deps{Accounts: pageAccounts{x}, Clock: a.clock, Outbound: a.outbound, Development: a.cfg.Dev})
	if err != nil {
		return p, err
	}
	p.door = page.Door{Kit: p.kit, Sessions: x.sessions, Users: x.users, Errands: x.begins}
	p.box, err = hosted.New(hosted.Deps{
		Kit: p.kit, Door: p.door, Steps: pageSteps{x.logins, x.mails, x.choices}, Upstream: pageUpstream{x.logins, x.aways}, Links: pageLinks{x.logins, x.aways, x.setups, x.mails}, Offer: x.person.OfferBinding,
		Passkeys: x.proves, Typed: x.proves, Choices: x.choices, Recoveries: x.proves, Stops: x.person.Stops(),
	})
	if err != nil {
		return p, err
	}
	p.asks, err = asking.New(asking.Deps{
		Kit: p.kit, Door: p.door, Devices: o.devices, Requests: o.requests, Logouts: o.logouts,
	})
	return p, err
}

func (p pages) routes() []web.Route {
	return slices.Concat(p.kit.Routes(), p.box.Routes(), p.asks.Routes())
}
