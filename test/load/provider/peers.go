package provider

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/rig"
	"github.com/admit-id/admit/test/load/wire"
)

// startDex starts Dex on SQLite, durable. Its mock connector stands for the session: it signs a
// person in without a page, by three redirects.
func (r *run) startDex(ctx context.Context) (*target, error) {
	binary := filepath.Join(r.config.Peers, "dex")
	if _, err := os.Stat(binary); r.config.Peers == "" || err != nil {
		r.absent = append(r.absent, "Dex")
		return nil, nil
	}
	address, err := rig.FreePort()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp(r.folder, "dex-")
	if err != nil {
		return nil, err
	}
	const secret = "load-secret-0123456789"
	config := fmt.Sprintf(`issuer: http://%[1]s
storage: {type: sqlite3, config: {file: %[2]q}}
web: {http: %[1]q}
logger: {level: error}
signer: {type: local, config: {keysRotationPeriod: 24h}}
oauth2: {skipApprovalScreen: true, grantTypes: [authorization_code, refresh_token, client_credentials]}
connectors: [{type: mockCallback, id: mock, name: Mock}]
staticClients:
`, address, filepath.Join(folder, "dex.db"))
	clients := []credential{{id: "load", secret: secret, redirect: redirect}}
	for i := range connections[len(connections)-1] { // a person has one family of tokens a client
		clients = append(clients, credential{id: fmt.Sprintf("load-%d", i), secret: secret, redirect: redirect})
	}
	for _, c := range clients {
		config += fmt.Sprintf("- {id: %s, secret: %q, name: Load, redirectURIs: [%q]}\n", c.id, c.secret, c.redirect)
	}
	file := filepath.Join(folder, "dex.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	p, err := proc.Start(r.log, binary, "serve", file)
	if err != nil {
		return nil, err
	}
	t := r.peer("Dex", "SQLite", address, p)
	s := &server{host: address, token: "/token", authorize: "/auth", introspect: "/token/introspect", userinfo: "/userinfo", keys: "/keys",
		discoveryPath: "/.well-known/openid-configuration", scope: "openid offline_access", serviceScope: "openid"}
	s.service, s.web, s.families = clients[0], clients[0], clients[1:]
	return t, ready(ctx, p, s, t)
}

// startOIDCProvider starts npm's oidc-provider with EdDSA in memory: nothing is kept.
func (r *run) startOIDCProvider(ctx context.Context) (*target, error) {
	script := filepath.Join(r.config.Modules, "load", "provider", "oidc-provider.mjs")
	node, err := exec.LookPath("node")
	if _, missing := os.Stat(filepath.Join(r.config.Modules, "node_modules", "oidc-provider")); err != nil || missing != nil {
		r.absent = append(r.absent, "oidc-provider")
		return nil, nil
	}
	address, err := rig.FreePort()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	const secret = "load-secret-0123456789"
	p, err := proc.Start(r.log, node, script, port, secret, redirect)
	if err != nil {
		return nil, err
	}
	t := r.peer("oidc-provider", "memory, nothing kept", address, p)
	s := &server{host: address, token: "/token", authorize: "/auth", introspect: "/token/introspection", userinfo: "/me", keys: "/jwks",
		discoveryPath: "/.well-known/openid-configuration", scope: "openid offline_access", extra: "&prompt=none", serviceScope: "api", introspectsPerson: true}
	s.service = credential{id: "service", secret: secret}
	s.web = credential{id: "web", redirect: redirect}
	if _, err := rig.WaitFor(p, address, s.discoveryPath); err != nil {
		return nil, fmt.Errorf("oidc-provider: %w%s", err, stopAfter(t))
	}
	c, err := wire.New(address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	for range people {
		a, err := c.Do(wire.Request("GET", address, "/load/session", ""))
		if err != nil || a.Status != 200 || len(a.Body) == 0 {
			return nil, fmt.Errorf("oidc-provider: no session: %d %v%s", a.Status, err, stopAfter(t))
		}
		s.cookies = append(s.cookies, string(bytes.TrimSpace(a.Body)))
	}
	return t, ready(ctx, p, s, t)
}

func (r *run) peer(name, store, address string, p *proc.Process) *target {
	t := newTarget(name, store, address)
	t.peer = true
	t.cpu = func() time.Duration { return proc.TreeCPU(p.PID()) }
	t.rss = func() int64 { return proc.RSS(p.PID()) }
	t.stop = func() error { return ended(p) }
	return t
}

// ready waits for a peer and lets it offer what it can.
func ready(ctx context.Context, p *proc.Process, s *server, t *target) error {
	if _, err := rig.WaitFor(p, t.address, s.discoveryPath); err != nil {
		return fmt.Errorf("%s: %w%s", t.name, err, stopAfter(t))
	}
	t.idle = t.rss()
	if err := s.offer(ctx, t); err != nil {
		return fmt.Errorf("%s: %w%s", t.name, err, stopAfter(t))
	}
	return nil
}
