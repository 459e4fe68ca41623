package rig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/admit-id/admit/test/load/proc"
)

// Postgres is a PostgreSQL on this machine, in which every server under test gets a database of
// its own.
type Postgres struct {
	url        *url.URL
	conn       *pgx.Conn
	postmaster int
	made       []string
	Settings   string // of durability, for the report
}

// OpenPostgres connects to a server on a loopback address; the role must be allowed to create
// databases.
func OpenPostgres(ctx context.Context, address string) (*Postgres, error) {
	u, err := url.Parse(address)
	if err != nil || net.ParseIP(u.Hostname()) == nil || !net.ParseIP(u.Hostname()).IsLoopback() {
		return nil, errors.New("rig: PostgreSQL must be given as postgres://USER@127.0.0.1:PORT/NAME")
	}
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, err
	}
	p := &Postgres{url: u, conn: conn}
	var backend int
	var version, fsync, commit string
	if err := conn.QueryRow(ctx, "SELECT pg_backend_pid(), current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')").
		Scan(&backend, &version, &fsync, &commit); err != nil {
		return nil, err
	}
	p.Settings = fmt.Sprintf("PostgreSQL %s, `fsync=%s`, `synchronous_commit=%s`", version, fsync, commit)
	if p.postmaster = proc.Parent(backend); p.postmaster == 0 {
		return nil, errors.New("rig: PostgreSQL does not run on this machine")
	}
	return p, nil
}

// Create makes an empty database and returns its URL.
func (p *Postgres) Create(ctx context.Context) (string, error) {
	name := "admit_bench_" + strconv.Itoa(os.Getpid()) + "_" + strconv.Itoa(len(p.made))
	if _, err := p.conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	p.made = append(p.made, name)
	u := *p.url
	u.Path = "/" + name
	return u.String(), nil
}

// Settle lets PostgreSQL gather its statistics and write out what was loaded, so that neither
// happens while something is measured.
func (p *Postgres) Settle(ctx context.Context, database string) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "VACUUM ANALYZE")
	return err
}

// CPU returns what the whole of PostgreSQL has used.
func (p *Postgres) CPU() time.Duration { return proc.TreeCPU(p.postmaster) }

// Deafen cuts every connection of a database that waits for notifications, again and again,
// until ctx ends.
func (p *Postgres) Deafen(ctx context.Context, database string) error {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for ctx.Err() == nil {
		_, err := conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'LISTEN %'")
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// Close drops what Create made.
func (p *Postgres) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var errs []error
	for _, name := range p.made {
		// Not WITH (FORCE), which would have to end PostgreSQL's own vacuuming too and may not.
		_, err := p.conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name)
		for tries := 0; err != nil && tries < 20; tries++ {
			time.Sleep(250 * time.Millisecond)
			_, err = p.conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name)
		}
		errs = append(errs, err)
	}
	p.made = nil
	return errors.Join(append(errs, p.conn.Close(ctx))...)
}
