// Package doctor owns the look at a deployment from the outside: what is wrong with it and how to mend it.
package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/config"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Finding is what is said of one thing.
type Finding struct {
	Name string
	OK   bool
	Text string
	Fix  string // what to do; empty when OK
}

// Patient is the deployment and how to reach its parts.
type Patient struct {
	Config config.Config
	// Open opens the database as the server does.
	Open func(ctx context.Context, cfg config.Config, c *clock.System, bus *tx.Bus) (*sqldb.DB, error)
	// Mail reads the mail server's settings.
	Mail func(cfg config.Config) (*mail.Server, error)
}

// Examine says what it finds. It changes nothing. The server may run or not.
func Examine(ctx context.Context, p Patient) []Finding {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	out := p.database(ctx)
	out = append(out, master(p.Config), publicURL(ctx, p.Config), proxy(p.Config), cookies(p.Config), p.mail(ctx))
	return out
}

func (p Patient) database(ctx context.Context) []Finding {
	cfg := p.Config
	if path, ok := cfg.SQLite(); ok {
		if _, err := os.Stat(path); err != nil {
			return []Finding{{Name: "database", Text: err.Error(), Fix: "Start the server once; it makes the database."}}
		}
	}
	clk := clock.NewSystem()
	db, err := p.Open(ctx, cfg, clk, &tx.Bus{})
	if err != nil {
		return []Finding{{Name: "database", Text: err.Error(), Fix: "Check ADMIT_DATABASE, and that the database runs and accepts this user."}}
	}
	defer db.Close()
	finding := Finding{Name: "database", OK: true, Text: db.Dialect().String() + " answers"}
	if problems, err := db.Check(ctx); err != nil || len(problems) > 0 {
		finding = Finding{Name: "database", Text: fmt.Sprint(errors.Join(err, errorList(problems))), Fix: "Run admit verify-db for the whole list."}
	}
	out := []Finding{finding}
	if db.Dialect() == sqldb.Postgres {
		out = append(out, role(ctx, db))
	}
	off := clk.Correction().Abs()
	moment := Finding{Name: "clock", OK: off < 2*time.Second, Text: "agrees with the database's to " + off.Round(time.Millisecond).String()}
	if !moment.OK {
		moment.Text = "is " + off.Round(time.Millisecond).String() + " away from the database's"
		moment.Fix = "Let both machines follow a time server (NTP). Admit corrects the difference, other programs do not."
	}
	return append(out, moment)
}

func role(ctx context.Context, db *sqldb.DB) Finding {
	var bypasses bool
	err := db.Read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) (err error) {
		bypasses, err = sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[bool],
			`SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user`)
		return err
	})
	switch {
	case err != nil:
		return Finding{Name: "database role", Text: err.Error(), Fix: "The role must be able to read pg_roles."}
	case bypasses:
		return Finding{
			Name: "database role", Text: "is a superuser or bypasses row-level security, the second line between accounts",
			Fix: "CREATE ROLE admit LOGIN PASSWORD '...'; let it own the database, and use it in ADMIT_DATABASE.",
		}
	}
	return Finding{Name: "database role", OK: true, Text: "is an ordinary one; row-level security holds"}
}

func master(cfg config.Config) Finding {
	if _, err := cfg.ExistingMaster(); err != nil {
		return Finding{Name: "master key", Text: err.Error(), Fix: "Set ADMIT_MASTER_KEY, or start the server once; it makes the key."}
	}
	return Finding{Name: "master key", OK: true, Text: "can be read"}
}

// publicURL asks the server as a stranger would, through whatever stands in front of it.
func publicURL(ctx context.Context, cfg config.Config) Finding {
	f := Finding{Name: "public URL"}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.PublicURL+"/.well-known/openid-configuration", nil)
	if err != nil {
		f.Text, f.Fix = err.Error(), "Set ADMIT_PUBLIC_URL to something like https://login.example.com."
		return f
	}
	client := &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		f.Text, f.Fix = "cannot be reached: "+err.Error(), "Start the server; check DNS, the proxy and its certificate."
		return f
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var document struct {
		Issuer string `json:"issuer"`
	}
	switch {
	case resp.StatusCode == http.StatusMisdirectedRequest:
		f.Text, f.Fix = "reaches Admit under another host name", "Let the proxy pass the Host header unchanged (nginx: proxy_set_header Host $http_host)."
	case resp.StatusCode != http.StatusOK:
		f.Text, f.Fix = "answers "+resp.Status, "Point the proxy at ADMIT_LISTEN, without a path of its own."
	case json.Unmarshal(body, &document) != nil || document.Issuer != cfg.PublicURL:
		f.Text, f.Fix = fmt.Sprintf("answers with the issuer %q", document.Issuer), "Another server, or another ADMIT_PUBLIC_URL, answers there."
	default:
		f.OK, f.Text = true, cfg.PublicURL+" reaches this deployment"
	}
	return f
}

func proxy(cfg config.Config) Finding {
	f := Finding{Name: "proxy headers", OK: true}
	switch {
	case len(cfg.TrustedProxies) > 0:
		f.Text = fmt.Sprintf("X-Forwarded-For is believed from %v", cfg.TrustedProxies)
	case cfg.HTTPS():
		f.OK = false
		f.Text = "TLS ends at a proxy, and no proxy is trusted: every client has the proxy's address, and they share its limits"
		f.Fix = "Set ADMIT_TRUSTED_PROXIES to the proxy's address."
	default:
		f.Text = "no proxy; the client's address is the socket's"
	}
	return f
}

func cookies(cfg config.Config) Finding {
	if cfg.HTTPS() {
		return Finding{Name: "cookies", OK: true, Text: "host-only, Secure, with the __Host- prefix"}
	}
	return Finding{Name: "cookies", OK: true, Text: "plain http on loopback: without Secure, for development only"}
}

func (p Patient) mail(ctx context.Context) Finding {
	cfg := p.Config
	f := Finding{Name: "mail"}
	if cfg.SMTPURL.Empty() {
		f.OK, f.Text = cfg.Dev, "is shown at /dev/mailbox"
		if !cfg.Dev {
			f.Text, f.Fix = "no SMTP server: nobody can sign in by e-mail code", "Set ADMIT_SMTP_URL=smtps://USER:PASSWORD@HOST:465."
		}
		return f
	}
	server, err := p.Mail(cfg)
	if err == nil {
		err = server.Check(ctx)
	}
	if err != nil {
		f.Text, f.Fix = err.Error(), "Check ADMIT_SMTP_URL: scheme (smtp with STARTTLS, smtps with TLS), host, port, user, password."
		return f
	}
	f.OK, f.Text = true, fmt.Sprintf("%s:%d takes mail from %s", server.Host, server.Port, server.From.Address)
	return f
}

func errorList(texts []string) error {
	var all []error
	for _, t := range texts {
		all = append(all, errors.New(t))
	}
	return errors.Join(all...)
}
