package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/admit-id/admit/client"
	"github.com/admit-id/admit/test/load/drive"
	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/wire"
)

// readyTime bounds how long a server may take to answer after its start.
const readyTime = 15 * time.Second

// bench is one run: two servers, the people who are signed in, and what was measured.
type bench struct {
	settings settings
	folder   string
	log      *os.File
	server   drive.Server
	flags    []string
	admit    *proc.Process
	floor    *proc.Process
	floorAt  string
	people   []*drive.Person

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
			err = fmt.Errorf("%w%s", err, b.lastWords())
			b.close()
		}
	}()
	if b.folder, err = os.MkdirTemp("", "admit-load-"); err != nil {
		return b, err
	}
	if b.log, err = os.Create(filepath.Join(b.folder, "server.log")); err != nil {
		return b, err
	}
	if err = b.startFloor(); err != nil {
		return b, err
	}
	port, err := freePort()
	if err != nil {
		return b, err
	}
	b.server = drive.Server{Address: "127.0.0.1:" + port, Host: "localhost:" + port}
	b.flags = []string{"--dev", "--listen", b.server.Address, "--public-url", "http://" + b.server.Host, "--data-dir", b.folder, "--rate-limit-scale", "1000"}
	if s.database != "" {
		b.flags = append(b.flags, "--database", s.database)
		if err = masterKey(); err != nil {
			return b, err
		}
	}
	if _, err = b.start(); err != nil {
		return b, err
	}
	for i := range s.people {
		p, err := b.server.SignIn(fmt.Sprintf("load-%d@example.test", i))
		if err != nil {
			return b, fmt.Errorf("signing in: %w", err)
		}
		b.people = append(b.people, p)
	}
	return b, b.fill(ctx)
}

// masterKey gives the server a key by the environment: with PostgreSQL it does not make its own.
func masterKey() error {
	const name = "ADMIT_MASTER_KEY"
	if os.Getenv(name) != "" {
		return nil
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails; see crypto/rand
	return os.Setenv(name, base64.StdEncoding.EncodeToString(key))
}

func (b *bench) startFloor() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	b.floorAt = "127.0.0.1:" + port
	if b.floor, err = proc.Start(b.log, self, "floor", b.floorAt); err != nil {
		return err
	}
	_, err = waitFor(b.floor, b.floorAt, "/v1/users/u/resources/r/permissions/p")
	return err
}

// start runs Admit and returns how long it took from the start of the process to the first
// answer that says it is ready.
func (b *bench) start() (took time.Duration, err error) {
	if b.admit, err = proc.Start(b.log, b.settings.admit, append([]string{"serve"}, b.flags...)...); err != nil {
		return 0, err
	}
	return waitFor(b.admit, b.server.Address, "/readyz")
}

// fill gives every person a hundred resources of their own and makes up the rest with
// other people's.
func (b *bench) fill(ctx context.Context) error {
	output, err := exec.Command(b.settings.admit, append([]string{"access-key", "create", "--client", "load", "--admin"}, b.keyFlags()...)...).Output()
	if err != nil {
		return fmt.Errorf("admit access-key create: %w", err)
	}
	key, err := client.ParseAccessKey(string(output))
	if err != nil {
		return err
	}
	c, err := client.New(client.Config{BaseURL: "http://" + b.server.Host, Credentials: key})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := accepted(ctx, c); err != nil {
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

// accepted waits until the server has heard of the key, which another process has made.
func accepted(ctx context.Context, c *client.Client) error {
	for {
		_, err := c.AuthorizeUser(ctx, "u_nobody", "accounts/a0", "READ")
		if !errors.Is(err, client.ErrUnauthenticated) || ctx.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// perPerson is how many resources one record gives.
const perPerson = 100

// resource is the n-th document of the i-th person.
func resource(i, n int) string { return fmt.Sprintf("accounts/a%d/documents/d%d", i, n) }

// keyFlags are the flags that a command beside the server needs to find its database.
func (b *bench) keyFlags() []string {
	flags := []string{"--data-dir", b.folder, "--public-url", "http://" + b.server.Host}
	if b.settings.database != "" {
		flags = append(flags, "--database", b.settings.database)
	}
	return flags
}

func (b *bench) close() {
	for _, p := range []*proc.Process{b.admit, b.floor} {
		if p != nil {
			if err := p.Stop(); err != nil {
				fmt.Fprintln(os.Stderr, "load:", err)
			}
		}
	}
	if b.log != nil {
		b.log.Close()
	}
	if b.folder != "" {
		os.RemoveAll(b.folder)
	}
}

// lastWords returns the end of the servers' output, to explain a failure.
func (b *bench) lastWords() string {
	data, err := os.ReadFile(filepath.Join(b.folder, "server.log"))
	if err != nil || len(data) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return "\nthe server said last:\n  " + strings.Join(lines[max(0, len(lines)-8):], "\n  ")
}

// waitFor asks for path until it answers 200, and returns the time that took.
func waitFor(p *proc.Process, address, path string) (time.Duration, error) {
	began := time.Now()
	c, err := wire.New(address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	_, port, _ := net.SplitHostPort(address) // wire.New has checked it
	request := wire.Request("GET", "localhost:"+port, path, "")
	for time.Since(began) < readyTime {
		if a, err := c.Do(request); err == nil && a.Status == 200 {
			return time.Since(began), nil
		}
		if err := p.Ended(); err != nil {
			return 0, err
		}
		time.Sleep(time.Millisecond)
	}
	return 0, errors.New("the server was not ready in time")
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
