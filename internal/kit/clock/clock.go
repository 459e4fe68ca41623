// Package clock owns the only way to learn the time. Rules take a time as an
// argument; the wiring takes a Clock.
package clock

import (
	"sync/atomic"
	"time"
)

// Clock tells the time in UTC.
type Clock interface {
	Now() time.Time
}

// System is the machine's clock plus a correction. On PostgreSQL the correction is the
// measured distance to the database's clock, so that expiry means the same on every node.
type System struct {
	correction atomic.Int64 // nanoseconds
}

// NewSystem returns the machine's clock. In binaries built with the tag "testclock" it is
// shifted by ADMIT_TEST_CLOCK_OFFSET (a Go duration), as if that time had passed everywhere, and is
// wrong by ADMIT_TEST_CLOCK_SKEW, as the clock of one machine is: a correction takes that back.
func NewSystem() *System { return &System{} }

// Now returns the corrected time.
func (s *System) Now() time.Time {
	return time.Now().UTC().Add(testOffset() + testSkew() + time.Duration(s.correction.Load()))
}

// Compare asks a reference clock what time it is, a few times if the answers are slow, and corrects this
// clock by what they prove. An answer is from some moment between its question and its arrival, so a
// slow one proves little: a correction that agrees with all of them stays.
func (s *System) Compare(ask func() (time.Time, error)) error {
	var least, most time.Duration
	for try := range 5 {
		asked := time.Now()
		remote, err := ask()
		if err != nil {
			return err
		}
		low, high := time.Until(remote)-testSkew(), remote.Sub(asked)-testSkew()
		if try == 0 {
			least, most = low, high
		}
		least, most = max(least, low), min(most, high)
		if most-least < 2*time.Millisecond {
			break
		}
	}
	if now := s.Correction(); now < least || now > most {
		s.correction.Store(int64(least + (most-least)/2))
	}
	return nil
}

// Correction returns the distance to the reference clock that was last measured.
func (s *System) Correction() time.Duration { return time.Duration(s.correction.Load()) }

// Fake is a clock that stands still until it is moved. For tests.
type Fake struct {
	now atomic.Int64
}

// NewFake returns a clock that shows t.
func NewFake(t time.Time) *Fake {
	f := &Fake{}
	f.now.Store(t.UnixNano())
	return f
}

// Now returns the time the clock was set to.
func (f *Fake) Now() time.Time { return time.Unix(0, f.now.Load()).UTC() }

// Advance moves the clock forward.
func (f *Fake) Advance(d time.Duration) { f.now.Add(int64(d)) }

var start = time.Now()

// Deadline is when the machine's own clock will have gone on by d, as connections want it. It is
// for nothing that is stored or compared.
func Deadline(d time.Duration) time.Time { return time.Now().Add(d) }

// Monotonic is the time since the process started. It never jumps; use it for bounds
// on waiting, never for anything that is stored.
func Monotonic() time.Duration { return time.Since(start) }
