package worker

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// Main is the child: it says that it is ready, makes itself modest, and does one task after the other until in ends.
// It must be all that its process does. Signals that ask a whole group or service to stop do not end it: the server
// finishes what is in flight first.
func Main(in io.Reader, out io.Writer) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	runtime.GOMAXPROCS(1)
	if err := hello(out); err != nil { // first: on a busy machine what is modest takes long to say anything
		return err
	}
	beModest()
	return work(in, out)
}

// Serve is Main in a process that stays as it is.
func Serve(in io.Reader, out io.Writer) error {
	if err := hello(out); err != nil {
		return err
	}
	return work(in, out)
}

func hello(out io.Writer) error { return frame{kind: kindHello, parts: []string{protocol}}.write(out) }

func work(in io.Reader, out io.Writer) error {
	m := newMemory()
	for {
		f, err := readFrame(in) // into no buffer that would keep it
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		m.busy()
		answer, err := f.answer()
		if err != nil {
			return err
		}
		if err := answer.write(out); err != nil {
			return err
		}
		m.settle()
	}
}
