package peer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// dialer calls gRPC methods without encryption over HTTP/2, on a few connections.
type dialer struct {
	address string
	token   string
	clients []*http.Client
}

const maxAnswer = 1 << 20

func dial(address, token string) *dialer {
	d := &dialer{address: address, token: token}
	for range 4 {
		var protocols http.Protocols
		protocols.SetUnencryptedHTTP2(true)
		d.clients = append(d.clients, &http.Client{Timeout: 60 * time.Second, Transport: &http.Transport{Protocols: &protocols}})
	}
	return d
}

// call sends messages to a method and returns the first message of the answer.
func (d *dialer) call(ctx context.Context, n int, method string, messages []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.address+method, bytes.NewReader(messages))
	if err != nil {
		return nil, err
	}
	r.Header = http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}}
	if d.token != "" {
		r.Header["Authorization"] = []string{"Bearer " + d.token}
	}
	response, err := d.clients[n%len(d.clients)].Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	status, text := response.Trailer.Get("Grpc-Status"), response.Trailer.Get("Grpc-Message")
	if status == "" {
		status, text = response.Header.Get("Grpc-Status"), response.Header.Get("Grpc-Message")
	}
	if status != "0" || response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: HTTP %d, gRPC %s %.200s", method, response.StatusCode, status, text)
	}
	if len(body) < 5 || len(body) < 5+int(binary.BigEndian.Uint32(body[1:])) {
		return nil, errors.New("peer: an answer without a message")
	}
	return body[5 : 5+binary.BigEndian.Uint32(body[1:])], nil
}

func (d *dialer) close() {
	for _, c := range d.clients {
		c.CloseIdleConnections()
	}
}

// frame puts the length before a message.
func frame(message []byte) []byte {
	out := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	return append(out, message...)
}

// The three of Protocol Buffers that the peers' questions need: text and messages, numbers, and
// finding a field in an answer.

func text(to []byte, field int, value string) []byte {
	to = binary.AppendUvarint(to, uint64(field)<<3|2)
	to = binary.AppendUvarint(to, uint64(len(value)))
	return append(to, value...)
}

func message(to []byte, field int, value []byte) []byte { return text(to, field, string(value)) }

func number(to []byte, field int, value uint64) []byte {
	to = binary.AppendUvarint(to, uint64(field)<<3)
	return binary.AppendUvarint(to, value)
}

// field returns a number of a message; one that is absent is 0.
func field(m []byte, want int) (uint64, error) {
	for len(m) > 0 {
		key, n := binary.Uvarint(m)
		if n <= 0 {
			break
		}
		value, k := binary.Uvarint(m[n:])
		if k <= 0 {
			break
		}
		switch m = m[n+k:]; key & 7 {
		case 0:
			if int(key>>3) == want {
				return value, nil
			}
		case 2:
			if value > uint64(len(m)) {
				return 0, errMessage
			}
			m = m[value:]
		default:
			return 0, errMessage
		}
	}
	if len(m) > 0 {
		return 0, errMessage
	}
	return 0, nil
}

var errMessage = errors.New("peer: an answer that is no message")
