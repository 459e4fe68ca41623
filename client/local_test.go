package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/ident"
)

// script is a server whose change feed says what a test wants, and that answers every check with no.
type script struct {
	*httptest.Server
	streams, checks atomic.Int64
	feed            func(n int64, r *http.Request, say func(format string, args ...any))
}

// newScript starts a server and a copy whose bound a busy machine does not reach.
func newScript(t *testing.T, feed func(n int64, r *http.Request, say func(string, ...any))) (*script, *Local) {
	t.Helper()
	return newScriptWithin(t, LocalConfig{Bound: time.Hour}, feed)
}

func newScriptWithin(t *testing.T, cfg LocalConfig, feed func(n int64, r *http.Request, say func(string, ...any))) (*script, *Local) {
	t.Helper()
	s := &script{feed: feed}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/changes" {
			s.checks.Add(1)
			w.WriteHeader(http.StatusNotFound)
			return
		}
		s.feed(s.streams.Add(1), r, func(format string, args ...any) {
			if strings.HasPrefix(format, "STATUS ") {
				var status int
				fmt.Sscanf(format, "STATUS %d", &status)
				w.WriteHeader(status)
				return
			}
			fmt.Fprintf(w, format+"\n", args...)
			w.(http.Flusher).Flush()
		})
	}))
	t.Cleanup(s.Close)
	c, err := New(Config{BaseURL: s.URL, Credentials: Token("t")})
	if err != nil {
		t.Fatal(err)
	}
	l, err := c.Local(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(context.Background()) })
	return s, l
}

const (
	roleLine   = `{"kind":"role","id":"ro","role":{"roleId":"ro","permissions":[{"action":"read","allow":true}]}}`
	recordLine = `{"kind":"record","id":"rec","record":{"recordId":"rec","users":[{"userId":"ann"}],"groups":[],"statements":[{"roles":["ro"],"resources":[{"resourceUri":"a"}]}]}}`
)

func readyLine(rev int, elapsed time.Duration, at time.Time) string {
	return fmt.Sprintf(`{"kind":"ready","revision":%d,"cursor":"c%d","elapsedMs":%d,"at":%q}`, rev, rev, elapsed.Milliseconds(), at.UTC().Format(time.RFC3339Nano))
}

// beat says ready every 20 ms until the request ends.
func beat(r *http.Request, say func(string, ...any), rev int, begun time.Time) {
	for {
		select {
		case <-r.Context().Done():
			return
		case <-time.After(20 * time.Millisecond):
			say("%s", readyLine(rev, time.Since(begun), time.Now()))
		}
	}
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for", what)
		}
	}
}

func (l *Local) yes(t *testing.T) bool {
	t.Helper()
	yes, err := l.Check(t.Context(), "ann", "a", "read")
	if err != nil {
		t.Error(err)
	}
	return yes
}

// Nothing is shown before a ready line, and then all of it.
func TestLocalShowsWholeStatesOnly(t *testing.T) {
	step := make(chan string)
	s, l := newScript(t, func(_ int64, r *http.Request, say func(string, ...any)) {
		for {
			select {
			case text := <-step:
				say("%s", text)
			case <-r.Context().Done():
				return
			}
		}
	})
	begun := time.Now()
	step <- roleLine
	step <- recordLine
	if l.yes(t) || l.Fresh() || s.checks.Load() != 1 {
		t.Error("it answered without a whole state")
	}
	step <- readyLine(1, time.Since(begun), time.Now())
	eventually(t, "the copy", l.Fresh)
	if !l.yes(t) || s.checks.Load() != 1 {
		t.Error("it does not answer itself")
	}
	step <- `{"kind":"record","id":"rec","revision":2,"deleted":true,"cursor":"x"}`
	time.Sleep(20 * time.Millisecond)
	if !l.yes(t) {
		t.Error("half a state was shown")
	}
	step <- readyLine(2, time.Since(begun), time.Now())
	eventually(t, "the change", func() bool { return l.Stats().Revision == 2 })
	if l.yes(t) || s.checks.Load() != 1 {
		t.Error("the record is still there")
	}
}

// What the server knew long ago is old, whenever it arrives.
func TestLocalCountsFromTheServersLook(t *testing.T) {
	s, l := newScriptWithin(t, LocalConfig{}, func(_ int64, r *http.Request, say func(string, ...any)) {
		say(roleLine)
		say(recordLine)
		for n := 1; r.Context().Err() == nil; n++ { // it has looked once, at the beginning, and repeats itself
			say("%s", readyLine(n, 0, time.Now()))
			time.Sleep(20 * time.Millisecond)
		}
	})
	eventually(t, "the copy", func() bool { return l.Stats().Revision > 0 })
	eventually(t, "the copy to be old", func() bool { return !l.Fresh() })
	for range 3 { // whatever arrives afterwards
		old := l.Stats().Revision
		eventually(t, "more lines", func() bool { return l.Stats().Revision > old })
		if l.Fresh() || l.yes(t) || s.checks.Load() == 0 {
			t.Error("old news were taken for new")
		}
	}
}

