package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPasskeyRoots(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, filepath.Join(t.TempDir(), "gone.pem")} {
		if pool, err := (Config{PasskeyMakers: path}).PasskeyRoots(); err == nil || pool != nil {
			t.Errorf("%s was accepted", path)
		}
	}
	if pool, err := (Config{}).PasskeyRoots(); err != nil || pool != nil {
		t.Errorf("nothing: %v, %v", pool, err)
	}
}
