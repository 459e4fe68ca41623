package config

import (
	"crypto/x509"
	"errors"
	"os"
)

// PasskeyRoots returns the certificates of passkey-makers, or nil without it.
func (c Config) PasskeyRoots() (*x509.CertPool, error) {
	if c.PasskeyMakers == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.PasskeyMakers)
	if err != nil {
		return nil, errors.New("the file cannot be read")
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("the file holds no certificate")
	}
	return pool, nil
}
