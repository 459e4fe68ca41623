package mtls

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
)

// lookEvery is how often the files are looked at for a change, while clients come.
const lookEvery = 10 * time.Second

// Files is the certificate and key of this server in two PEM files. They are read again when one of them
// changes; while what is there cannot be read, the last good pair stays.
type Files struct {
	cert, key string
	clock     clock.Clock
	log       *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	looked time.Time
	stamp  [2]stamp
}

type stamp struct {
	at   time.Time
	size int64
}

// Open reads the two files.
func Open(cert, key string, c clock.Clock, log *slog.Logger) (*Files, error) {
	f := &Files{cert: cert, key: key, clock: c, log: log}
	pair, err := f.read()
	if err != nil {
		return nil, err
	}
	f.pair, f.looked = pair, c.Now()
	return f, nil
}

func (f *Files) read() (*tls.Certificate, error) {
	stamps, err := f.stamps() // before the reading, so that a change meanwhile is seen later
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("the TLS certificate %s and key %s: %w", f.cert, f.key, err)
	}
	f.stamp = stamps
	return &pair, nil
}

func (f *Files) stamps() (out [2]stamp, err error) {
	for i, name := range []string{f.cert, f.key} {
		info, err := os.Stat(name)
		if err != nil {
			return out, fmt.Errorf("the TLS certificate %s and key %s: %w", f.cert, f.key, err)
		}
		out[i] = stamp{info.ModTime(), info.Size()}
	}
	return out, nil
}

// Get is for tls.Config.GetCertificate.
func (f *Files) Get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock.Now()
	if since := now.Sub(f.looked); since >= 0 && since < lookEvery {
		return f.pair, nil
	}
	f.looked = now
	if stamps, err := f.stamps(); err == nil && stamps == f.stamp {
		return f.pair, nil
	}
	pair, err := f.read()
	if err != nil {
		f.log.Error("the TLS certificate cannot be read again; the last good one stays", "error", err)
		return f.pair, nil
	}
	f.log.Info("the TLS certificate was read again", "file", f.cert)
	f.pair = pair
	return pair, nil
}

// Config returns the settings of a listener that shows the certificate. With askClients it asks
// every client for a certificate and takes any, or none: which of them counts is decided where it
// is used, so that self-signed ones work (RFC 8705 section 2.2).
func (f *Files) Config(askClients bool) *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: f.Get, NextProtos: []string{"http/1.1"}}
	if askClients {
		c.ClientAuth = tls.RequestClientCert
		// A resumed session would carry on a certificate that has expired or was withdrawn since.
		c.SessionTicketsDisabled = true
	}
	return c
}
