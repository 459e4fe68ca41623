package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/rig"
	"github.com/admit-id/admit/test/load/wire"
)

const hydraName = "Ory Hydra"

// loginPages is where Ory Hydra, which has no pages, sends a browser. Nothing listens there: loginApp
// answers in their place.
const loginPages = "https://login.example.test/"

// startHydra starts Ory Hydra on a PostgreSQL database of its own, set up to be fast: as shipped it
// signs with RSA of 4,096 bits, hashes a client's secret 25,000 times at every request, and with four
// connections to its database hangs at five requests at once.
func (r *run) startHydra(ctx context.Context) (*target, error) {
	binary := filepath.Join(r.config.Peers, "hydra")
	if _, err := os.Stat(binary); r.config.Peers == "" || r.pg == nil || err != nil {
		r.absent = append(r.absent, hydraName)
		return nil, nil
	}
	public, err := rig.FreePort()
	if err != nil {
		return nil, err
	}
	admin, err := rig.FreePort()
	if err != nil {
		return nil, err
	}
	file, err := r.hydraConfig(ctx, public, admin)
	if err != nil {
		return nil, err
	}
	migrate, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(migrate, binary, "migrate", "sql", "-e", "-y", "-c", file).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s: migrating: %w: %.300q", hydraName, err, out)
	}
	p, err := proc.Start(r.log, binary, "serve", "all", "--dev", "--sqa-opt-out", "-c", file)
	if err != nil {
		return nil, err
	}
	t := r.peer(hydraName, "PostgreSQL", public, p)
	t.cpu = r.cpuOf(p.PID(), true)
	s := &server{host: public, token: "/oauth2/token", authorize: "/oauth2/auth", introspect: "/admin/oauth2/introspect", introspectAt: admin,
		userinfo: "/userinfo", keys: "/.well-known/jwks.json", discoveryPath: "/.well-known/openid-configuration",
		scope: "openid offline_access", serviceScope: "api"}
	s.service = credential{id: "service", secret: "load-secret-0123456789"}
	s.web = credential{id: "web", redirect: redirect}
	if _, err := rig.WaitFor(p, public, s.discoveryPath); err != nil {
		return nil, fmt.Errorf("%s: %w%s", hydraName, err, stopAfter(t))
	}
	if err := s.fillHydra(ctx, public, admin); err != nil {
		return nil, fmt.Errorf("%s: %w%s", hydraName, err, stopAfter(t))
	}
	return t, ready(ctx, p, s, t)
}

// hydraConfig writes the configuration, and makes the database that it names.
func (r *run) hydraConfig(ctx context.Context, public, admin string) (file string, err error) {
	database, err := r.pg.Create(ctx)
	if err != nil {
		return "", err
	}
	dsn, err := url.Parse(database)
	if err != nil {
		return "", err
	}
	query := dsn.Query()
	query.Set("max_conns", "128") // a request takes a second one while it holds its first
	query.Set("max_idle_conns", "128")
	dsn.RawQuery = query.Encode()
	listen := func(address string) map[string]any {
		host, port, _ := strings.Cut(address, ":") // made by FreePort
		return map[string]any{"host": host, "port": json.Number(port)}
	}
	config, err := json.Marshal(map[string]any{
		"dsn":        dsn.String(),
		"log":        map[string]any{"level": "error"},
		"sqa":        map[string]any{"opt_out": true},
		"serve":      map[string]any{"public": listen(public), "admin": listen(admin)},
		"urls":       map[string]any{"self": map[string]any{"issuer": "http://" + public}, "login": loginPages + "login", "consent": loginPages + "consent"},
		"strategies": map[string]any{"access_token": "jwt"},
		"oauth2":     map[string]any{"hashers": map[string]any{"algorithm": "pbkdf2", "pbkdf2": map[string]any{"iterations": 1}}},
		"secrets":    map[string]any{"system": []string{"load-secret-0123456789-0123456789"}},
	})
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp(r.folder, "hydra-")
	if err != nil {
		return "", err
	}
	file = filepath.Join(folder, "hydra.json")
	return file, os.WriteFile(file, config, 0o600)
}

