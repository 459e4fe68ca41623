package worker

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/factor/password/hashes"
)

// TestMain is also the children: the test binary plays every part that a child can.
func TestMain(m *testing.M) {
	part := ""
	if len(os.Args) == 2 {
		part = os.Args[1]
	}
	switch part {
	case "hash-worker":
		if Main(os.Stdin, os.Stdout) != nil {
			os.Exit(1)
		}
	case "equal": // as hash-worker, but with the priority of everybody
		if Serve(os.Stdin, os.Stdout) != nil {
			os.Exit(1)
		}
	case "stranger":
		_, _ = os.Stdout.WriteString("usage: something else entirely\n")
		_, _ = readFrame(os.Stdin)
	case "older":
		_ = frame{kind: kindHello, parts: []string{"admit hash-worker 0"}}.write(os.Stdout)
		_, _ = readFrame(os.Stdin)
	case "liar": // says yes to whatever was asked before
		_ = hello(os.Stdout)
		for last := uint64(0); ; {
			f, err := readFrame(os.Stdin)
			if err != nil {
				return
			}
			_ = frame{id: last, kind: kindRight}.write(os.Stdout)
			last = f.id
		}
	case "glutton":
		_ = hello(os.Stdout)
		beModest()
		f, _ := readFrame(os.Stdin)
		all := [][]byte{}
		for range 64 {
			all = append(all, make([]byte, 64<<20))
		}
		_ = frame{id: f.id, kind: kindRight, parts: nil}.write(os.Stdout)
		_, _ = readFrame(os.Stdin)
		_ = len(all)
	default:
		os.Exit(m.Run())
	}
}

func start(t *testing.T, part string) *Child {
	t.Helper()
	p, err := Self(part)
	if err != nil {
		t.Fatal(err)
	}
	if part != "hash-worker" {
		p.Patience = time.Hour // however busy the machine is
	}
	c, err := p.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Kill)
	return c
}

const bcrypt = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" // of U*U

func TestChildHashes(t *testing.T) {
	c := start(t, "equal")
	made, err := c.Do(hashes.Task{Costs: hashes.Least, Passwords: []string{"rain\x00\xff\n"}})
	if err != nil || !strings.HasPrefix(made.Hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(made, err)
	}
	for _, v := range []struct {
		hash  string
		tried []string
		right bool
	}{
		{made.Hash, []string{"rain\x00\xff\n"}, true}, {made.Hash, []string{"rain"}, false}, {made.Hash, []string{""}, false},
		{bcrypt, []string{"U*U"}, true}, {bcrypt, []string{"x", "U*U"}, true}, {bcrypt, []string{"U*U*"}, false},
		// The most that a hash may ask for, twice: it is within the bound of a child's memory.
		{"$argon2id$v=19$m=262144,t=1,p=4$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", []string{"password", "other"}, false},
	} {
		if done, err := c.Do(hashes.Task{Hash: v.hash, Passwords: v.tried}); err != nil || done.Right != v.right || done.Hash != "" {
			t.Errorf("%.20s %q: %v %v", v.hash, v.tried, done, err)
		}
	}
	// CRY-02: what is out of range is refused by the child, too, and does not end it.
	for _, bad := range []hashes.Task{
		{Hash: strings.Replace(made.Hash, "m=19456", "m=4194304", 1), Passwords: []string{"x"}},
		{Hash: "plain", Passwords: []string{"plain"}},
		{Costs: hashes.Params{Memory: 4 << 20, Passes: 2, Lanes: 1}, Passwords: []string{"x"}},
		{Passwords: []string{"x"}},
	} {
		if done, err := c.Do(bad); !errors.Is(err, hashes.ErrFormat) || done.Right {
			t.Errorf("%.40v: %v %v", bad, done, err)
		}
	}
	if done, err := c.Do(hashes.Task{Hash: bcrypt, Passwords: []string{"U*U"}}); err != nil || !done.Right {
		t.Error("not of use any more:", err)
	}
}

// What is no answer to exactly what was asked lets nobody in.
func TestAnswersAreMatched(t *testing.T) {
	c := start(t, "liar")
	for range 3 {
		if done, err := c.Do(hashes.Task{Hash: bcrypt, Passwords: []string{"wrong"}}); err == nil || done.Right {
			t.Error("the answer to another task was taken")
		}
	}
	compare, making := hashes.Task{Hash: bcrypt, Passwords: []string{"x"}}, hashes.Task{Costs: hashes.Least, Passwords: []string{"x"}}
	for _, v := range []struct {
		frame frame
		task  hashes.Task
	}{
		{frame{id: 7, kind: kindMade, parts: []string{"$x"}}, compare}, {frame{id: 7, kind: kindRight, parts: []string{"x"}}, compare}, {frame{id: 7, kind: 'q'}, compare},
		{frame{id: 7, kind: kindRight}, making}, {frame{id: 7, kind: kindMade}, making}, {frame{id: 7, kind: kindMade, parts: []string{""}}, making}, {frame{id: 6, kind: kindMade, parts: []string{"$x"}}, making},
	} {
		if done, err := v.frame.done(7, v.task); err == nil || done.Right || done.Hash != "" {
			t.Errorf("%+v was taken", v.frame)
		}
	}
}

func TestWhatIsNoWorkerIsNotUsed(t *testing.T) {
	for _, part := range []string{"stranger", "older"} {
		p, err := Self(part)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := p.Start(); err == nil {
			c.Kill()
			t.Errorf("%s: taken", part)
		}
	}
	if _, err := (Program{Path: "/nonexistent/admit"}).Start(); err == nil {
		t.Error("started nothing")
	}
}

func TestTooLongATask(t *testing.T) {
	c := start(t, "equal")
	if _, err := c.Do(hashes.Task{Costs: hashes.Least, Passwords: []string{strings.Repeat("x", maxFrame)}}); err == nil {
		t.Error("sent")
	}
}

func FuzzFrame(f *testing.F) {
	for _, seed := range []frame{
		{kind: kindHello, parts: []string{protocol}}, {id: 1, kind: kindRight}, {id: 1 << 63, kind: kindMade, parts: []string{"$argon2id$x"}},
		ask(2, hashes.Task{Hash: bcrypt, Passwords: []string{"a", ""}}), ask(3, hashes.Task{Costs: hashes.Least, Passwords: []string{"p"}}),
	} {
		var b strings.Builder
		if err := seed.write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.String())
		f.Add(b.String()[:b.Len()-1])
	}
	f.Add("\xff\xff\xff\xff")
	f.Fuzz(func(t *testing.T, text string) {
		r := strings.NewReader(text)
		read, err := readFrame(r)
		if err != nil {
			return
		}
		var again strings.Builder
		if err := read.write(&again); err != nil || again.String() != text[:len(text)-r.Len()] {
			t.Errorf("%q is written as %q (%v)", text, again.String(), err)
		}
		task, err := read.task()
		if err != nil {
			return
		}
		if back, err := ask(read.id, task).task(); err != nil || len(back.Passwords) != len(task.Passwords) || back.Hash != task.Hash || back.Costs != task.Costs {
			t.Errorf("%q: %v %v %v", text, task, back, err)
		}
	})
}
