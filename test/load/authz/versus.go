package authz

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/admit-id/admit/test/load/org"
	"github.com/admit-id/admit/test/load/peer"
	"github.com/admit-id/admit/test/load/rig"
)

// versus is one size with everybody who answered on it.
type versus struct {
	size     string
	loading  time.Duration // Admit's
	admit    *series
	floor    *series
	peers    []opponent
	failures []string
}

// opponent is a peer with its points.
type opponent struct {
	peer   *peer.Peer
	series *series
	rss    int64
}

// versusConnections are fewer than Admit's own: at 64, OpenFGA answers with deadline errors.
var versusConnections = []int{1, 16}

// peersTime bounds one size with all peers, loading included.
const peersTime = 6 * time.Minute

// loadTime bounds the start of one peer with its loading.
const loadTime = 150 * time.Second

// takePeers asks all peers that are there, Admit and the floor in turn, on a thousand and on a
// hundred thousand grants. What a peer fails in is reported and ends only that peer.
func (r *run) takePeers(ctx context.Context) error {
	any := false
	for _, k := range peer.Kinds {
		if !peer.Present(r.config.Peers, k) {
			r.absent = append(r.absent, k.Name)
		} else {
			any = true
		}
	}
	if !any {
		return nil
	}
	sizes := []org.Size{org.Small, org.Medium}
	if r.config.Small {
		sizes = sizes[:1]
	}
	for _, size := range sizes {
		limited, cancel := context.WithTimeout(ctx, peersTime)
		v, err := r.against(limited, size)
		if err != nil && limited.Err() != nil && ctx.Err() == nil {
			v.failures = append(v.failures, fmt.Sprintf("the comparison as a whole, which was given %v: %.300v", peersTime, err))
			err = nil
		}
		cancel()
		if err != nil {
			return fmt.Errorf("%s grants: %w", size.Name, err)
		}
		r.versus = append(r.versus, *v)
	}
	return nil
}

// against compares on one size. What was measured until a failure is returned with it.
func (r *run) against(ctx context.Context, size org.Size) (v *versus, err error) {
	o := org.New(size)
	v = &versus{size: size.Name, admit: newSeries("Admit"), floor: newSeries("bare `net/http`")}
	a, err := r.newAdmit("versus-"+o.Name(), "", "")
	if err != nil {
		return v, err
	}
	if _, err := a.Start(); err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, a.Stop()) }()
	token, _, err := keyOf(ctx, a, "load")
	if err != nil {
		return v, err
	}
	began := time.Now()
	if err := load(ctx, a, token, o); err != nil {
		return v, err
	}
	v.loading = time.Since(began)
	v.peers = r.startPeers(ctx, v, o)
	defer func() {
		for _, p := range v.peers {
			if err := p.peer.Stop(); err != nil {
				v.failures = append(v.failures, fmt.Sprintf("%s, when it was stopped: %.300v", p.peer.Name, err))
			}
		}
	}()
	var own, floor []rig.Request
	for _, c := range o.Checks {
		q := ask(a.Host, token, c)
		own = append(own, q)
		q.Status, q.Holds = 200, []byte("{}")
		floor = append(floor, q)
	}
	for range r.config.Rounds {
		for _, n := range versusConnections {
			if err := r.point(ctx, v.floor, n, rig.Wire(r.floorAt, floor, n), r.floorCPU); err != nil {
				return v, err
			}
			if err := r.point(ctx, v.admit, n, rig.Wire(a.Address, own, n), a.CPU); err != nil {
				return v, err
			}
			if err := r.askPeers(ctx, v, o, n); err != nil {
				return v, err
			}
		}
	}
	return v, nil
}

// askPeers takes a point of each peer; one that fails is asked no more.
func (r *run) askPeers(ctx context.Context, v *versus, o *org.Org, n int) error {
	for i := range v.peers {
		p := &v.peers[i]
		if p.series == nil {
			continue
		}
		err := r.point(ctx, p.series, n, p.peer.Ask(o.Checks, n), p.peer.CPU)
		switch {
		case ctx.Err() != nil:
			return err
		case err != nil:
			v.failures = append(v.failures, fmt.Sprintf("%s at %d connections: %.300v", p.peer.Name, n, err))
			p.series = nil
		default:
			p.rss = p.peer.RSS()
		}
	}
	return nil
}

func (r *run) point(ctx context.Context, s *series, n int, l *rig.Load, cpu func() time.Duration) error {
	p, err := rig.Take(ctx, l, cpu, r.config.Warm, r.config.Duration)
	if err != nil {
		return fmt.Errorf("%s at %d connections: %w", s.title, n, err)
	}
	s.points[n] = append(s.points[n], p)
	fmt.Fprintf(os.Stderr, "%-24s %2d connections  %7.0f/s  %8.1f us CPU  p99 %.1f ms\n", s.title, n, p.Rate, p.CPU, p.P99)
	return nil
}

// startPeers starts and loads what is there: with PostgreSQL if there is one, else without.
func (r *run) startPeers(ctx context.Context, v *versus, o *org.Org) (out []opponent) {
	for _, k := range peer.Kinds {
		if !peer.Present(r.config.Peers, k) || k.Postgres && r.pg == nil {
			continue
		}
		// OpenFGA on SQLite takes minutes to load the large organisation, and SpiceDB's memory store
		// takes gigabytes: both are measured there only if there is no PostgreSQL.
		if !k.Postgres && k.Binary != "cerbos" && r.pg != nil && o.Name() != "1000" {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, loadTime)
		p, err := peer.Start(limited, peer.Env{Binaries: r.config.Peers, Folder: r.folder, Log: r.log, Postgres: r.pg}, k, o)
		cancel()
		if err != nil {
			v.failures = append(v.failures, fmt.Sprintf("%.400v", err))
			continue
		}
		fmt.Fprintf(os.Stderr, "%s %s loaded in %v\n", p.Name, p.Config, p.Loading.Round(time.Millisecond))
		out = append(out, opponent{peer: p, series: newSeries(p.Name)})
	}
	return out
}
