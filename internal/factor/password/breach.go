package password

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Breaches knows passwords that were stolen somewhere.
type Breaches interface {
	// Found tells whether the password is among them. An error means that nobody knows now.
	Found(ctx context.Context, password string) (bool, error)
}

// Ranges is a list of stolen passwords by SHA-1, cut into ranges that have their first five digits in
// common. Only those five leave this process, so that whoever keeps the list learns nothing of use
// (k-anonymity). Each line of a range is the other 35 digits, a colon, and how often it was seen; 0 is
// padding.
type Ranges struct {
	// Range opens the range of five upper-case hexadecimal digits.
	Range func(ctx context.Context, prefix string) (io.ReadCloser, error)
}

const (
	prefixDigits = 5
	maxRange     = 1 << 20
)

// Directory is the list as files of a directory, named by their range: 0018A or 0018A.txt. A range that
// has no file is an error: a list with holes would let through what is in them.
func Directory(path string) Ranges {
	return Ranges{func(_ context.Context, prefix string) (io.ReadCloser, error) {
		f, err := os.Open(filepath.Join(path, prefix))
		if errors.Is(err, os.ErrNotExist) {
			return os.Open(filepath.Join(path, prefix+".txt"))
		}
		return f, err
	}}
}

// Found implements Breaches.
func (r Ranges) Found(ctx context.Context, password string) (bool, error) {
	sum := sha1.Sum([]byte(password))
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	body, err := r.Range(ctx, digits[:prefixDigits])
	if err != nil {
		return false, fmt.Errorf("password: open a range of the stolen passwords: %w", err)
	}
	defer body.Close()
	lines := bufio.NewScanner(io.LimitReader(body, maxRange))
	seen, found := false, false
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		rest, count, ok := strings.Cut(line, ":")
		n, err := strconv.Atoi(count)
		if !ok || err != nil || len(rest) != len(digits)-prefixDigits {
			return false, errors.New("password: a range of the stolen passwords is damaged")
		}
		seen = true
		found = found || n > 0 && strings.EqualFold(rest, digits[prefixDigits:])
	}
	if err := lines.Err(); err != nil {
		return false, fmt.Errorf("password: read a range of the stolen passwords: %w", err)
	}
	if !seen {
		return false, errors.New("password: a range of the stolen passwords is empty")
	}
	return found, nil
}
