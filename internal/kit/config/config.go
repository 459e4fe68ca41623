// Package config owns the settings of a deployment: one struct, filled from flags, the
// environment and a YAML file, in this order of precedence. It is the only place that
// reads the environment. A setting that nobody knows stops the start, and Validate lists
// everything that is wrong at once, each with its fix.
package config

import (
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/secret"
)

// Config holds every setting. The tags are the reference: name (flag, YAML key and, in capitals
// with ADMIT_, environment variable), default, doc, and "secret" for what is never shown. A
// secret has a variable with the suffix _FILE too, and a flag only when it says "flag".
type Config struct {
	Listen         string         `name:"listen" default:"127.0.0.1:8080" show:"visible" doc:"Address and port to serve on."`
	OpsListen      string         `name:"ops-listen" show:"visible" doc:"Second address and port for /metrics and the details of /readyz. Keep it away from strangers. Without it, /metrics is served only while the public URL is a loopback one, to callers on this machine."`
	PublicURL      string         `name:"public-url" default:"http://localhost:8080" show:"visible" doc:"The URL that browsers and SDKs use: the issuer of the default account's tokens. https, unless its host is a loopback one; no path."`
	Database       secret.Text    `name:"database" default:"sqlite:./data/admit.db" show:"secret,flag" doc:"sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME (PostgreSQL 15 or newer). With only data-dir set, the file is admit.db in it."`
	DataDir        string         `name:"data-dir" default:"./data" show:"visible" doc:"Directory for what this node keeps in files: the SQLite database and the master key."`
	Dev            bool           `name:"dev" show:"visible" doc:"Development mode: mail is shown at /dev/mailbox and /try is served. Refuses to listen beyond loopback."`
	MasterKey      secret.Text    `name:"master-key" show:"secret" doc:"Base64 of 32 random bytes, which encrypt what must not be readable in the database. All nodes share it. With SQLite it may be left out: the file master.key (mode 0600) in data-dir is made at the first start."`
	SMTPURL        secret.Text    `name:"smtp-url" show:"secret" doc:"Where mail goes: smtp://USER:PASSWORD@HOST:PORT (STARTTLS) or smtps:// (TLS from the start). With ?from=ADDRESS it names the sender too."`
	MailFrom       string         `name:"mail-from" show:"visible" doc:"Sender of mail, as ADDRESS or NAME <ADDRESS>. Default: the from of smtp-url, its user if that is an address, else no-reply@ the public URL's host."`
	TrustedProxies []netip.Prefix `name:"trusted-proxies" show:"visible" doc:"Addresses or CIDR ranges of the proxies whose X-Forwarded-For is believed, separated by commas. Without any, the client's address is the socket's."`
	TLSCert        string         `name:"tls-cert" show:"visible" doc:"PEM file with this server's certificate and those that lead to its authority. With it and tls-key, listen speaks TLS (HTTP/1.1) and no proxy is needed. Both files are read again when they change."`
	TLSKey         string         `name:"tls-key" show:"visible" doc:"PEM file with the private key of tls-cert."`
	MTLSListen     string         `name:"mtls-listen" show:"visible" doc:"Second address and port that serves the same over TLS and asks clients for a certificate (RFC 8705), taking any or none. Browsers would ask their users, so listen does not. Needs tls-cert."`
	MTLSURL        string         `name:"mtls-url" show:"visible" doc:"The URL of mtls-listen, or of a proxy that asks for certificates, for clients that have one: discovery names it as mtls_endpoint_aliases. If it differs from public-url by its port only, every account's own domain has that port too."`
	MTLSCA         string         `name:"mtls-ca" show:"visible" doc:"PEM file with the authorities whose certificates tls_client_auth takes. Self-signed certificates (self_signed_tls_client_auth) and tokens that are bound to a certificate need none."`
	ClientCert     string         `name:"client-cert-header" show:"visible" doc:"How a trusted proxy passes on the certificate that a client has shown to it: client-cert (the headers Client-Cert and Client-Cert-Chain of RFC 9440) or x-ssl-client-cert (nginx: X-SSL-Client-Cert with $ssl_client_escaped_cert). The proxy must overwrite the header in every request. From others it is ignored."`
	RequireNonce   bool           `name:"dpop-require-nonce" show:"visible" doc:"Demand a nonce of the server in every DPoP proof (RFC 9449). A proof that was made ahead of time, on a machine that was open for a moment, is then worth nothing; each client needs another request every minute or two."`
	RateLimitScale float64        `name:"rate-limit-scale" default:"1" show:"visible" doc:"Factor on every limit per client network, and on how much one person may write, 0.01 to 1000."`
	StaleAfter     time.Duration  `name:"stale-after" default:"1s" show:"visible" doc:"A node that has not heard from the database for this long answers 503 instead of deciding from memory, 200ms to 1m."`
	CatchUp        time.Duration  `name:"catch-up" default:"1s" show:"visible" doc:"How long a question with a consistency token waits for this node to reach the write that it names before the answer is 409, 0s to 10s."`
	MemoryGrants   int            `name:"memory-grants" default:"10000000" show:"visible" doc:"How many grants (a role on a resource for a person or group) this node keeps in memory, about 100 bytes each, 1000 to 1000000000. While all fit, no check waits for the database. Beyond it, the largest accounts have only those people in memory who are asked about; the first question about another one reads the database."`
	ShutdownAfter  time.Duration  `name:"shutdown-after" default:"25s" show:"visible" doc:"How long a stopping node waits for requests in flight, 1s to 10m."`
	PasswordMemory int            `name:"password-memory" default:"19" show:"visible" doc:"MiB of memory for each hash of a password (argon2id), 19 to 256. More is stronger and slower. What was hashed with less is hashed anew when its person signs in."`
	PasswordPasses int            `name:"password-passes" default:"2" show:"visible" doc:"How often a hash of a password goes over its memory, 2 to 16; together with password-memory at most 1024 MiB."`
	StolenList     string         `name:"stolen-passwords" show:"visible" doc:"List of stolen passwords that nobody may choose: a directory of range files by SHA-1 (named by five hexadecimal digits, with or without .txt), or the URL before these digits of a service that has them, https://.../range/. Only the five digits are sent. While the list cannot be asked, no password can be set. Without it, only what everybody tries first is refused."`
	PasskeyMakers  string         `name:"passkey-makers" show:"visible" doc:"PEM file with the root certificates of makers of authenticators. Policies that name models of authenticators accept only what one of them attests; without the file they accept none."`
	PlacesFile     string         `name:"places-file" show:"visible" doc:"MMDB file that tells roughly where addresses are (GeoLite2 City or Country, or another of that form). People are shown the place beside each session of theirs and in mails about new browsers. It is held in memory as a whole and read again when it changes. Without it no place is shown; nobody is asked over the network."`
	LogLevel       string         `name:"log-level" default:"info" show:"visible" doc:"debug, info, warn or error. Permission checks, and why a request was refused, are logged at debug."`
	OTLPEndpoint   string         `name:"otlp-endpoint" show:"visible" doc:"URL of an OpenTelemetry collector (OTLP over HTTP) that gets traces, for example http://localhost:4318."`
	EgressAllow    []netip.Prefix `name:"insecure-egress-allow" show:"visible" doc:"CIDR ranges of internal addresses that Admit may connect to as an upstream provider, for tests. Requests to internal addresses are refused otherwise."`

	public *url.URL
}

// Host is the public URL's host with its port if it has one.
func (c Config) Host() string { return c.publicURL().Host }

// HTTPS tells whether browsers reach us over TLS.
func (c Config) HTTPS() bool { return c.publicURL().Scheme == "https" }

// Loopback tells whether the public URL names this machine only.
func (c Config) Loopback() bool { return loopbackName(c.publicURL().Hostname()) }

// Sender returns who mail comes from.
func (c Config) Sender() string {
	if c.MailFrom != "" {
		return c.MailFrom
	}
	return "no-reply@" + c.publicURL().Hostname()
}

// SQLite returns the path of the database file, and false when the database is PostgreSQL.
func (c Config) SQLite() (string, bool) { return strings.CutPrefix(c.Database.Reveal(), "sqlite:") }

// KeyFile is where the master key lies when it is not given.
func (c Config) KeyFile() string { return filepath.Join(c.DataDir, "master.key") }

func (c Config) publicURL() *url.URL {
	if c.public != nil {
		return c.public
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return &url.URL{}
	}
	return u
}

func loopbackName(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}
