package worker

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// Main is the child: it makes itself modest, says that it is ready, and does one task after the other until in ends.
// It must be all that its process does. Signals that ask a whole group or service to stop do not end it: the server
// finishes what is in flight first.
func Main(in io.Reader, out io.Writer) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	runtime.GOMAXPROCS(1)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	beModest()
	return Serve(in, out)
}

// Serve is Main in a process that stays as it is.
func Serve(in io.Reader, out io.Writer) error {
	if err := (frame{kind: kindHello, parts: []string{protocol}}).write(out); err != nil {
		return err
	}
	r := bufio.NewReader(in)
	for {
		f, err := readFrame(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		answer, err := f.answer()
		if err != nil {
			return err
		}
		if err := answer.write(out); err != nil {
			return err
		}
	}
}
