package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/rig"
)

// measure takes everything in turn, so that whatever else the machine does hits all alike.
func (b *bench) measure(ctx context.Context) error {
	b.ops = b.operations()
	if err := b.coldStarts(); err != nil {
		return err
	}
	for round := range b.settings.rounds {
		for _, connections := range b.settings.connections {
			for _, o := range b.ops {
				p, err := b.take(ctx, o, connections)
				if err != nil {
					return fmt.Errorf("%s at %d connections: %w%s", o.name, connections, err, rig.LastWords(b.folder))
				}
				o.points[connections] = append(o.points[connections], p)
				fmt.Fprintf(os.Stderr, "round %d of %d  %-9s %2d connections  %7.0f/s  %6.1f us CPU\n", round+1, b.settings.rounds, o.name, connections, p.Rate, p.CPU)
			}
		}
	}
	b.loaded = proc.RSS(b.admit.PID())
	return nil
}

// coldStarts stops Admit and starts it again on its database, and reads its memory at rest.
func (b *bench) coldStarts() error {
	for range b.settings.starts {
		if err := b.admit.Stop(); err != nil {
			return err
		}
		took, err := b.admit.Start()
		if err != nil {
			return err
		}
		b.starts = append(b.starts, float64(took)/float64(time.Millisecond))
	}
	time.Sleep(time.Second)
	b.idle = proc.RSS(b.admit.PID())
	return nil
}

func (b *bench) take(ctx context.Context, o *operation, connections int) (rig.Point, error) {
	l, warm, d := &rig.Load{Connections: connections, Count: 1 << 30, Open: o.open}, b.settings.warm, b.settings.duration
	if o.open == nil {
		requests, err := o.requests()
		if err != nil {
			return rig.Point{}, err
		}
		l = rig.Wire(o.address, requests, connections)
	}
	if o.once {
		l.Once, warm, d = true, 0, 0
	}
	return rig.Take(ctx, l, func() time.Duration { return proc.CPU(o.pid()) }, warm, d)
}
