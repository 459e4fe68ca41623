// Command growth measures how memory, start and checks grow with the number of grants, from a
// thousand to ten million, whole in memory and by need, and writes docs/reference/growth.md and
// docs/images/growth.svg.
//
// It generates a database of each size in the store's own form, starts the real server on it, and
// asks the engine in a process of its own. `make growth` runs it; ten million grants take about 6 GB
// of disk, 4 GB of memory and a quarter of an hour (see -help to stop earlier).
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
)

type settings struct {
	admit, out, plot, dir string
	most, room            int
}

// row is one size, held in one way.
type row struct {
	Grants, People int
	ByNeed         bool
	Start          float64 // s, of the real server, to the first 200 of /readyz
	Database       float64 // bytes, of the file
	Load           float64 // s, of these, for the engine alone
	RSS            float64 // MiB, of the real server
	After          float64 // MiB, of the engine's process, after all questions
	Bytes          float64 // of the heap, a grant in the database
	Warm, Cold     float64 // µs, median of a check
	Cold99         float64 // µs
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "engine" {
		exit(askEngine(os.Args[2], os.Args[3]))
		return
	}
	var s settings
	flag.StringVar(&s.admit, "binary", "bin/admit", "the server's binary")
	flag.StringVar(&s.out, "out", "docs/reference/growth.md", "file to write; - writes to the terminal only")
	flag.StringVar(&s.plot, "plot", "docs/images/growth.svg", "picture to write")
	flag.StringVar(&s.dir, "dir", "", "folder for the databases; the default is a temporary one")
	flag.IntVar(&s.most, "most", 10_000_000, "the largest number of grants, 1,000 to 10,000,000")
	flag.IntVar(&s.room, "room", 100_000, "memory-grants for the accounts that are held by need")
	flag.Parse()
	exit(run(s))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}

func run(s settings) error {
	if s.most < 1000 || s.most > 10_000_000 || s.room < 1000 {
		return errors.New("-most or -room is out of bounds; see -help")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp(s.dir, "admit-growth-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var rows []row
	for grants := 1000; grants <= s.most && ctx.Err() == nil; grants *= 10 {
		measured, err := s.size(ctx, filepath.Join(dir, strconv.Itoa(grants)), grants)
		if err != nil {
			return err
		}
		rows = append(rows, measured...)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	text := report(rows, s.room)
	fmt.Print(text)
	if s.out == "-" {
		return nil
	}
	return errors.Join(os.WriteFile(s.out, []byte(text), 0o644), os.WriteFile(s.plot, []byte(plot(rows)), 0o644))
}

// size measures one size in both ways.
func (s settings) size(ctx context.Context, dir string, grants int) ([]row, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if _, _, err := s.serve(dir, 1000); err != nil { // makes the schema and the default account
		return nil, err
	}
	if err := generate(ctx, filepath.Join(dir, "admit.db"), grants); err != nil {
		return nil, fmt.Errorf("generate %d grants: %w", grants, err)
	}
	var rows []row
	for _, room := range []int{100_000_000, s.room} {
		if room < grants*2 && room > grants/2 {
			room = grants / 2 // the same way to hold them on both sides of the bound
		}
		byNeed := room < grants
		if !byNeed && len(rows) > 0 {
			continue
		}
		start, rss, err := s.serve(dir, room)
		if err != nil {
			return nil, err
		}
		cmd := exec.CommandContext(ctx, os.Args[0], "engine", filepath.Join(dir, "admit.db"), strconv.Itoa(room))
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("ask the engine: %w", err)
		}
		file, err := os.Stat(filepath.Join(dir, "admit.db"))
		if err != nil {
			return nil, err
		}
		r := row{Grants: grants, People: peopleOf(grants), ByNeed: byNeed, Start: start, RSS: rss, Database: float64(file.Size())}
		if err := json.Unmarshal(out, &r); err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "%+v\n", r)
		rows = append(rows, r)
	}
	return rows, nil
}
