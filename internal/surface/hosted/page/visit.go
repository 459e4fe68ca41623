package page

import (
	"net/http"

	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/login"
	"github.com/admit-id/admit/internal/session"
)

// Visit reads what the browser brought.
func (k *Kit) Visit(r *http.Request) login.Visit {
	account := web.AccountOf(r)
	secure := k.Secure(account)
	return login.Visit{
		Account: account,
		Actor:   web.ActorOf(r),
		Host:    r.Host,
		Browser: web.Cookie(r, login.BrowserCookieName(secure)),
		Session: web.JoinedCookie(r, session.CookieName(secure), session.BoundCookieName(secure)),
		Device:  web.Cookie(r, login.DeviceCookieName(secure)),
	}
}

// OwnCookie is a cookie that only this server reads.
func OwnCookie(name, value string, secure bool) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", Secure: secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}
