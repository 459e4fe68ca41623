package peer

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/admit-id/admit/test/load/org"
	"github.com/admit-id/admit/test/load/rig"
)

const spiceSchema = `
definition user {}
definition group {
	relation member: user
}
definition account {
	relation owner: user | group#member
	relation editor: user | group#member
	relation viewer: user | group#member
	permission delete = owner
	permission update = editor + delete
	permission read = viewer + update
}
definition project {
	relation parent: account
	relation owner: user | group#member
	relation editor: user | group#member
	relation viewer: user | group#member
	permission delete = owner + parent->delete
	permission update = editor + delete + parent->update
	permission read = viewer + update + parent->read
}
definition doc {
	relation parent: project
	relation owner: user | group#member
	relation editor: user | group#member
	relation viewer: user | group#member
	permission delete = owner + parent->delete
	permission update = editor + delete + parent->update
	permission read = viewer + update + parent->read
}`

const (
	spiceToken = "bench"
	spiceStale = 6 * time.Second // how old an answer may be as SpiceDB is shipped, and a little more
)

func startSpiceDB(ctx context.Context, p *Peer, o *org.Org) error {
	grpc, err := rig.FreePort()
	if err != nil {
		return err
	}
	args := []string{"serve", "--grpc-addr", grpc, "--grpc-preshared-key", spiceToken, "--metrics-enabled=false", "--telemetry-endpoint", "",
		"--log-level", "error", "--skip-release-check", "--grpc-max-conn-age", "1h"}
	uri := ""
	p.Config = "memory (nothing kept)"
	if p.uses {
		p.Config = "PostgreSQL"
		if uri, err = p.env.Postgres.Create(ctx); err != nil {
			return err
		}
		out, err := exec.CommandContext(ctx, filepath.Join(p.env.Binaries, "spicedb"), "datastore", "migrate", "head", "--skip-release-check",
			"--datastore-engine", "postgres", "--datastore-conn-uri", uri).CombinedOutput()
		if err != nil {
			return fmt.Errorf("migrate: %w: %.500s", err, out)
		}
		args = append(args, "--datastore-engine", "postgres", "--datastore-conn-uri", uri)
	}
	p.Config += ", gRPC, a preshared key, caches as shipped (on), minimize_latency: answers up to 5 s old"
	if err := p.run("spicedb", args...); err != nil {
		return err
	}
	d := dial(grpc, spiceToken)
	p.close = d.close
	err = p.await(ctx, func() error {
		_, err := d.call(ctx, 0, "/authzed.api.v1.SchemaService/WriteSchema", frame(text(nil, 1, spiceSchema)))
		return err
	})
	if err != nil {
		return err
	}
	err = inBatches(tuples(o), 5000, func(worker int, batch []tuple) error {
		var stream []byte
		for from := 0; from < len(batch); from += 1000 {
			var q []byte
			for _, t := range batch[from:min(from+1000, len(batch))] {
				q = message(q, 1, t.spice())
			}
			stream = append(stream, frame(q)...)
		}
		_, err := d.call(ctx, worker, "/authzed.api.v1.PermissionsService/ImportBulkRelationships", stream)
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
	time.Sleep(spiceStale)
	p.prepare = func(checks []org.Check) func(int) (rig.Worker, error) {
		return d.calls("/authzed.api.v1.PermissionsService/CheckPermission", checks, spiceCheck, func(answer []byte) (bool, error) {
			permissionship, err := field(answer, 2)
			return permissionship == 2, err // PERMISSIONSHIP_HAS_PERMISSION
		})
	}
	return nil
}

func spiceCheck(c org.Check) []byte {
	kind, id := org.Object(c.Resource)
	q := message(nil, 1, number(nil, 1, 1)) // minimize_latency
	q = message(q, 2, reference(kind, id))
	return message(text(q, 3, c.Action), 4, message(nil, 1, reference("user", c.User)))
}

func reference(kind, id string) []byte { return text(text(nil, 1, kind), 2, id) }

// spice is a tuple as SpiceDB takes it.
func (t tuple) spice() []byte {
	subject := message(nil, 1, reference(t.subjectKind, t.subject))
	if t.subjectRelation != "" {
		subject = text(subject, 2, t.subjectRelation)
	}
	return message(text(message(nil, 1, reference(t.kind, t.id)), 2, t.relation), 3, subject)
}
