package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/accessdb"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/test/load/proc"
)

// serve starts the real server on the folder, waits until it is ready, and stops it.
func (s settings) serve(dir string, room int) (seconds, rss float64, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, 0, err
	}
	address := listener.Addr().String()
	listener.Close()
	log, err := os.Create(filepath.Join(dir, "server.log"))
	if err != nil {
		return 0, 0, err
	}
	defer log.Close()
	began := time.Now()
	server, err := proc.Start(log, s.admit, "serve", "--data-dir", dir, "--listen", address, "--public-url", "http://"+address,
		"--memory-grants", strconv.Itoa(max(1000, room)))
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	for {
		answer, err := http.Get("http://" + address + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				break
			}
		}
		if err := server.Ended(); err != nil {
			text, _ := os.ReadFile(log.Name())
			return 0, 0, fmt.Errorf("%w: %s", err, text)
		}
		if time.Since(began) > 5*time.Minute {
			return 0, 0, errors.New("the server was not ready within 5 minutes")
		}
		time.Sleep(time.Millisecond)
	}
	seconds = time.Since(began).Seconds()
	time.Sleep(2 * time.Second) // what the start needed is given back
	return seconds, float64(proc.RSS(server.PID())) / (1 << 20), nil
}

const (
	warmPeople = 300
	coldPeople = 1000
)

// askEngine loads the engine from the database, asks it, and prints what it measured.
func askEngine(path, room string) error {
	keep, err := strconv.Atoi(room)
	if err != nil {
		return err
	}
	ctx, clk := context.Background(), clock.NewSystem()
	db, err := sqldb.Open(ctx, sqldb.Options{URL: "sqlite:" + path, Clock: clk, Bus: &tx.Bus{}})
	if err != nil {
		return err
	}
	defer db.Close()
	engine := access.NewEngine(func() bool { return true }, nil, clk)
	engine.Keep(keep)
	service := access.New(access.Deps{Runner: db, Records: accessdb.Records{}, Roles: accessdb.Roles{}, Groups: accessdb.Groups{},
		Facts: accessdb.Facts{}, Engine: engine})
	began := time.Now()
	if err := db.Read(ctx, tx.System().Long(), service.Load); err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	grants, err := countGrants(ctx, db)
	if err != nil {
		return err
	}
	a := asker{engine: engine, grants: grants, people: peopleOf(grants)}
	cold, err := a.ask(min(coldPeople, a.people), 1, 1)
	if err != nil {
		return err
	}
	if _, err := a.ask(min(warmPeople, a.people), 3, 50); err != nil {
		return err
	}
	warm, err := a.ask(min(warmPeople, a.people), 10, 50)
	if err != nil {
		return err
	}
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	runtime.KeepAlive(service)
	return json.NewEncoder(os.Stdout).Encode(map[string]float64{"Load": took,
		"Bytes": float64(m.HeapAlloc) / float64(grants), "After": float64(proc.RSS(os.Getpid())) / (1 << 20),
		"Warm": cut(warm, 50), "Cold": cut(cold, 50), "Cold99": cut(cold, 99)})
}

func countGrants(ctx context.Context, db *sqldb.DB) (n int, err error) {
	err = db.Read(ctx, tx.System(), func(ctx context.Context, t tx.Tx) error {
		n, err = sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[int], `SELECT COUNT(*) FROM access_groups`)
		return err
	})
	return n * block, err
}

type asker struct {
	engine         *access.Engine
	grants, people int
}

// ask asks about people spread over all, each so many times in a row; every answer is checked. It
// returns microseconds a check, measured over batches.
func (a *asker) ask(people, times, batch int) ([]float64, error) {
	var out []float64
	step := max(1, a.people/people)
	type question struct {
		user     ident.UserID
		resource string
		want     bool
	}
	var questions []question
	for range times {
		for i := range people {
			u := (i*7919%people)*step + people%step
			q := question{user: ident.UserID(userName(u)), resource: document(ownDocument(u, i%ownGrants)), want: true}
			switch {
			case i%4 == 1 && u%blockPeople < groupPeople:
				q.resource = document(groupDocument(a.grants, u/blockPeople, i%groupGrants))
			case i%2 == 1:
				q.resource, q.want = document((ownDocument(u, 0)+ownGrants+i)%(a.people*ownGrants)), false
				q.want = q.resource >= document(ownDocument(u, 0)) && q.resource < document(ownDocument(u+1, 0))
			}
			questions = append(questions, q)
		}
	}
	for len(questions) >= batch {
		began := time.Now()
		for _, q := range questions[:batch] {
			if got, err := a.engine.Check(account, q.user, q.resource, "READ"); err != nil || got != q.want {
				return nil, fmt.Errorf("%s reads %s: %v, %v; want %v", q.user, q.resource, got, err, q.want)
			}
		}
		out = append(out, float64(time.Since(began).Nanoseconds())/1000/float64(batch))
		questions = questions[batch:]
	}
	return out, nil
}

// cut is a percentile.
func cut(values []float64, percent int) float64 {
	v := slices.Sorted(slices.Values(values))
	return v[min(len(v)-1, len(v)*percent/100)]
}