func TestLocalStartsOver(t *testing.T) {
	var cursors [8]atomic.Pointer[string]
	_, l := newScript(t, func(n int64, r *http.Request, say func(string, ...any)) {
		cursor := r.URL.Query().Get("cursor")
		if int(n) < len(cursors) {
			cursors[n].Store(&cursor)
		}
		begun := time.Now()
		switch n {
		case 1:
			say(roleLine)
			say(recordLine)
			say("%s", readyLine(1, 0, begun))
			say(`{"kind":"end","reason":"renew"}`)
		case 2:
			say("%s", readyLine(1, 0, begun))
			say(`{"kind":"end","errorCode":"Unavailable","title":"x"}`)
		case 3:
			say("STATUS 410")
		default:
			say(roleLine)
			beat(r, say, 9, begun)
		}
	})
	eventually(t, "the new copy", func() bool { return l.Stats().Revision == 9 })
	for n, want := range map[int]string{1: "", 2: "c1", 3: "c1", 4: ""} {
		if got := cursors[n].Load(); got == nil || *got != want {
			t.Errorf("stream %d had the cursor %v", n, got)
		}
	}
	if s := l.Stats(); s.Copies != 2 || s.Grants != 0 || l.yes(t) {
		t.Errorf("%+v", s)
	}
}

// A line that this client does not understand could be a right that was taken back.
func TestLocalDoesNotSkipWhatItDoesNotUnderstand(t *testing.T) {
	for _, bad := range []string{`{"kind":"policy","id":"x"}`, `nonsense`, `{"kind":"record","id":"rec"}`, `{"kind":"resource","id":"a//b"}`, `{"kind":"ready","revision":1}`} {
		s, l := newScript(t, func(_ int64, r *http.Request, say func(string, ...any)) {
			begun := time.Now()
			say(roleLine)
			say(recordLine)
			say("%s", bad)
			beat(r, say, 1, begun)
		})
		eventually(t, "another attempt", func() bool { return s.streams.Load() > 1 })
		if l.Fresh() || l.yes(t) {
			t.Errorf("%s was skipped", bad)
		}
	}
}

func TestLocalJudgesTimeByTheServersClock(t *testing.T) {
	ahead := 12 * time.Hour // the server's clock, or ours, is wrong by as much
	window := `{"kind":"record","id":"w","record":{"users":[{"userId":"bob"}],"statements":[{"roles":["ro"],"resources":[{"resourceUri":"a"}],"startsAt":%q,"expiresAt":%q}]}}`
	_, l := newScript(t, func(_ int64, r *http.Request, say func(string, ...any)) {
		begun, now := time.Now(), time.Now().Add(ahead)
		say(roleLine)
		say(window, now.Add(-time.Hour).Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339))
		for r.Context().Err() == nil {
			say("%s", readyLine(1, time.Since(begun), time.Now().Add(ahead)))
			time.Sleep(20 * time.Millisecond)
		}
	})
	eventually(t, "the copy", l.Fresh)
	if yes, err := l.Check(t.Context(), "bob", "a/b", "read"); !yes || err != nil {
		t.Errorf("%v, %v", yes, err)
	}
}

func TestLocalRefusesWhatIsNoQuestion(t *testing.T) {
	s, l := newScript(t, func(_ int64, r *http.Request, say func(string, ...any)) { beat(r, say, 1, time.Now()) })
	eventually(t, "the copy", l.Fresh)
	for _, q := range [][3]string{{"", "a", "r"}, {"u", "", "r"}, {"u", "a", ""}, {"u", "a//b", "r"}, {"u", "a", "r b"}} {
		if yes, err := l.Check(t.Context(), q[0], q[1], q[2]); yes || err == nil {
			t.Errorf("%q: %v, %v", q, yes, err)
		}
	}
	if _, err := l.Check(t.Context(), "u", "a//b", "r"); !errors.Is(err, ErrInvalid) || s.checks.Load() != 0 {
		t.Errorf("%v after %d checks", err, s.checks.Load())
	}
}

func BenchmarkLocalCheck(b *testing.B) {
	for _, grants := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(grants), func(b *testing.B) {
			l := &Local{bound: time.Hour, index: index.New()}
			l.known.Store(&known{rev: 1, moment: monotonic(), arrived: monotonic(), server: time.Now()})
			role := access.Role{ID: "ro", Permissions: []access.Permission{{Action: "documents", Allow: true}}}
			l.index.Update(here, func(e *index.Editor) {
				e.SetRole(role.ID, role.Compiled())
				for i := range grants {
					rec := access.Record{ID: ident.RecordID(fmt.Sprint(i)), Users: []ident.UserID{ident.UserID(fmt.Sprintf("user_%d", i%(grants/10)))},
						Statements: []access.Statement{{Roles: []ident.RoleID{"ro"}, Resources: []string{fmt.Sprintf("accounts/a%d/projects/p%d", i%100, i)}}}}
					e.SetRecord(rec.ID, rec.Blocks())
				}
			})
			ctx := context.Background()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if yes, err := l.Check(ctx, "user_7", "accounts/a7/projects/p7/documents/d1", "documents:read"); !yes || err != nil {
					b.Fatal(yes, err)
				}
			}
		})
	}
}
