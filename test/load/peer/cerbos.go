package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/admit-id/admit/test/load/org"
	"github.com/admit-id/admit/test/load/rig"
	"github.com/admit-id/admit/test/load/wire"
)

const cerbosPolicy = `apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: doc
  version: default
  rules:
    - actions: [read]
      effect: EFFECT_ALLOW
      roles: [user]
      condition: {match: {expr: '"viewer" in R.attr.callerRoles || "editor" in R.attr.callerRoles || "owner" in R.attr.callerRoles'}}
    - actions: [update]
      effect: EFFECT_ALLOW
      roles: [user]
      condition: {match: {expr: '"editor" in R.attr.callerRoles || "owner" in R.attr.callerRoles'}}
    - actions: [delete]
      effect: EFFECT_ALLOW
      roles: [user]
      condition: {match: {expr: '"owner" in R.attr.callerRoles'}}
`

func startCerbos(ctx context.Context, p *Peer, o *org.Org) error {
	folder := filepath.Join(p.env.Folder, "cerbos-"+o.Name())
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "doc.yaml"), []byte(cerbosPolicy), 0o600); err != nil {
		return err
	}
	web, grpc, err := twoPorts()
	if err != nil {
		return err
	}
	config := filepath.Join(p.env.Folder, "cerbos-"+o.Name()+".yaml")
	settings := fmt.Sprintf("server: {httpListenAddr: %q, grpcListenAddr: %q, logRequestPayloads: false}\n"+
		"storage: {driver: disk, disk: {directory: %q, watchForChanges: false}}\ntelemetry: {disabled: true}\naudit: {enabled: false}\n", web, grpc, folder)
	if err := os.WriteFile(config, []byte(settings), 0o600); err != nil {
		return err
	}
	p.Config = "policies from disk, HTTP, no logs, no authentication; holds no grants: each request carries the roles that its caller has looked up"
	if err := p.run("cerbos", "server", "--config", config, "--log-level", "error"); err != nil {
		return err
	}
	probe := cerbosBody(o, o.Checks[0])
	if err := p.await(ctx, func() error { return post(ctx, web, "/api/check/resources", probe, nil) }); err != nil {
		return err
	}
	p.prepare = func(checks []org.Check) func(int) (rig.Worker, error) {
		requests := make([][]byte, len(checks))
		for i, c := range checks {
			requests[i] = wire.Request("POST", rig.HostOf(web), "/api/check/resources", cerbosBody(o, c), "Content-Type: application/json")
		}
		return func(int) (rig.Worker, error) {
			conn, err := wire.New(web)
			return &asker{checks: checks, end: func() { conn.Close() }, ask: func(_ context.Context, i int) (bool, error) {
				a, err := conn.Do(requests[i])
				if err != nil {
					return false, err
				}
				if a.Status != 200 {
					return false, fmt.Errorf("%d %.200s", a.Status, a.Body)
				}
				return bytes.Contains(a.Body, []byte(`"EFFECT_ALLOW"`)), nil
			}}, err
		}
	}
	return nil
}

func cerbosBody(o *org.Org, c org.Check) string {
	roles := o.HeldRoles(c.User, c.Resource)
	if roles == nil {
		roles = []string{}
	}
	type object = map[string]any
	body, _ := json.Marshal(object{"requestId": "b", "principal": object{"id": c.User, "roles": []string{"user"}, "attr": object{}}, // always encodes
		"resources": []object{{"actions": []string{c.Action}, "resource": object{"kind": "doc", "id": c.Resource, "attr": object{"callerRoles": roles}}}}})
	return string(body)
}
