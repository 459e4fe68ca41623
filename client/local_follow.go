package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

const (
	firstReturn = 50 * time.Millisecond // before coming back for the first time; doubled for each further one
	lastReturn  = 5 * time.Second
	headPause   = 30 * time.Second // until the answer begins
	linePause   = 3 * time.Second  // between two lines; the server sends four a second
	maxLine     = 8 << 20          // bytes
)

// How an answer of the change feed ends, apart from failures.
var (
	errRenew   = errors.New("client: the server asks to come back")
	errTooFar  = errors.New("client: too many changes at once; starting over")
	errSilence = fmt.Errorf("%w: the change feed is silent", ErrUnavailable)
)

// follow keeps the copy until ctx ends.
func (l *Local) follow(ctx context.Context) {
	p := &place{to: l.index}
	wait := firstReturn
	for ctx.Err() == nil {
		before := p.rev
		progress, err := l.stay(ctx, p)
		if ctx.Err() != nil {
			return
		}
		if progress {
			wait = firstReturn
		}
		restart := startsOver(err)
		if errors.Is(err, errRenew) {
			if progress && (p.rev > before || l.Fresh()) {
				p.again(false)
				continue
			}
		} else {
			l.lastErr.Store(&err)
		}
		p.again(restart)
		// Half of the pause is random, so that many do not come back together.
		if sleep(ctx, wait/2+rand.N(wait/2)) != nil {
			return
		}
		wait = min(2*wait, lastReturn)
	}
}

// startsOver tells whether the cursor is of no use any more.
func startsOver(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return errors.Is(err, errTooFar) || ok && (e.Status == http.StatusGone || e.Status == http.StatusBadRequest || e.Code == "CursorExpired")
}

// stay reads one answer of the change feed to its end. progress tells whether it was whole at any
// moment.
func (l *Local) stay(ctx context.Context, p *place) (progress bool, err error) {
	p.again(false)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(headPause, func() { cancel(errSilence) })
	defer watch.Stop()
	defer func() {
		if cause := context.Cause(ctx); err != nil && errors.Is(cause, errSilence) {
			err = cause
		}
	}()
	body, sent, err := l.open(ctx, p.cursor)
	if err != nil {
		return false, err
	}
	defer body.Close()
	l.streams.Add(1)
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for {
		watch.Reset(linePause)
		if !lines.Scan() {
			break
		}
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		c, err := decodeChange(lines.Bytes())
		if err != nil {
			return progress, err
		}
		switch c.Kind {
		case "ready":
			if err := l.whole(p, c, sent); err != nil {
				return progress, err
			}
			progress = true
		case "end":
			return progress, c.end()
		default:
			edit, err := c.edit()
			if err != nil {
				return progress, err
			}
			if !p.add(edit) {
				return progress, errTooFar
			}
		}
	}
	err = lines.Err()
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return progress, fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// whole shows what has come since the line of the same kind before. sent is a moment before the
// server could have begun to answer: its milliseconds count from later than that.
func (l *Local) whole(p *place, c *change, sent time.Duration) error {
	if c.ElapsedMs == nil || c.Cursor == "" || c.At.IsZero() {
		return fmt.Errorf("%w: a ready line of the change feed lacks a member", ErrUnavailable)
	}
	if p.complete() {
		l.copies.Add(1)
	}
	p.cursor, p.rev = c.Cursor, c.Revision
	k := &known{rev: c.Revision, server: c.At, arrived: monotonic(), moment: sent + time.Duration(*c.ElapsedMs)*time.Millisecond}
	// A connection that began late can be known less exactly than the one before.
	if old := l.known.Load(); old != nil && old.rev == k.rev && old.moment > k.moment {
		return nil
	}
	l.known.Store(k)
	select {
	case <-l.first:
	default:
		close(l.first)
	}
	return nil
}

// end is the error that an end line tells of.
func (c *change) end() error {
	if c.Reason == "renew" {
		return errRenew
	}
	kind := ErrUnavailable
	switch c.ErrorCode {
	case "Unauthenticated":
		kind = ErrUnauthenticated
	case "Forbidden":
		kind = ErrForbidden
	}
	return &Error{Status: http.StatusOK, Title: c.Title, Code: c.ErrorCode, ID: c.ErrorID, kind: kind}
}

// open asks for the change feed. sent is a moment before the server can have seen the request.
func (l *Local) open(ctx context.Context, cursor string) (_ io.ReadCloser, sent time.Duration, err error) {
	query := url.Values{"follow": {"true"}}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	if l.query != "" {
		query.Set("resourceUri", l.query)
	}
	// The transport may send a request again on another connection; what counts is the last time.
	var connected atomic.Int64
	connected.Store(int64(monotonic()))
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(int64(monotonic())) },
	})
	request, err := l.client.request(ctx, call{method: http.MethodGet, path: "/v1/changes", query: query}, nil)
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Accept", "application/x-ndjson")
	request.Header.Set("Accept-Encoding", "identity") // what is compressed on the way is also kept waiting
	response, err := l.stream.Do(request)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		answer, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
		if err != nil {
			return nil, 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return nil, 0, failure(response.StatusCode, answer)
	}
	return response.Body, time.Duration(connected.Load()), nil
}
