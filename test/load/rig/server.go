package rig

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
	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/wire"
)

// readyTime bounds how long a server may take to answer after its start.
const readyTime = 60 * time.Second

// FreePort returns a loopback address that nobody listens on.
func FreePort() (address string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// WaitFor asks for path until it answers 200, and returns the time that took.
func WaitFor(p *proc.Process, address, path string) (time.Duration, error) {
	began := time.Now()
	c, err := wire.New(address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	request := wire.Request("GET", HostOf(address), path, "")
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

// HostOf is localhost with the port of the address.
func HostOf(address string) string {
	_, port, _ := net.SplitHostPort(address) // made by FreePort
	return "localhost:" + port
}

// Floor starts the least that a net/http server does, in a process of this program.
func Floor(log *os.File) (*proc.Process, string, error) {
	address, err := FreePort()
	if err != nil {
		return nil, "", err
	}
	p, err := Self(log, "floor", address)
	if err != nil {
		return nil, "", err
	}
	_, err = WaitFor(p, address, "/v1/users/u/resources/r/permissions/p")
	return p, address, err
}

// Self starts a part of this program in a process of its own.
func Self(log *os.File, args ...string) (*proc.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return proc.Start(log, self, args...)
}

// MasterKey gives servers a key by the environment: with PostgreSQL they do not make their own.
func MasterKey() error {
	const name = "ADMIT_MASTER_KEY"
	if os.Getenv(name) != "" {
		return nil
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails; see crypto/rand
	return os.Setenv(name, base64.StdEncoding.EncodeToString(key))
}

// Admit is a running Admit of a measurement.
type Admit struct {
	Address string // 127.0.0.1:PORT, to connect to
	Host    string // localhost:PORT, its name
	binary  string
	folder  string
	public  string
	extra   []string
	log     *os.File
	process *proc.Process
}

// NewAdmit prepares a server with its data in a folder; Start starts it. Public is the public URL's
// host that several nodes of one installation share; if empty, it is the server's own. Database is
// empty for SQLite.
func NewAdmit(binary, folder, database, public string, log *os.File) (*Admit, error) {
	address, err := FreePort()
	if err != nil {
		return nil, err
	}
	a := &Admit{Address: address, Host: HostOf(address), binary: binary, folder: folder, public: public, log: log}
	if public == "" {
		a.public = a.Host
	}
	if database != "" {
		a.extra = []string{"--database", database}
		err = MasterKey()
	}
	return a, err
}

// Start runs the server and returns how long it took from the start of the process to the first
// answer that says it is ready.
func (a *Admit) Start() (took time.Duration, err error) {
	args := append([]string{"serve", "--dev", "--listen", a.Address, "--public-url", "http://" + a.public,
		"--data-dir", a.folder, "--rate-limit-scale", "1000"}, a.extra...)
	if a.process, err = proc.Start(a.log, a.binary, args...); err != nil {
		return 0, err
	}
	return WaitFor(a.process, a.Address, "/readyz")
}

// PID returns the process id of the running server.
func (a *Admit) PID() int { return a.process.PID() }

// Public returns the host of the public URL.
func (a *Admit) Public() string { return a.public }

// CPU returns what the running server has used.
func (a *Admit) CPU() time.Duration { return proc.CPU(a.PID()) }

// Stop ends the server; one that has not been started is fine.
func (a *Admit) Stop() error {
	if a.process == nil {
		return nil
	}
	err := a.process.Stop()
	a.process = nil
	return err
}

// Key makes an access key of a service client that may do everything, and a client with it.
func (a *Admit) Key(ctx context.Context, name string) (*client.AccessKey, *client.Client, error) {
	args := append([]string{"access-key", "create", "--client", name, "--admin", "--data-dir", a.folder, "--public-url", "http://" + a.public}, a.extra...)
	cmd := exec.CommandContext(ctx, a.binary, args...)
	cmd.Stderr = a.log
	output, err := cmd.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("admit access-key create: %w", err)
	}
	key, err := client.ParseAccessKey(string(output))
	if err != nil {
		return nil, nil, err
	}
	c, err := client.New(client.Config{BaseURL: "http://" + a.public, Credentials: key})
	if err != nil {
		return nil, nil, err
	}
	return key, c, accepted(ctx, c)
}

// accepted waits until the server has heard of the key, which another process has made.
func accepted(ctx context.Context, c *client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		_, err := c.AuthorizeUser(ctx, "u_nobody", "accounts/a0", "READ")
		if !errors.Is(err, client.ErrUnauthenticated) || ctx.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// LastWords returns the end of the servers' output, to explain a failure.
func LastWords(folder string) string {
	data, err := os.ReadFile(filepath.Join(folder, "server.log"))
	if err != nil || len(data) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return "\nthe servers said last:\n  " + strings.Join(lines[max(0, len(lines)-8):], "\n  ")
}
