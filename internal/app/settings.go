package app

import (
	"runtime/debug"

	"github.com/spf13/pflag"

	"github.com/admit-id/admit/internal/kit/config"
)

// Config is the settings of a deployment.
type Config = config.Config

// Flags adds the flags of the settings to a command.
func Flags(flags *pflag.FlagSet) { config.Flags(flags) }

// LoadConfig reads and validates the settings. Its error lists every problem with its fix.
func LoadConfig(flags *pflag.FlagSet) (Config, error) { return config.Load(flags) }

// version is set by the linker for releases.
var version string

// Version names the build: a release, else the commit.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := "development"
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			text += " " + s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			text += " (modified)"
		}
	}
	return text
}
