package rig

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Spread is a median with the least and the greatest of the rounds.
type Spread struct{ Median, Least, Most float64 }

// SpreadOf returns the spread of the values; of none, it is zero.
func SpreadOf(values []float64) Spread {
	v := slices.Sorted(slices.Values(values))
	if len(v) == 0 {
		return Spread{}
	}
	return Spread{(v[(len(v)-1)/2] + v[len(v)/2]) / 2, v[0], v[len(v)-1]}
}

// Text prints the median and, if the rounds differ, the least and the greatest.
func (s Spread) Text() string {
	if s.Least == s.Most {
		return Number(s.Median)
	}
	return fmt.Sprintf("%s (%s to %s)", Number(s.Median), Number(s.Least), Number(s.Most))
}

// Column returns the spread of one figure of the points.
func Column(points []Point, f func(Point) float64) Spread {
	values := make([]float64, len(points))
	for i, p := range points {
		values[i] = f(p)
	}
	return SpreadOf(values)
}

// Ratios compares one figure of two lists of points, round by round.
func Ratios(of, to []Point, f func(Point) float64) Spread {
	var out []float64
	for i := range min(len(of), len(to)) {
		if below := f(to[i]); below > 0 {
			out = append(out, f(of[i])/below)
		}
	}
	return SpreadOf(out)
}

// Quantile returns the part q of the latencies in milliseconds, and sorts them.
func Quantile(latencies []time.Duration, q float64) float64 {
	if len(latencies) == 0 {
		return 0
	}
	slices.Sort(latencies)
	return float64(latencies[int(q*float64(len(latencies)-1))]) / float64(time.Millisecond)
}

// Number prints three significant digits.
func Number(x float64) string {
	switch {
	case x >= 1000:
		digits := fmt.Sprintf("%.0f", x)
		magnitude := math.Pow10(len(digits) - 3)
		digits = fmt.Sprintf("%.0f", math.Round(x/magnitude)*magnitude)
		var out []string
		for len(digits) > 3 {
			out = append([]string{digits[len(digits)-3:]}, out...)
			digits = digits[:len(digits)-3]
		}
		return strings.Join(append([]string{digits}, out...), ",")
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}
