package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/admit-id/admit/client"
	"github.com/admit-id/admit/test/load/drive"
	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/rig"
)

// bench is one run: two servers, the people who are signed in, and what was measured.
type bench struct {
	settings settings
	folder   string
	log      *os.File
	server   drive.Server
	admit    *rig.Admit
	floor    *proc.Process
	floorAt  string
	people   []*drive.Person
	browsers []*drive.Person // that renew, one for each connection

	ops    []*operation
	starts []float64 // milliseconds
	idle   int64     // bytes
	loaded int64
}

// setUp starts the servers and fills Admit. On failure nothing is left running.
func setUp(ctx context.Context, s settings) (b *bench, err error) {
	b = &bench{settings: s}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w%s", err, rig.LastWords(b.folder))
			b.close()
		}
	}()
	if b.folder, err = os.MkdirTemp("", "admit-load-"); err != nil {
		return b, err
	}
	if b.log, err = os.Create(filepath.Join(b.folder, "server.log")); err != nil {
		return b, err
	}
	if b.floor, b.floorAt, err = rig.Floor(b.log); err != nil {
		return b, err
	}
	if b.admit, err = rig.NewAdmit(s.admit, b.folder, s.database, "", b.log); err != nil {
		return b, err
	}
	if _, err = b.admit.Start(); err != nil {
		return b, err
	}
	b.server = drive.Server{Address: b.admit.Address, Host: b.admit.Host}
	for i := range s.people {
		p, err := b.server.SignIn(fmt.Sprintf("load-%d@example.test", i))
		if err != nil {
			return b, fmt.Errorf("signing in: %w", err)
		}
		b.people = append(b.people, p)
	}
	for i := range slices.Max(s.connections) {
		p, err := b.server.SignIn(fmt.Sprintf("renews-%d@example.test", i))
		if err != nil {
			return b, fmt.Errorf("signing in: %w", err)
		}
		b.browsers = append(b.browsers, p)
	}
	return b, b.fill(ctx)
}

// fill gives every person a hundred resources of their own and makes up the rest with
// other people's.
func (b *bench) fill(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	_, c, err := b.admit.Key(ctx, "load")
	if err != nil {
		return err
	}
	for i := range b.settings.grants / perPerson {
		who := fmt.Sprintf("u_other_%d", i)
		if i < len(b.people) {
			who = b.people[i].Subject
		}
		record := client.Record{
			ID: fmt.Sprintf("load-%d", i), Name: "Load", Users: []client.UserRef{{UserID: who}},
			Statements: []client.Statement{{Roles: []string{"Authress:ReadResource"}, Resources: make([]client.ResourceRef, perPerson)}},
		}
		for n := range record.Statements[0].Resources {
			record.Statements[0].Resources[n].ResourceURI = resource(i, n)
		}
		if _, err := c.CreateRecord(ctx, record); err != nil {
			return fmt.Errorf("making grants: %w", err)
		}
	}
	return nil
}

// perPerson is how many resources one record gives.
const perPerson = 100

// resource is the n-th document of the i-th person.
func resource(i, n int) string { return fmt.Sprintf("accounts/a%d/documents/d%d", i, n) }

func (b *bench) close() {
	var errs []error
	if b.admit != nil {
		errs = append(errs, b.admit.Stop())
	}
	if b.floor != nil {
		errs = append(errs, b.floor.Stop())
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
	}
	if b.log != nil {
		b.log.Close()
	}
	if b.folder != "" {
		os.RemoveAll(b.folder)
	}
}
