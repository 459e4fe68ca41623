package ratelimit

import "time"

// Rule allows Burst at once and Count per Per in the long run.
type Rule struct {
	Count int
	Per   time.Duration
	Burst int // 0 means Count
}

// interval is the time that one occurrence costs.
func (r Rule) interval() time.Duration { return r.Per / time.Duration(r.Count) }

// window is how far the arrival time may be ahead of now.
func (r Rule) window() time.Duration {
	burst := r.Burst
	if burst == 0 {
		burst = r.Count
	}
	return r.interval() * time.Duration(burst)
}
