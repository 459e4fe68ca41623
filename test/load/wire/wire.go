// Package wire owns a small HTTP/1.1 client for load tests: one keep-alive connection,
// requests made beforehand, answers read without allocation. On a small machine the client
// competes with the server for the processors, so it has to cost little. It connects to
// loopback addresses only.
package wire

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

const (
	dialTime   = 2 * time.Second
	answerTime = 20 * time.Second
	maxBody    = 1 << 20
)

// Request makes the bytes of a request. Headers are complete lines without line ends.
func Request(method, host, target string, body string, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, host)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	if body != "" || method != "GET" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	return b.Bytes()
}

// Answer is one response. Body is valid until the next request on the connection.
type Answer struct {
	Status   int
	Location string
	Cookies  []string // name=value of each Set-Cookie, "name=" for one that is cleared
	Body     []byte
}

// Conn is one connection. It reconnects by itself when the server has closed it between requests.
type Conn struct {
	address string
	conn    net.Conn
	reader  *bufio.Reader
	body    []byte
}

// New returns a connection to a loopback address and port; it connects on first use.
func New(address string) (*Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, errors.New("wire: only loopback addresses")
	}
	return &Conn{address: address, reader: bufio.NewReaderSize(nil, 16<<10)}, nil
}

// Close ends the connection.
func (c *Conn) Close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// Do sends a request and reads the answer.
func (c *Conn) Do(request []byte) (Answer, error) {
	fresh := c.conn == nil
	a, err := c.try(request)
	if err != nil && !fresh && errors.Is(err, io.EOF) { // the server had closed an idle connection
		return c.try(request)
	}
	return a, err
}

func (c *Conn) try(request []byte) (Answer, error) {
	if c.conn == nil {
		conn, err := net.DialTimeout("tcp", c.address, dialTime)
		if err != nil {
			return Answer{}, err
		}
		c.conn = conn
		c.reader.Reset(conn)
	}
	a, keep, err := c.exchange(request)
	if err != nil || !keep {
		c.Close()
	}
	return a, err
}

func (c *Conn) exchange(request []byte) (a Answer, keep bool, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return a, false, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return a, false, err
	}
	line, err := c.line()
	if err != nil {
		return a, false, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return a, false, fmt.Errorf("wire: not a status line: %.40q", line)
	}
	if a.Status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, false, fmt.Errorf("wire: not a status line: %.40q", line)
	}
	keep = true
	length, chunked := 0, false
	for {
		line, err := c.line()
		if err != nil {
			return a, false, err
		}
		if len(line) == 0 {
			break
		}
		switch name, value, _ := bytes.Cut(line, []byte(": ")); {
		case is(name, "content-length"):
			if length, err = strconv.Atoi(string(value)); err != nil || length > maxBody {
				return a, false, errors.New("wire: bad length")
			}
		case is(name, "transfer-encoding"):
			chunked = true
		case is(name, "connection"):
			keep = !is(value, "close")
		case is(name, "location"):
			a.Location = string(value)
		case is(name, "set-cookie"):
			cookie, _, _ := strings.Cut(string(value), ";")
			a.Cookies = append(a.Cookies, cookie)
		}
	}
	if chunked {
		a.Body, err = c.chunks()
		return a, keep, err
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	a.Body = c.body[:length]
	_, err = io.ReadFull(c.reader, a.Body)
	return a, keep, err
}

func (c *Conn) chunks() ([]byte, error) {
	var out []byte
	for {
		line, err := c.line()
		if err != nil {
			return nil, err
		}
		size, err := strconv.ParseUint(string(line), 16, 32)
		if err != nil || len(out)+int(size) > maxBody {
			return nil, errors.New("wire: bad chunk")
		}
		from := len(out)
		out = append(out, make([]byte, size)...)
		if _, err := io.ReadFull(c.reader, out[from:]); err != nil {
			return nil, err
		}
		if _, err := c.line(); err != nil {
			return nil, err
		}
		if size == 0 {
			return out, nil
		}
	}
}

func (c *Conn) line() ([]byte, error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
}

// is compares in lower case without allocating; lower is all lower case.
func is(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range b {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
