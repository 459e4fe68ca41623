package web

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
)

// near is how much earlier than wanted a deadline may strike. It spares a busy connection from
// arming its timers anew for every request.
const near = time.Second

// conn is a connection that costs net/http less. Its deadlines are armed when something waits
// for the client, not before, and those that have hardly moved stay as they are. While a hot
// request is answered, nobody looks whether the client has gone: that read, and its end, would
// cost as much as the answer.
type conn struct {
	net.Conn
	peer     netip.Addr
	peerText string

	mu      sync.Mutex
	wake    sync.Cond
	read    deadline
	write   deadline
	closed  bool
	parked  bool // a read waits in unheard
	watched bool // the request that is answered wants to know when its client has gone
}

// deadline is one direction of a connection.
type deadline struct {
	want, armed time.Time    // zero for none
	waiting     atomic.Int32 // calls that it ends; goes up under the lock only
}

// listener makes conns.
type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	out := &conn{Conn: c, peer: peerAddress(c.RemoteAddr().String())}
	out.peerText = out.peer.String()
	out.wake.L = &out.mu
	return out, nil
}

type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

func connOf(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}

// address is the peer's, which does not change while the connection lasts.
func (c *conn) address(r *http.Request) netip.Addr {
	if c == nil {
		return peerAddress(r.RemoteAddr)
	}
	return c.peer
}

// text spells an address, which is nearly always the peer's.
func (c *conn) text(a netip.Addr) string {
	if c == nil || a != c.peer {
		return a.String()
	}
	return c.peerText
}

// watch lets the request that is answered know when its client goes. Only hot requests do without.
func (c *conn) watch() {
	if c == nil {
		return
	}
	c.mu.Lock()
	c.watched = true
	c.mu.Unlock()
	c.wake.Broadcast()
}

// unheard waits in the place of the read by which net/http learns that a client has gone. It reads
// a single byte, while an answer has a deadline; nothing else does. It returns nil when the read
// is wanted.
func (c *conn) unheard() error {
	c.parked = true
	defer func() { c.parked = false }()
	for !c.watched {
		switch {
		case c.closed:
			return net.ErrClosed
		case !c.read.want.IsZero() && !c.read.want.After(clock.Deadline(0)):
			return os.ErrDeadlineExceeded
		}
		c.wake.Wait()
	}
	return nil
}

func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	if len(p) == 1 && !c.write.want.IsZero() && !c.watched {
		if err := c.unheard(); err != nil {
			c.mu.Unlock()
			return 0, err
		}
	}
	err := c.read.arm(c.Conn.SetReadDeadline)
	c.read.waiting.Add(1)
	c.mu.Unlock()
	n := 0
	if err == nil {
		n, err = c.Conn.Read(p)
	}
	c.read.waiting.Add(-1)
	return n, err
}

func (c *conn) Write(p []byte) (n int, err error) {
	if err = c.beforeWrite(); err == nil {
		n, err = c.Conn.Write(p)
	}
	c.write.waiting.Add(-1)
	return n, err
}

// ReadFrom lets net/http send a file without copying it.
func (c *conn) ReadFrom(r io.Reader) (n int64, err error) {
	if err = c.beforeWrite(); err == nil {
		n, err = io.Copy(c.Conn, r)
	}
	c.write.waiting.Add(-1)
	return n, err
}

func (c *conn) beforeWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.write.waiting.Add(1)
	return c.write.arm(c.Conn.SetWriteDeadline)
}

// arm makes the wanted deadline the one of the connection, unless that is near it and well ahead.
func (d *deadline) arm(set func(time.Time) error) error {
	early := d.want.Sub(d.armed)
	if early == 0 || early > 0 && early <= near && d.armed.After(clock.Deadline(near)) {
		return nil
	}
	d.armed = d.want
	return set(d.want)
}

func (d *deadline) set(t time.Time, set func(time.Time) error) error {
	d.want = t
	if d.waiting.Load() == 0 {
		return nil
	}
	return d.arm(set)
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parked {
		c.wake.Broadcast()
	}
	return c.read.set(t, c.Conn.SetReadDeadline)
}

// SetWriteDeadline also marks a request's beginning and end: net/http gives every answer a
// deadline and takes it away afterwards.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.IsZero() {
		c.watched = false
	}
	return c.write.set(t, c.Conn.SetWriteDeadline)
}

func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

func (c *conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.wake.Broadcast()
	return c.Conn.Close()
}

// CloseWrite ends what the server says, while the client may go on.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