// fillHydra replaces the keys by ES256, makes the two clients, signs people in and makes sure that
// they stay so.
func (s *server) fillHydra(ctx context.Context, public, admin string) error {
	call := caller{base: "http://" + admin}
	for _, set := range []string{"hydra.openid.id-token", "hydra.jwt.access-token"} {
		if err := call.remove(ctx, "/admin/keys/"+set); err != nil {
			return err
		}
		if err := call.post(ctx, "/admin/keys/"+set, map[string]any{"alg": "ES256", "kid": set, "use": "sig"}, nil); err != nil {
			return err
		}
	}
	if err := call.post(ctx, "/admin/clients", map[string]any{"client_id": s.service.id, "client_secret": s.service.secret, "scope": s.serviceScope,
		"grant_types": []string{"client_credentials"}, "token_endpoint_auth_method": "client_secret_basic"}, nil); err != nil {
		return err
	}
	if err := call.post(ctx, "/admin/clients", map[string]any{"client_id": s.web.id, "scope": s.scope, "redirect_uris": []string{redirect},
		"grant_types": []string{"authorization_code", "refresh_token"}, "response_types": []string{"code"}, "token_endpoint_auth_method": "none"}, nil); err != nil {
		return err
	}
	s.app = &loginApp{address: admin, scope: strings.Fields(s.scope), remember: true}
	b, err := s.browser(public)
	if err != nil {
		return err
	}
	defer b.Close()
	var cookies []string
	for i := range people {
		_, set, err := s.code(b, s.web, i)
		if err != nil {
			return fmt.Errorf("signing in: %w", err)
		}
		session := ""
		for _, cookie := range set {
			if strings.HasPrefix(cookie, "ory_hydra_session") {
				session = cookie
			}
		}
		if session == "" {
			return fmt.Errorf("signing in: no session among %.300q", set)
		}
		cookies = append(cookies, session)
	}
	s.cookies = cookies
	s.app = &loginApp{address: admin, scope: s.app.scope, check: true}
	for i := range people {
		if _, err := s.silent(b, s.web, i); err != nil {
			return fmt.Errorf("signing in once more: %w", err)
		}
	}
	s.app = &loginApp{address: admin, scope: s.app.scope}
	return nil
}

// loginApp is the application that Ory Hydra leaves login and consent to. This one accepts everything
// at once, and at once means one request: it does not ask what it is about to accept.
type loginApp struct {
	address  string // of the server's side for it
	scope    []string
	remember bool // has the server remember the person and the consent
	check    bool // asks first, after all, and fails if the server has not remembered
}

// accept answers in place of a page and returns where the browser goes on.
func (a *loginApp) accept(c *wire.Conn, page *url.URL, worker int) (*url.URL, error) {
	kind, found := strings.CutPrefix(page.String(), loginPages)
	kind, _, _ = strings.Cut(kind, "?")
	body := map[string]any{"subject": fmt.Sprintf("person-%d", worker%people)}
	if kind == "consent" {
		body = map[string]any{"grant_scope": a.scope}
	}
	challenge := page.Query().Get(kind + "_challenge")
	if !found || challenge == "" {
		return nil, fmt.Errorf("neither login nor consent: %.200q", page)
	}
	if a.remember {
		body["remember"], body["remember_for"] = true, 0
	}
	path, query := "/admin/oauth2/auth/requests/"+kind, "?"+kind+"_challenge="+url.QueryEscape(challenge)
	if a.check {
		var asked struct {
			Skip bool `json:"skip"`
		}
		got, err := c.Do(wire.Request("GET", a.address, path+query, ""))
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(got.Body, &asked); err != nil || got.Status != 200 || !asked.Skip {
			return nil, fmt.Errorf("%s is not remembered: %d %.300q", kind, got.Status, got.Body)
		}
	}
	sent, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	got, err := c.Do(wire.Request("PUT", a.address, path+"/accept"+query, string(sent), "Content-Type: application/json"))
	if err != nil {
		return nil, err
	}
	var accepted struct {
		To string `json:"redirect_to"`
	}
	if err := json.Unmarshal(got.Body, &accepted); err != nil || got.Status != 200 || accepted.To == "" {
		return nil, fmt.Errorf("accepting %s: answered %d %.300q", kind, got.Status, got.Body)
	}
	return url.Parse(accepted.To)
}

func (c caller) remove(ctx context.Context, path string) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodDelete, c.base+path, nil)
	if err != nil {
		return err
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	if a.StatusCode/100 != 2 && a.StatusCode != http.StatusNotFound {
		err = fmt.Errorf("%s: DELETE answered %d", path, a.StatusCode)
	}
	return errors.Join(err, a.Body.Close())
}
