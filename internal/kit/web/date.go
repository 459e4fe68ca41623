package web

import (
	"net/http"
	"sync/atomic"
	"time"
)

// date is the value of the Date header in one second.
type date struct {
	second int64
	value  []string
}

var lastDate atomic.Pointer[date]

// dateOf spells the time for the Date header, once a second. net/http would do it for every answer.
func dateOf(t time.Time) []string {
	if d := lastDate.Load(); d != nil && d.second == t.Unix() {
		return d.value
	}
	d := &date{t.Unix(), []string{t.UTC().Format(http.TimeFormat)}}
	lastDate.Store(d)
	return d.value
}
