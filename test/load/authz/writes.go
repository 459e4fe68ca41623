package authz

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/admit-id/admit/client"
	"github.com/admit-id/admit/test/load/org"
	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/rig"
	"github.com/admit-id/admit/test/load/wire"
)

// toggle gives and takes one grant, and asks about it.
type toggle struct {
	write, read *wire.Conn
	give, take  rig.Request
	question    []byte
	acks, waits []time.Duration
	late        int           // answers after the write's that were not yet the new ones
	between     time.Duration // questions, so that asking does not take the nodes' processors
}

func newToggle(a, b *rig.Admit, token, name string) (*toggle, error) {
	write, err := wire.New(a.Address)
	if err != nil {
		return nil, err
	}
	read, err := wire.New(b.Address)
	if err != nil {
		return nil, err
	}
	c := org.Check{User: "u-" + name, Action: "read", Resource: "accounts/visible/projects/p/docs/" + name}
	record := client.Record{ID: "visible-" + name, Name: "Visible", Users: []client.UserRef{{UserID: c.User}},
		Statements: []client.Statement{{Roles: []string{org.Viewer}, Resources: []client.ResourceRef{{ResourceURI: c.Resource}}}}}
	w := writer{a.Host, token}
	return &toggle{write: write, read: read, give: w.send("POST", "/v1/records", record, created),
		take: w.send("DELETE", "/v1/records/"+record.ID, nil, 204), question: ask(b.Host, token, c).Bytes}, nil
}

// turn writes and asks until the answer is the new one, at most for ten seconds.
func (t *toggle) turn(ctx context.Context, give bool) error {
	q := t.take
	if give {
		q = t.give
	}
	began := time.Now()
	a, err := t.write.Do(q.Bytes)
	if err == nil {
		err = q.Wrong(a)
	}
	if err != nil {
		return err
	}
	acked := time.Now()
	t.acks = append(t.acks, acked.Sub(began))
	for n := 0; ; n++ {
		yes, err := answered(t.read, t.question)
		if err != nil {
			return err
		}
		if yes == give {
			break
		}
		t.late++
		time.Sleep(t.between)
		if time.Since(acked) > 10*time.Second || ctx.Err() != nil {
			return errors.Join(errors.New("a write was not seen within 10 s"), ctx.Err())
		}
	}
	t.waits = append(t.waits, time.Since(acked))
	return nil
}

// run turns for a time.
func (t *toggle) run(ctx context.Context, d time.Duration) error {
	defer t.write.Close()
	defer t.read.Close()
	for end := time.Now().Add(d); time.Now().Before(end); {
		for _, give := range []bool{true, false} {
			if err := t.turn(ctx, give); err != nil {
				return err
			}
		}
	}
	return nil
}

// takeVisible measures, on one node, the answer that follows a write. A single late one is wrong.
func (r *run) takeVisible(ctx context.Context) error {
	t, err := newToggle(r.admit, r.admit, r.token, "same")
	if err != nil {
		return err
	}
	if err := t.run(ctx, 2*r.config.Duration); err != nil {
		return err
	}
	if t.late > 0 {
		return fmt.Errorf("%d answers after an acknowledged write were old", t.late)
	}
	r.same, r.seen = timingOf(t.acks), timingOf(t.waits)
	return nil
}

// recorder writes new records, one after the other.
type recorder struct {
	conn *wire.Conn
	w    writer
	next *atomic.Int64
}

func (r *recorder) Close() { r.conn.Close() }

func (r *recorder) Do(context.Context, int) error {
	n := r.next.Add(1)
	record := client.Record{ID: fmt.Sprintf("write-%d", n), Name: "Write", Users: []client.UserRef{{UserID: fmt.Sprintf("w%d", n%1000)}},
		Statements: []client.Statement{{Roles: []string{org.Viewer}, Resources: []client.ResourceRef{{ResourceURI: fmt.Sprintf("accounts/w/docs/d%d", n)}}}}}
	q := r.w.send("POST", "/v1/records", record, created)
	a, err := r.conn.Do(q.Bytes)
	if err != nil {
		return err
	}
	return q.Wrong(a)
}

