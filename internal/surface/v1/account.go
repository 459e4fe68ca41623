package v1

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/account"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/web"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// Accounts is what account.Service does for the people of an account.
type Accounts interface {
	Get(ctx context.Context, id ident.AccountID) (account.Account, error)
	Update(ctx context.Context, by actor.Actor, a account.Account) (account.Account, error)
}

// accountRoutes: a caller belongs to one account, so the list holds that one.
func (s *Surface) accountRoutes() []web.Route {
	const one = "/v1/accounts/{accountId}"
	return []web.Route{
		s.api.Guarded(http.MethodGet, "/v1/accounts", "READ Authress:Accounts", s.listAccounts),
		s.api.Guarded(http.MethodGet, one, "READ Authress:Accounts/{accountId}", s.getAccount),
		s.api.Guarded(http.MethodPut, one, "UPDATE Authress:Accounts/{accountId}", s.updateAccount),
	}
}

type accountWire struct {
	AccountID   ident.AccountID `json:"accountId"`
	CreatedTime string          `json:"createdTime"`
	Name        string          `json:"name"`
	Domain      string          `json:"domain"`
	Company     companyWire     `json:"company"`
	Links       *wire.Links     `json:"links"`

	Settings accountSettingsWire `json:"settings"` // of Admit
}

// companyWire is there because SDKs demand it.
type companyWire struct {
	Name string `json:"name"`
}

type accountSettingsWire struct {
	LogoURL                 *string        `json:"logoUrl,omitempty"`
	AccentColor             *string        `json:"accentColor,omitempty"`
	Locale                  *string        `json:"locale,omitempty"`
	AccessTokenDuration     *wire.Duration `json:"accessTokenDuration,omitempty"`
	SessionIdleDuration     *wire.Duration `json:"sessionIdleDuration,omitempty"`
	SessionAbsoluteDuration *wire.Duration `json:"sessionAbsoluteDuration,omitempty"`

	OAuth *accountOAuthWire `json:"oauth,omitempty"`
}

func (s *Surface) accountWire(r *http.Request, a account.Account) accountWire {
	_, domain, _ := strings.Cut(s.d.Issuers.Issuer(a.ID), "://")
	return accountWire{
		AccountID: a.ID, CreatedTime: wire.Timestamp(a.CreatedAt), Name: a.Name, Domain: domain, Company: companyWire{a.Name},
		Links: s.api.SelfLinks(r, "accounts", string(a.ID)),
		Settings: accountSettingsWire{
			LogoURL: &a.LogoURL, AccentColor: &a.AccentColor, Locale: &a.Settings.Locale,
			AccessTokenDuration:     (*wire.Duration)(&a.Settings.AccessTokenDuration),
			SessionIdleDuration:     (*wire.Duration)(&a.Settings.SessionIdle),
			SessionAbsoluteDuration: (*wire.Duration)(&a.Settings.SessionAbsolute),
			OAuth:                   newAccountOAuthWire(a.Settings.OAuth),
		},
	}
}

// listAccounts answers with an object for the SDKs that model one, otherwise with an array.
func (s *Surface) listAccounts(w http.ResponseWriter, r *http.Request) error {
	a, err := s.d.Accounts.Get(r.Context(), web.AccountOf(r))
	if err != nil {
		return err
	}
	one := s.accountWire(r, a)
	out := struct {
		Accounts any         `json:"accounts"`
		Links    *wire.Links `json:"links"`
	}{[]accountWire{one}, s.api.SelfLinks(r, "accounts")}
	for _, sdk := range []string{"Authress SDK; Go;", "Authress SDK; Python;"} {
		if strings.HasPrefix(r.UserAgent(), sdk) {
			out.Accounts = one
		}
	}
	w.Header().Add("Vary", "User-Agent")
	return web.JSON(w, http.StatusOK, out)
}

// ownAccount reads the path. Another account of the deployment is not there for this caller.
func ownAccount(r *http.Request) (ident.AccountID, error) {
	id := ident.AccountID(r.PathValue("accountId"))
	if id != web.AccountOf(r) {
		return "", fault.New(fault.NotFound, fault.CodeNotFound, "There is no such account.")
	}
	return id, nil
}

func (s *Surface) getAccount(w http.ResponseWriter, r *http.Request) error {
	id, err := ownAccount(r)
	if err != nil {
		return err
	}
	a, err := s.d.Accounts.Get(r.Context(), id)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.accountWire(r, a))
}

// updateAccount changes name and settings; what the body leaves out stays as it is.
func (s *Surface) updateAccount(w http.ResponseWriter, r *http.Request) error {
	id, err := ownAccount(r)
	if err != nil {
		return err
	}
	var in struct {
		AccountID ident.AccountID     `json:"accountId"`
		Name      *string             `json:"name"`
		Settings  accountSettingsWire `json:"settings"`
	}
	if err := web.DecodeJSON(r, &in, web.DefaultMaxBody); err != nil {
		return err
	}
	if _, err := wire.SameID(id, in.AccountID); err != nil {
		return err
	}
	a, err := s.d.Accounts.Get(r.Context(), id)
	if err != nil {
		return err
	}
	wire.Set(&a.Name, in.Name)
	wire.Set(&a.LogoURL, in.Settings.LogoURL)
	wire.Set(&a.AccentColor, in.Settings.AccentColor)
	wire.Set(&a.Settings.Locale, in.Settings.Locale)
	wire.Set(&a.Settings.AccessTokenDuration, (*time.Duration)(in.Settings.AccessTokenDuration))
	wire.Set(&a.Settings.SessionIdle, (*time.Duration)(in.Settings.SessionIdleDuration))
	wire.Set(&a.Settings.SessionAbsolute, (*time.Duration)(in.Settings.SessionAbsoluteDuration))
	in.Settings.OAuth.onto(&a.Settings.OAuth)
	if a, err = s.d.Accounts.Update(r.Context(), web.ActorOf(r), a); err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, s.accountWire(r, a))
}
