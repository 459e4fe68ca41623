package worker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/admit-id/admit/internal/factor/password/hashes"
)

// maxFrame bounds a frame. A pipe holds more, so that to write one never waits for the other side.
const maxFrame = 32 << 10

// protocol is what the child says first: both sides must be of one make.
const protocol = "admit hash-worker 1"

// The kinds of frames.
const (
	kindHello   = 'h' // the child is ready
	kindCompare = 'c' // a hash, then passwords
	kindMake    = 'm' // the costs, then a password
	kindRight   = 'r'
	kindWrong   = 'w'
	kindMade    = 'n' // the new hash
	kindRefused = 'x' // not a task that can be done
)

var errFrame = errors.New("worker: not a frame")

// frame is one message: its length, the number of the task, a kind, and parts with their lengths.
type frame struct {
	id    uint64
	kind  byte
	parts []string
}

const headSize = 4 + 8 + 1

func (f frame) write(w io.Writer) error {
	b := make([]byte, 4, 512)
	b = append(binary.BigEndian.AppendUint64(b, f.id), f.kind)
	for _, p := range f.parts {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
	}
	defer func() { clear(b) }()
	if len(b) > maxFrame {
		return fmt.Errorf("%w: too long", errFrame)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	_, err := w.Write(b)
	return err
}

// readFrame returns io.EOF when the other side has closed between frames.
func readFrame(r io.Reader) (frame, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	size := binary.BigEndian.Uint32(head[:4])
	if size < headSize-4 || size > maxFrame-4 {
		return frame{}, fmt.Errorf("%w: of %d bytes", errFrame, size)
	}
	rest := make([]byte, size-(headSize-4))
	defer clear(rest)
	if _, err := io.ReadFull(r, rest); err != nil {
		return frame{}, fmt.Errorf("%w: cut off", errFrame)
	}
	f := frame{id: binary.BigEndian.Uint64(head[4:12]), kind: head[12]}
	for b := rest; len(b) > 0; {
		if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
			return frame{}, fmt.Errorf("%w: a part is longer than the rest", errFrame)
		}
		n := 4 + int(binary.BigEndian.Uint32(b))
		f.parts, b = append(f.parts, string(b[4:n])), b[n:]
	}
	return f, nil
}

func ask(id uint64, t hashes.Task) frame {
	if t.Hash == "" {
		costs := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, t.Costs.Memory), t.Costs.Passes)
		return frame{id, kindMake, append([]string{string(append(costs, t.Costs.Lanes))}, t.Passwords...)}
	}
	return frame{id, kindCompare, append([]string{t.Hash}, t.Passwords...)}
}

// task is what a frame asks for.
func (f frame) task() (hashes.Task, error) {
	switch {
	case f.kind == kindCompare && len(f.parts) > 1 && f.parts[0] != "":
		return hashes.Task{Hash: f.parts[0], Passwords: f.parts[1:]}, nil
	case f.kind == kindMake && len(f.parts) > 1 && len(f.parts[0]) == 9:
		b := []byte(f.parts[0])
		costs := hashes.Params{Memory: binary.BigEndian.Uint32(b), Passes: binary.BigEndian.Uint32(b[4:]), Lanes: b[8]}
		return hashes.Task{Costs: costs, Passwords: f.parts[1:]}, nil
	}
	return hashes.Task{}, fmt.Errorf("%w: not a task", errFrame)
}

// answer does what a frame asks for.
func (f frame) answer() (frame, error) {
	t, err := f.task()
	if err != nil {
		return frame{}, err
	}
	done, err := t.Do()
	switch {
	case err != nil:
		return frame{id: f.id, kind: kindRefused}, nil
	case done.Hash != "":
		return frame{id: f.id, kind: kindMade, parts: []string{done.Hash}}, nil
	case done.Right:
		return frame{id: f.id, kind: kindRight}, nil
	}
	return frame{id: f.id, kind: kindWrong}, nil
}

// done reads the answer to a task. Anything but an answer to exactly this one is an error.
func (f frame) done(id uint64, t hashes.Task) (hashes.Done, error) {
	making := t.Hash == ""
	switch {
	case f.id != id:
	case f.kind == kindRefused:
		return hashes.Done{}, hashes.ErrFormat
	case !making && len(f.parts) == 0 && (f.kind == kindRight || f.kind == kindWrong):
		return hashes.Done{Right: f.kind == kindRight}, nil
	case making && f.kind == kindMade && len(f.parts) == 1 && strings.HasPrefix(f.parts[0], "$"):
		return hashes.Done{Hash: f.parts[0]}, nil
	}
	return hashes.Done{}, fmt.Errorf("%w: not the answer to what was asked", errFrame)
}
