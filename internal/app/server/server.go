// Package server owns how a node is reached: the addresses that it listens on, its own certificates, and the order in
// which it stops.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/config"
	"github.com/admit-id/admit/internal/kit/mtls"
	"github.com/admit-id/admit/internal/kit/web"
)

// Deps is what is served, and where.
type Deps struct {
	Config   config.Config
	Router   *web.Router
	Operator http.Handler // for the operator, where the settings give it an address
	Clock    clock.Clock
	Log      *slog.Logger
}

// Servers are those of one node. The first are of the surfaces, which finish what is in flight; the first of all
// is that of the setting "listen".
type Servers struct {
	d        Deps
	all      []*http.Server
	surfaces int
}

// New makes the servers, with their certificates.
func New(d Deps) (*Servers, error) {
	s := &Servers{d: d}
	main := web.NewServer(d.Router, d.Log)
	main.Addr = d.Config.Listen
	s.all = append(s.all, main)
	if d.Config.TLSCert != "" {
		files, err := mtls.Open(d.Config.TLSCert, d.Config.TLSKey, d.Clock, d.Log)
		if err != nil {
			return nil, err
		}
		main.TLSConfig = files.Config(false)
		if d.Config.MTLSListen != "" {
			asking := web.NewServer(d.Router, d.Log)
			asking.Addr, asking.TLSConfig = d.Config.MTLSListen, files.Config(true)
			s.all = append(s.all, asking)
		}
	}
	s.surfaces = len(s.all)
	if d.Config.OpsListen != "" {
		operator := web.NewServer(d.Operator, d.Log)
		operator.Addr = d.Config.OpsListen
		s.all = append(s.all, operator)
	}
	return s, nil
}

// Listen opens a listener for each server.
func (s *Servers) Listen(ctx context.Context) ([]net.Listener, error) {
	var out []net.Listener
	for _, one := range s.all {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", one.Addr)
		if err != nil {
			for _, open := range out {
				open.Close()
			}
			if errors.Is(err, syscall.EADDRINUSE) {
				return nil, fmt.Errorf("%s is taken by another process: stop that, or choose another address with --listen (and --public-url)", one.Addr)
			}
			return nil, fmt.Errorf("it cannot listen on %s (%w): choose another address with --listen", one.Addr, err)
		}
		out = append(out, l)
	}
	return out, nil
}

// Serve serves until ctx ends and the requests in flight are answered. The operator's server goes last: its /readyz
// says meanwhile that this node is stopping.
func (s *Servers) Serve(ctx context.Context, listeners []net.Listener) error {
	serving, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for i, one := range s.all[s.surfaces:] {
		go func() {
			if err := one.Serve(listeners[i+s.surfaces]); !errors.Is(err, http.ErrServerClosed) {
				stop(fmt.Errorf("serve on %s: %w", one.Addr, err))
			}
		}()
	}
	context.AfterFunc(serving, func() { s.d.Log.Info("stopping: finishing what is in flight") })
	err := s.serveSurfaces(serving, listeners)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("requests were cut off after %s: %w", s.d.Config.ShutdownAfter, err)
	case err != nil:
		err = fmt.Errorf("serve: %w", err)
	}
	for _, one := range s.all[s.surfaces:] {
		err = errors.Join(err, one.Close())
	}
	if ctx.Err() == nil {
		err = errors.Join(err, context.Cause(serving))
	}
	return err
}

// serveSurfaces serves them until ctx ends or one of the servers fails.
func (s *Servers) serveSurfaces(ctx context.Context, listeners []net.Listener) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, s.surfaces)
	for i, one := range s.all[:s.surfaces] {
		go func() {
			ended <- web.Serve(serving, one, s.d.Router, listeners[i], s.d.Config.ShutdownAfter)
			stop()
		}()
	}
	var err error
	for range s.surfaces {
		err = errors.Join(err, <-ended)
	}
	return err
}
