package check

import "time"

// Window is a span of time in whole seconds since 1970: From is in it, Until is the first
// second after it. Zero means without a bound on that side, so the zero Window is always.
type Window struct{ From, Until int64 }

// At is the second that t lies in.
func At(t time.Time) Window {
	now := max(0, t.Unix())
	return Window{now, now + 1}
}

// Between is the span from starts to before expires; a zero time is no bound. Parts of seconds
// make it shorter, never longer.
func Between(starts, expires time.Time) Window {
	var w Window
	if !starts.IsZero() {
		w.From = max(0, starts.Unix())
		if starts.Nanosecond() > 0 {
			w.From++
		}
	}
	if !expires.IsZero() {
		w.Until = max(1, expires.Unix()) // nothing is in force in the first second of 1970 anyway
	}
	return w
}

// Always tells whether there is no bound.
func (w Window) Always() bool { return w == Window{} }

// Covers tells whether all of o lies in w.
func (w Window) Covers(o Window) bool {
	return w.From <= o.From && (w.Until == 0 || o.Until != 0 && o.Until <= w.Until)
}

// Rest is what is left of w from now on; of a window that is over, it is the second of now.
func (w Window) Rest(now Window) Window {
	if w.From < now.From {
		w.From = now.From
	}
	if w.Until != 0 && w.Until < now.Until {
		w.Until = now.Until
	}
	return w
}

// Bounds returns the window as times; a zero time is no bound.
func (w Window) Bounds() (starts, expires time.Time) {
	if w.From != 0 {
		starts = time.Unix(w.From, 0).UTC()
	}
	if w.Until != 0 {
		expires = time.Unix(w.Until, 0).UTC()
	}
	return starts, expires
}
