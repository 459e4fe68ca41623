package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/admit-id/admit/test/load/drive"
	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/rig"
)

const people = 16 // who are signed in

// redirect is where the measured application lives. Nothing listens there.
const redirect = "https://app.example.test/callback"

// startAdmit starts Admit on a database of its own, signs people in and makes the two clients.
func (r *run) startAdmit(ctx context.Context, database string) (*target, error) {
	store, folder := "SQLite", filepath.Join(r.folder, "sqlite")
	if database != "" {
		store, folder = "PostgreSQL", filepath.Join(r.folder, "postgresql")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	a, err := rig.NewAdmit(r.config.Binary, folder, database, "", r.log)
	if err != nil {
		return nil, err
	}
	if _, err := a.Start(); err != nil {
		return nil, err
	}
	t := newTarget("Admit", store, a.Address)
	t.stop = a.Stop
	t.rss = func() int64 { return proc.RSS(a.PID()) }
	t.cpu = r.cpuOf(a.PID(), database != "")
	s := &server{host: a.Host, token: "/oauth/token", authorize: "/oauth/authorize", introspect: "/oauth/introspect", userinfo: "/oauth/userinfo",
		keys: "/.well-known/jwks.json", discoveryPath: "/.well-known/openid-configuration", scope: "openid profile email offline_access"}
	if err := s.fill(ctx, a); err != nil {
		return nil, fmt.Errorf("%w%s", err, stopAfter(t))
	}
	time.Sleep(time.Second)
	t.idle = t.rss()
	if err := s.offer(ctx, t); err != nil {
		return nil, fmt.Errorf("%w%s", err, stopAfter(t))
	}
	return t, nil
}

// stopAfter stops a target whose start failed, and tells if that failed too.
func stopAfter(t *target) string {
	if err := t.stop(); err != nil {
		return "; " + err.Error()
	}
	return ""
}

// cpuOf tells what a process has used, and with it PostgreSQL, which only one target works with at a time.
func (r *run) cpuOf(pid int, postgres bool) func() time.Duration {
	return func() time.Duration {
		sum := proc.CPU(pid)
		if postgres {
			sum += r.pg.CPU()
		}
		return sum
	}
}

func (s *server) fill(ctx context.Context, a *rig.Admit) error {
	browsers := drive.Server{Address: a.Address, Host: a.Host}
	for i := range people {
		p, err := browsers.SignIn(fmt.Sprintf("load-%d@example.test", i))
		if err != nil {
			return fmt.Errorf("signing in: %w", err)
		}
		s.cookies = append(s.cookies, p.Cookies())
	}
	for i := range connections[len(connections)-1] {
		p, err := browsers.SignIn(fmt.Sprintf("renews-%d@example.test", i))
		if err != nil {
			return fmt.Errorf("signing in: %w", err)
		}
		s.renews = append(s.renews, p)
	}
	key, _, err := a.Key(ctx, "provider")
	if err != nil {
		return err
	}
	bearer, err := key.Token(ctx, "http://"+a.Public())
	if err != nil {
		return err
	}
	call := caller{base: "http://" + a.Public(), bearer: bearer}
	s.web = credential{id: "app_load_web", redirect: redirect}
	if err := call.post(ctx, "/v1/applications", map[string]any{"applicationId": s.web.id, "name": "Load", "redirectUrls": []string{redirect},
		"oauth": map[string]any{"tokenEndpointAuthMethod": "none"}}, nil); err != nil {
		return err
	}
	s.service.id = "app_load_service"
	if err := call.post(ctx, "/v1/applications", map[string]any{"applicationId": s.service.id, "name": "Service",
		"oauth": map[string]any{"tokenEndpointAuthMethod": "client_secret_basic", "grantTypes": []string{"client_credentials"}}}, nil); err != nil {
		return err
	}
	var made struct {
		ClientSecret string `json:"clientSecret"`
	}
	err = call.post(ctx, "/v1/applications/"+s.service.id+"/secrets", map[string]any{}, &made)
	s.service.secret = made.ClientSecret
	return err
}

// caller calls the management interface.
type caller struct{ base, bearer string }

func (c caller) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+c.bearer)
	q.Header.Set("Content-Type", "application/json")
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(a.Body); err != nil {
		return err
	}
	if a.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %d %.300q", path, a.StatusCode, text.String())
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text.Bytes(), out)
}
