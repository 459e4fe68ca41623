package app

import (
	"context"
	"fmt"
	"io"
	netmail "net/mail"
	"os"

	"github.com/admit-id/admit/internal/app/server"
	"github.com/admit-id/admit/internal/factor/password/worker"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
)

// Serve listens until ctx ends, then finishes what is in flight.
func (a *App) Serve(ctx context.Context) error {
	sender, err := a.mailSender()
	if err != nil {
		return err
	}
	servers, err := a.servers()
	if err != nil {
		return err
	}
	listeners, err := servers.Listen(ctx)
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	a.startJobs(working, a.jobs(sender))
	a.greet(ctx)
	return servers.Serve(ctx, listeners)
}

// HashApart lets passwords be hashed in child processes: this program with the arguments, which must come to HashWorker.
func (a *App) HashApart(args ...string) { a.f.person.HashApart(a.log, args...) }

// HashWorker is such a child.
func HashWorker(in io.Reader, out io.Writer) error { return worker.Main(in, out) }

func (a *App) servers() (*server.Servers, error) {
	return server.New(server.Deps{Config: a.cfg, Router: a.router, Operator: a.ops.Operator(), Clock: a.clock, Log: a.log})
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
