package password

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The SHA-1 of "password" is 5BAA6 1E4C9B93F3F0682250B6CF8331B7EE68FD8.
func TestRanges(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d := Directory(dir)
	if _, err := d.Found(context.Background(), "password"); err == nil {
		t.Error("a list with a hole says that it is not there")
	}
	put("5BAA6", "003D68EB55068C33ACE09247EE4C639306B:3\r\n1E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\r\n")
	if found, err := d.Found(context.Background(), "password"); !found || err != nil {
		t.Error(found, err)
	}
	os.Remove(filepath.Join(dir, "5BAA6"))
	put("5BAA6.txt", "1e4c9b93f3f0682250b6cf8331b7ee68fd8:1")
	if found, err := d.Found(context.Background(), "password"); !found || err != nil {
		t.Error(found, err)
	}
	put("5BAA6.txt", "1E4C9B93F3F0682250B6CF8331B7EE68FD8:0\n003D68EB55068C33ACE09247EE4C639306B:3\n") // padding
	if found, err := d.Found(context.Background(), "password"); found || err != nil {
		t.Error(found, err)
	}
	for _, bad := range []string{"", "\n", "<html>", "1E4C9B93F3F0682250B6CF8331B7EE68FD8", "1E4C:1", "1E4C9B93F3F0682250B6CF8331B7EE68FD8:x"} {
		put("5BAA6.txt", bad)
		if _, err := d.Found(context.Background(), "password"); err == nil {
			t.Errorf("%q is taken for a range", bad)
		}
	}
}

func TestOnlyFiveDigitsAreAsked(t *testing.T) {
	var asked string
	r := Ranges{func(_ context.Context, prefix string) (io.ReadCloser, error) {
		asked = prefix
		return io.NopCloser(strings.NewReader("003D68EB55068C33ACE09247EE4C639306B:3\n")), nil
	}}
	if found, err := r.Found(context.Background(), "password"); found || err != nil || asked != "5BAA6" {
		t.Error(found, err, asked)
	}
	broken := Ranges{func(context.Context, string) (io.ReadCloser, error) { return io.NopCloser(half{}), nil }}
	if _, err := broken.Found(context.Background(), "password"); err == nil {
		t.Error("a range that broke off is taken for a whole one")
	}
}

type half struct{}

func (half) Read([]byte) (int, error) { return 0, errors.New("broken off") }
