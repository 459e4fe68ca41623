package config

import (
	"net/url"
	"os"
	"strconv"
	"strings"
)

// The bounds of password-memory (MiB) and password-passes.
const (
	minPasswordMemory, maxPasswordMemory = 19, 256
	minPasswordPasses, maxPasswordPasses = 2, 16
	maxPasswordWork                      = 1024
)

func (c Config) checkPasswords(bad report) {
	if c.PasswordMemory < minPasswordMemory || c.PasswordMemory > maxPasswordMemory {
		bad("password-memory", strconv.Itoa(c.PasswordMemory)+" is out of bounds", "choose 19 to 256; hashes cannot be made weaker")
	}
	if c.PasswordPasses < minPasswordPasses || c.PasswordPasses > maxPasswordPasses {
		bad("password-passes", strconv.Itoa(c.PasswordPasses)+" is out of bounds", "choose 2 to 16; hashes cannot be made weaker")
	} else if c.PasswordMemory <= maxPasswordMemory && c.PasswordMemory*c.PasswordPasses > maxPasswordWork {
		bad("password-passes", "times password-memory it is more than 1024", "choose less of one of them")
	}
	if c.StolenList == "" {
		return
	}
	if _, remote := c.StolenService(); remote {
		u, err := url.Parse(c.StolenList)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !loopbackName(u.Hostname()) || !strings.HasSuffix(u.Path, "/") {
			bad("stolen-passwords", "it is no https URL that ends in a slash", "write it as https://passwords.example.com/range/")
		}
		return
	}
	if info, err := os.Stat(c.StolenList); err != nil || !info.IsDir() {
		bad("stolen-passwords", "it is neither a URL nor a directory that is there", "name the directory with the range files")
	}
}

// StolenService returns the URL of stolen-passwords, and false when it is a directory.
func (c Config) StolenService() (string, bool) {
	return c.StolenList, strings.HasPrefix(c.StolenList, "https://") || strings.HasPrefix(c.StolenList, "http://")
}
