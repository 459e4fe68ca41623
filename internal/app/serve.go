package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	netmail "net/mail"
	"os"
	"syscall"

	"github.com/admit-id/admit/internal/factor/password/worker"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/web"
)

// Serve listens until ctx ends, then finishes what is in flight.
func (a *App) Serve(ctx context.Context) error {
	sender, err := a.mailSender()
	if err != nil {
		return err
	}
	servers, err := a.webServers()
	if err != nil {
		return err
	}
	surfaces := len(servers)
	if a.cfg.OpsListen != "" {
		s := web.NewServer(a.ops.Operator(), a.log)
		s.Addr = a.cfg.OpsListen
		servers = append(servers, s)
	}
	listeners, err := listen(ctx, servers)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	a.startJobs(working, a.jobs(sender))
	a.greet(ctx)
	return a.run(ctx, servers, listeners, surfaces)
}

// HashApart lets passwords be hashed in child processes: this program with the arguments, which must come to HashWorker.
func (a *App) HashApart(args ...string) { a.f.person.HashApart(a.log, args...) }

// HashWorker is such a child.
func HashWorker(in io.Reader, out io.Writer) error { return worker.Main(in, out) }

// run serves until ctx ends and the requests in flight are answered; the first servers are those of
// the surfaces. The operator's server goes last: its /readyz says meanwhile that this node is stopping.
func (a *App) run(ctx context.Context, servers []*http.Server, listeners []net.Listener, surfaces int) error {
	serving, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for i, s := range servers[surfaces:] {
		go func() {
			if err := s.Serve(listeners[i+surfaces]); !errors.Is(err, http.ErrServerClosed) {
				stop(fmt.Errorf("serve on %s: %w", s.Addr, err))
			}
		}()
	}
	context.AfterFunc(serving, func() { a.log.Info("stopping: finishing what is in flight") })
	err := a.serveAll(serving, servers[:surfaces], listeners)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("requests were cut off after %s: %w", a.cfg.ShutdownAfter, err)
	case err != nil:
		err = fmt.Errorf("serve: %w", err)
	}
	for _, s := range servers[surfaces:] {
		err = errors.Join(err, s.Close())
	}
	if ctx.Err() == nil {
		err = errors.Join(err, context.Cause(serving))
	}
	return err
}

func listen(ctx context.Context, servers []*http.Server) ([]net.Listener, error) {
	var out []net.Listener
	for _, s := range servers {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.Addr)
		if err != nil {
			for _, open := range out {
				open.Close()
			}
			if errors.Is(err, syscall.EADDRINUSE) {
				return nil, fmt.Errorf("%s is taken by another process: stop that, or choose another address with --listen (and --public-url)", s.Addr)
			}
			return nil, fmt.Errorf("it cannot listen on %s (%w): choose another address with --listen", s.Addr, err)
		}
		out = append(out, l)
	}
	return out, nil
}

// mailSender returns who empties the outbox; nobody does in development without an SMTP server,
// where the mails are shown at /dev/mailbox.
func (a *App) mailSender() (*mail.Sender, error) {
	if a.cfg.SMTPURL.Empty() {
		if !a.cfg.Dev {
			a.log.Warn("no mail can be sent: set ADMIT_SMTP_URL, or nobody can sign in by e-mail code")
		}
		return nil, nil
	}
	server, err := a.mailServer()
	if err != nil {
		return nil, err
	}
	return &mail.Sender{DB: a.db, Outbox: a.f.outbox, Transport: server, Log: a.log}, nil
}

func (a *App) mailServer() (*mail.Server, error) { return mailServer(a.cfg) }

func mailServer(cfg Config) (*mail.Server, error) {
	server, err := mail.ParseURL(cfg.SMTPURL)
	if err != nil {
		return nil, fmt.Errorf("ADMIT_SMTP_URL: %w", err)
	}
	if server.From.Address == "" || cfg.MailFrom != "" {
		from, err := netmail.ParseAddress(cfg.Sender())
		if err != nil {
			return nil, fmt.Errorf("the sender of mail %q is no address; set ADMIT_MAIL_FROM", cfg.Sender())
		}
		server.From = *from
	}
	return &server, nil
}

// greet prints what a newcomer wants to know.
func (a *App) greet(ctx context.Context) {
	a.log.Info("ready", "version", Version(), "url", a.cfg.PublicURL, "listen", a.cfg.Listen, "database", a.db.Dialect().String())
	if !a.cfg.Dev {
		return
	}
	fmt.Fprintf(os.Stdout, "\n  Admit is ready at     %s\n", a.cfg.PublicURL)
	done, err := a.owners().Any(ctx)
	switch {
	case err != nil:
		a.log.Error("the administrators cannot be read", "error", err)
	case done:
		fmt.Fprintf(os.Stdout, "  An administrator      exists; make another with: admit setup-link\n")
	default:
		link, err := a.SetupLink(ctx)
		if err != nil {
			a.log.Error("no setup link could be made", "account", ident.DefaultAccount, "error", err)
			break
		}
		fmt.Fprintf(os.Stdout, "  First administrator   %s\n                        (once, within 24 hours; again with: admit setup-link)\n", link)
	}
	fmt.Fprintf(os.Stdout, "  Try it                %s/try\n\n", a.cfg.PublicURL)
}