// writing measures 16 writers of one grant a record.
func (r *run) writing(ctx context.Context, a *rig.Admit, token string, cpu func() time.Duration) (rig.Point, error) {
	var next atomic.Int64
	return rig.Take(ctx, &rig.Load{Connections: 16, Count: 1, Open: func(int) (rig.Worker, error) {
		conn, err := wire.New(a.Address)
		return &recorder{conn, writer{a.Host, token}, &next}, err
	}}, cpu, r.config.Warm, 3*r.config.Duration)
}

func (r *run) takeWrites(ctx context.Context) (err error) {
	r.writes, err = r.writing(ctx, r.admit, r.token, r.admit.CPU)
	return err
}

// takeNodes measures writes on PostgreSQL, and how long a second node takes to see one, with
// notifications and while their connections are cut all the time.
func (r *run) takeNodes(ctx context.Context) (err error) {
	if r.pg == nil {
		r.late = "not measured: no PostgreSQL was given"
		return nil
	}
	database, err := r.pg.Create(ctx)
	if err != nil {
		return err
	}
	a, err := r.newAdmit("node-a", database, "")
	if err != nil {
		return err
	}
	if _, err := a.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Stop()) }()
	token, _, err := keyOf(ctx, a, "load")
	if err != nil {
		return err
	}
	if err := sendAll(ctx, a, writer{a.Host, token}.roles()); err != nil {
		return err
	}
	b, err := r.newAdmit("node-b", database, a.Host)
	if err != nil {
		return err
	}
	if _, err := b.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Stop()) }()
	b.Host = a.Host
	if r.nodes, err = r.other(ctx, a, b, token, "heard"); err != nil {
		return err
	}
	deaf, stop := context.WithCancel(ctx)
	defer stop()
	cut := make(chan error, 1)
	go func() { cut <- r.pg.Deafen(deaf, database) }()
	if err := pause(ctx, 200*time.Millisecond); err != nil {
		return err
	}
	if r.deaf, err = r.other(ctx, a, b, token, "deaf"); err != nil {
		return err
	}
	stop()
	if err := <-cut; err != nil {
		return err
	}
	if r.writesPG, err = r.writing(ctx, a, token, func() time.Duration { return a.CPU() + r.pg.CPU() }); err != nil {
		return err
	}
	return nil
}

func (r *run) other(ctx context.Context, a, b *rig.Admit, token, name string) (timing, error) {
	t, err := newToggle(a, b, token, name)
	if err != nil {
		return timing{}, err
	}
	t.between = 200 * time.Microsecond
	err = t.run(ctx, 4*r.config.Duration)
	return timingOf(t.waits), err
}

// startTime bounds how long filling the database of the large start may take.
const startTime = 60 * time.Second

// takeStart fills a database with a million grants as fast as the public interface takes them,
// and starts a server on it.
func (r *run) takeStart(ctx context.Context) (err error) {
	grants := 1_000_000
	if r.config.Small {
		grants = 10_000
	}
	a, err := r.newAdmit("large", "", "")
	if err != nil {
		return err
	}
	if _, err := a.Start(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Stop()) }()
	token, _, err := keyOf(ctx, a, "load")
	if err != nil {
		return err
	}
	w := writer{a.Host, token}
	if err := sendAll(ctx, a, w.roles()); err != nil {
		return err
	}
	requests := w.bulk(grants)
	l := rig.Wire(a.Address, requests, 16)
	l.Once = true
	if err := l.Run(ctx, startTime); err != nil {
		return err
	}
	r.startGrants = grants * len(l.Latencies) / len(requests)
	for range 3 {
		if err := a.Stop(); err != nil {
			return err
		}
		took, err := a.Start()
		if err != nil {
			return err
		}
		r.starts = append(r.starts, took.Seconds())
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	r.startRSS = proc.RSS(a.PID())
	return nil
}
