package password_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/factor/password/hashes"
	"github.com/admit-id/admit/internal/kit/clock"
)

// BenchmarkBare is what the processors can do: the hash alone, on all of them.
func BenchmarkBare(b *testing.B) {
	salt := make([]byte, 16)
	b.SetParallelism(1)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			argon2.IDKey([]byte(mine), salt, hashes.Least.Passes, hashes.Least.Memory, hashes.Least.Lanes, 32)
		}
	})
	perSecond(b)
}

// BenchmarkPool is the same number of hashes through the pool, with more callers than it does at a time: on
// threads, and in processes as the server's.
func BenchmarkPool(b *testing.B) {
	b.Run("threads", func(b *testing.B) { hashRate(b, password.NewPool(hashes.Least)) })
	b.Run("processes", func(b *testing.B) {
		pool, _ := apart(b, "modest", time.Hour)
		hashRate(b, pool)
	})
}

func hashRate(b *testing.B, pool *password.Pool) {
	text := hashes.Least.New(mine)
	for range 4 { // until the processes are there
		_, _, _ = pool.Compare(context.Background(), text, mine)
	}
	b.ResetTimer()
	b.SetParallelism(4)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if right, _, err := pool.Compare(context.Background(), text, mine); !right || err != nil {
				b.Error(right, err)
			}
		}
	})
	perSecond(b)
}

func perSecond(b *testing.B) { b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hashes/s") }

// BenchmarkOthers is how long somebody who asks for something small waits for the answer over a socket:
// alone, beside a full pool of processes and of threads, and beside as many plain goroutines that hash.
func BenchmarkOthers(b *testing.B) {
	text := hashes.Least.New(mine)
	b.Run("alone", func(b *testing.B) { answerTimes(b, nil) })
	b.Run("beside_processes", func(b *testing.B) {
		pool, _ := apart(b, "modest", time.Hour)
		answerTimes(b, func() { _, _, _ = pool.Compare(context.Background(), text, mine) })
	})
	b.Run("beside_threads", func(b *testing.B) {
		pool := password.NewPool(hashes.Least)
		answerTimes(b, func() { _, _, _ = pool.Compare(context.Background(), text, mine) })
	})
	b.Run("beside_goroutines", func(b *testing.B) {
		h, err := hashes.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		answerTimes(b, func() { h.Compare(mine) })
	})
}

func answerTimes(b *testing.B, beside func()) {
	if beside != nil {
		for range 4 { // until the processes are there
			beside()
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go serve(l)
	var stop atomic.Bool
	var wg sync.WaitGroup
	if beside != nil {
		for range 2 * runtime.NumCPU() {
			wg.Go(func() {
				for !stop.Load() {
					beside()
				}
			})
		}
	}
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	r, system, times := bufio.NewReader(c), clock.NewSystem(), []time.Duration{}
	for b.Loop() {
		begin := system.Now()
		if _, err := c.Write([]byte("x\n")); err != nil {
			b.Fatal(err)
		}
		if _, err := r.ReadString('\n'); err != nil {
			b.Fatal(err)
		}
		times = append(times, system.Now().Sub(begin))
		time.Sleep(time.Millisecond)
	}
	stop.Store(true)
	wg.Wait()
	c.Close()
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
}

// serve answers each line after about as much work as a permission check is.
func serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			r, salt := bufio.NewReader(c), make([]byte, 16)
			for {
				line, err := r.ReadBytes('\n')
				if err != nil {
					return
				}
				for range 20 {
					salt = hashOnce(salt)
				}
				if _, err := c.Write(line); err != nil {
					return
				}
			}
		}()
	}
}

func hashOnce(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:16]
}
