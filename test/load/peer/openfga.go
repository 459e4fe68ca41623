package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/admit-id/admit/test/load/org"
	"github.com/admit-id/admit/test/load/rig"
)

func startOpenFGA(ctx context.Context, p *Peer, o *org.Org) error {
	engine, uri := "sqlite", "file:"+filepath.Join(p.env.Folder, "openfga-"+o.Name()+".db")
	p.Config = "SQLite"
	var err error
	if p.uses {
		engine, p.Config = "postgres", "PostgreSQL"
		if uri, err = p.env.Postgres.Create(ctx); err != nil {
			return err
		}
	}
	p.Config += ", gRPC, caches as shipped (off), no logs, no authentication"
	binary := filepath.Join(p.env.Binaries, "openfga")
	if out, err := exec.CommandContext(ctx, binary, "migrate", "--datastore-engine", engine, "--datastore-uri", uri).CombinedOutput(); err != nil {
		return fmt.Errorf("migrate: %w: %.500s", err, out)
	}
	grpc, web, err := twoPorts()
	if err != nil {
		return err
	}
	if err := p.run("openfga", "run", "--datastore-engine", engine, "--datastore-uri", uri, "--grpc-addr", grpc, "--http-addr", web,
		"--playground-enabled=false", "--metrics-enabled=false", "--log-level", "none", "--max-tuples-per-write", "1000", "--request-timeout", "60s"); err != nil {
		return err
	}
	if err := p.await(ctx, func() error { return post(ctx, web, "/stores", `{"name":"ready"}`, nil) }); err != nil {
		return err
	}
	var store struct{ ID string }
	var model struct {
		ID string `json:"authorization_model_id"`
	}
	if err := post(ctx, web, "/stores", `{"name":"bench"}`, &store); err != nil {
		return err
	}
	if err := post(ctx, web, "/stores/"+store.ID+"/authorization-models", fgaModel(), &model); err != nil {
		return err
	}
	d := dial(grpc, "")
	p.close = d.close
	err = inBatches(tuples(o), 1000, func(worker int, batch []tuple) error {
		var writes []byte
		for _, t := range batch {
			writes = message(writes, 1, t.fga())
		}
		q := text(message(text(nil, 1, store.ID), 2, writes), 4, model.ID)
		_, err := d.call(ctx, worker, "/openfga.v1.OpenFGAService/Write", frame(q))
		return err
	})
	if err != nil {
		return err
	}
	if p.uses {
		if err := p.env.Postgres.Settle(ctx, uri); err != nil {
			return err
		}
	}
	p.prepare = func(checks []org.Check) func(int) (rig.Worker, error) {
		return d.calls("/openfga.v1.OpenFGAService/Check", checks, func(c org.Check) []byte {
			kind, id := org.Object(c.Resource)
			t := tuple{kind, id, org.RoleFor(c.Action), "user", c.User, ""}
			return text(message(text(nil, 1, store.ID), 2, t.fga()), 4, model.ID)
		}, func(answer []byte) (bool, error) {
			allowed, err := field(answer, 1)
			return allowed == 1, err
		})
	}
	return nil
}

// fga is a tuple as OpenFGA takes it.
func (t tuple) fga() []byte {
	subject := t.subjectKind + ":" + t.subject
	if t.subjectRelation != "" {
		subject += "#" + t.subjectRelation
	}
	return text(text(text(nil, 1, subject), 2, t.relation), 3, t.kind+":"+t.id)
}

// fgaModel says that a role has all of the weaker ones and holds below.
func fgaModel() string {
	type any = map[string]interface{}
	this := any{"this": any{}}
	types := []any{{"type": "user"}, {"type": "group", "relations": any{"member": this},
		"metadata": any{"relations": any{"member": any{"directly_related_user_types": []any{{"type": "user"}}}}}}}
	parent := ""
	for _, kind := range []string{"account", "project", "doc"} {
		relations, meta := any{}, any{}
		for i, role := range org.Roles {
			ways := []any{this}
			if i+1 < len(org.Roles) {
				ways = append(ways, any{"computedUserset": any{"relation": org.Roles[i+1]}})
			}
			if parent != "" {
				ways = append(ways, any{"tupleToUserset": any{"tupleset": any{"relation": "parent"}, "computedUserset": any{"relation": role}}})
			}
			relations[role] = any{"union": any{"child": ways}}
			if len(ways) == 1 {
				relations[role] = this
			}
			meta[role] = any{"directly_related_user_types": []any{{"type": "user"}, {"type": "group", "relation": "member"}}}
		}
		if parent != "" {
			relations["parent"] = this
			meta["parent"] = any{"directly_related_user_types": []any{{"type": parent}}}
		}
		types = append(types, any{"type": kind, "relations": relations, "metadata": any{"relations": meta}})
		parent = kind
	}
	text, _ := json.Marshal(any{"schema_version": "1.1", "type_definitions": types}) // maps of texts always encode
	return string(text)
}

func twoPorts() (a, b string, err error) {
	if a, err = rig.FreePort(); err != nil {
		return "", "", err
	}
	b, err = rig.FreePort()
	return a, b, err
}

// post sends JSON and reads JSON.
func post(ctx context.Context, address, path, body string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %d %.300s", path, response.StatusCode, bytes.TrimSpace(answer))
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
