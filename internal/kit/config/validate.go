package config

import (
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/place"
)

// Validate lists everything that is wrong with the settings.
func (c Config) Validate() Problems {
	var p Problems
	bad := func(setting, text, fix string) { p = append(p, Problem{setting, text, fix}) }
	c.checkListen(bad)
	c.checkPublicURL(bad)
	c.checkDatabase(bad)
	c.checkMail(bad)
	c.checkTLS(bad)
	c.checkPasswords(bad)
	if _, err := c.PasskeyRoots(); err != nil {
		bad("passkey-makers", err.Error(), "name a PEM file with certificates")
	}
	if c.PlacesFile != "" {
		if err := place.Check(c.PlacesFile); err != nil {
			bad("places-file", err.Error(), "name an MMDB file with countries or cities that this process can read")
		}
	}
	for _, r := range c.TrustedProxies {
		if r.Bits() == 0 {
			bad("trusted-proxies", r.String()+" trusts everybody, so anybody could forge their address", "name only the addresses of your proxies")
		}
	}
	if !(c.RateLimitScale >= 0.01 && c.RateLimitScale <= 1000) {
		bad("rate-limit-scale", "it is out of bounds", "choose 0.01 to 1000; limits cannot be switched off")
	}
	if c.MemoryGrants < 1000 || c.MemoryGrants > 1_000_000_000 {
		bad("memory-grants", strconv.Itoa(c.MemoryGrants)+" is out of bounds", "choose 1000 to 1000000000")
	}
	within := func(name string, d, low, high time.Duration) {
		if d < low || d > high {
			bad(name, d.String()+" is out of bounds", "choose "+low.String()+" to "+high.String())
		}
	}
	within("stale-after", c.StaleAfter, 200*time.Millisecond, time.Minute)
	within("catch-up", c.CatchUp, 0, 10*time.Second)
	within("shutdown-after", c.ShutdownAfter, time.Second, 10*time.Minute)
	if _, err := c.Level(); err != nil {
		bad("log-level", strconv.Quote(c.LogLevel)+" is no level", "choose debug, info, warn or error")
	}
	if c.OTLPEndpoint != "" {
		u, err := url.Parse(c.OTLPEndpoint)
		if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
			bad("otlp-endpoint", "it is no http or https URL", "write it as http://localhost:4318")
		}
	}
	return p
}

// Level returns the log level.
func (c Config) Level() (slog.Level, error) {
	var l slog.Level
	switch c.LogLevel {
	case "debug", "info", "warn", "error":
		return l, l.UnmarshalText([]byte(c.LogLevel))
	}
	return l, strconv.ErrSyntax
}

type report func(setting, text, fix string)

func (c Config) checkListen(bad report) {
	for name, address := range map[string]string{"listen": c.Listen, "ops-listen": c.OpsListen, "mtls-listen": c.MTLSListen} {
		if name != "listen" && address == "" {
			continue
		}
		host, port, err := net.SplitHostPort(address)
		if n, convErr := strconv.ParseUint(port, 10, 16); err != nil || convErr != nil || (n == 0 && port != "0") {
			bad(name, strconv.Quote(address)+" is no address with a port", "write it as 127.0.0.1:8080")
			continue
		}
		if c.Dev && !loopbackAddress(host) {
			bad(name, "development mode shows everybody's mail, so it refuses to listen beyond loopback",
				"listen on 127.0.0.1, or leave out --dev and set ADMIT_SMTP_URL")
		}
	}
	if c.OpsListen != "" && c.OpsListen == c.Listen {
		bad("ops-listen", "it is the same as listen", "choose another port")
	}
}

func loopbackAddress(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

func (c Config) checkPublicURL(bad report) {
	const name, example = "public-url", "write it as https://login.example.com"
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || u.Opaque != "" || (u.Scheme != "http" && u.Scheme != "https") {
		bad(name, "it is no http or https URL", example)
		return
	}
	if u.Scheme == "http" && !loopbackName(u.Hostname()) {
		bad(name, "it is http, so that anybody on the way could read tokens", "use https (TLS ends at your proxy); http is only for localhost, 127.0.0.1 and [::1]")
	}
	if c.Dev && u.Scheme == "https" && !loopbackName(u.Hostname()) {
		bad(name, "development mode is for this machine only", "leave it out (http://localhost:8080), or leave out --dev")
	}
	if u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(c.PublicURL, "?#@\\") {
		bad(name, "it has more than scheme, host and port", "leave out path, trailing slash, query, fragment and user: it must equal the tokens' issuer byte for byte")
		return
	}
	if u.Scheme+"://"+u.Host != c.PublicURL || strings.ToLower(u.Host) != u.Host || strings.HasSuffix(u.Hostname(), ".") || u.Hostname() == "" {
		bad(name, "it is not in the one spelling that browsers send", "write scheme and host in lower case, without a dot at the end")
	}
	if port := u.Port(); port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" || strings.HasSuffix(u.Host, ":") {
		bad(name, "it names the default port, which browsers leave out", "leave the port out")
	}
}

func (c Config) checkDatabase(bad report) {
	database := c.Database.Reveal()
	path, isSQLite := c.SQLite()
	isPostgres := strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://")
	switch {
	case isSQLite && path == "":
		bad("database", "it names no file", "write it as sqlite:./data/admit.db")
	case isPostgres:
		if u, err := url.Parse(database); err != nil || u.Host == "" && u.Query().Get("host") == "" {
			bad("database", "it is no PostgreSQL URL", "write it as postgres://USER:PASSWORD@HOST:PORT/NAME")
		}
		if c.MasterKey.Empty() && !c.hasKeyFile() {
			bad("master-key", "nodes that share a PostgreSQL database must share a master key",
				"set ADMIT_MASTER_KEY (or ADMIT_MASTER_KEY_FILE, or the file "+c.KeyFile()+") on every node; make one with: openssl rand -base64 32")
		}
	case !isSQLite:
		bad("database", "it is neither sqlite:PATH nor a postgres:// URL", "write it as sqlite:./data/admit.db or postgres://USER:PASSWORD@HOST:PORT/NAME")
	}
	if c.DataDir == "" {
		bad("data-dir", "it is empty", "name a directory")
	}
	if !c.MasterKey.Empty() {
		if _, err := crypt.ParseMaster(c.MasterKey.Reveal()); err != nil {
			bad("master-key", "it is not base64 of 32 bytes", "make one with: openssl rand -base64 32")
		}
	}
}

// hasKeyFile tells whether there is something at KeyFile; what it is shows when it is read.
func (c Config) hasKeyFile() bool {
	_, err := os.Stat(c.KeyFile())
	return err == nil
}

func (c Config) checkMail(bad report) {
	if !c.SMTPURL.Empty() {
		u, err := url.Parse(c.SMTPURL.Reveal())
		if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") || (u.Path != "" && u.Path != "/") {
			bad("smtp-url", "it is no SMTP URL", "write it as smtps://USER:PASSWORD@HOST:465 or smtp://USER:PASSWORD@HOST:587, with USER and PASSWORD percent-encoded")
		}
	}
	if c.MailFrom != "" {
		if _, err := mail.ParseAddress(c.MailFrom); err != nil {
			bad("mail-from", strconv.Quote(c.MailFrom)+" is no mail address", "write it as login@example.com or Example <login@example.com>")
		}
	}
}
