package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/secret"
)

// Master returns the master key: the one that is given, or the one in KeyFile, which it makes
// when there is neither a key nor a database yet. It never makes a key beside an existing
// database, whose secrets the new key could not open.
func (c Config) Master() ([]byte, error) {
	key, err := c.ExistingMaster()
	if errors.Is(err, os.ErrNotExist) {
		return c.makeMaster(c.KeyFile())
	}
	return key, err
}

// ExistingMaster returns the master key and never makes one. Without any its error is
// os.ErrNotExist.
func (c Config) ExistingMaster() ([]byte, error) {
	if !c.MasterKey.Empty() {
		return crypt.ParseMaster(c.MasterKey.Reveal())
	}
	path := c.KeyFile()
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("the master key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the master key %s can be read by others; run: chmod 600 %s", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the master key: %w", err)
	}
	key, err := crypt.ParseMaster(string(text))
	if err != nil {
		return nil, fmt.Errorf("the master key in %s is damaged; restore the file from a backup", path)
	}
	return key, nil
}

func (c Config) makeMaster(path string) ([]byte, error) {
	database, ok := c.SQLite()
	if !ok {
		return nil, errors.New("set ADMIT_MASTER_KEY; with PostgreSQL no key is made")
	}
	if _, err := os.Stat(database); err == nil {
		return nil, fmt.Errorf("the database %s is there, but its master key %s is not; restore the file from a backup or set ADMIT_MASTER_KEY", database, path)
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("the data directory cannot be made (%w): give one with --data-dir that this process may write to", err)
	}
	key := secret.Bytes(crypt.KeySize)
	if err := writeNew(path, base64.StdEncoding.EncodeToString(key)+"\n"); err != nil {
		if errors.Is(err, os.ErrExist) {
			return c.Master() // another process was quicker; its key counts
		}
		return nil, fmt.Errorf("the master key: %w", err)
	}
	return key, nil
}

// writeNew makes a whole file durable under a name that must not exist yet.
func writeNew(path, text string) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".master-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
