package changes

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/access/claim"
	"github.com/admit-id/admit/internal/access/follow"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/web"
)

// line is one line of the answer.
type line struct {
	Kind     string `json:"kind"` // record, role, group, resource, ready or end
	ID       string `json:"id,omitempty"`
	Revision int64  `json:"revision,omitempty"`
	Cursor   string `json:"cursor,omitempty"`

	Deleted  bool          `json:"deleted,omitempty"`
	Record   any           `json:"record,omitempty"`
	Role     any           `json:"role,omitempty"`
	Group    any           `json:"group,omitempty"`
	Resource *resourceWire `json:"resource,omitempty"`

	At      string `json:"at,omitempty"`        // ready: the moment, by the server's clock
	Elapsed *int64 `json:"elapsedMs,omitempty"` // ready: the moment, since the request came

	Reason    string `json:"reason,omitempty"` // end: renew, when the follower should come back at once
	Title     string `json:"title,omitempty"`  // end: as in an error
	ErrorCode string `json:"errorCode,omitempty"`
	ErrorID   string `json:"errorId,omitempty"`
}

type resourceWire struct {
	ResourceURI string            `json:"resourceUri"`
	Permissions []resourceSetting `json:"permissions"`
}

type resourceSetting struct {
	Action string `json:"action"`
	Allow  bool   `json:"allow"`
}

func resourceBody(c *access.ResourceConfig) *resourceWire {
	out := &resourceWire{ResourceURI: c.Resource}
	if c.Public {
		out.Permissions = append(out.Permissions, resourceSetting{claim.Public, true})
	}
	if c.Claim {
		out.Permissions = append(out.Permissions, resourceSetting{claim.Claim, true})
	}
	return out
}

var (
	// errRenew ends an answer whose follower should ask again.
	errRenew = errors.New("changes: renew")
	errOther = fault.New(fault.Unauthenticated, fault.CodeUnauthenticated, "The token is not what it was.")
	errSlow  = errors.New("changes: the follower does not read")
)

var kinds = map[string]string{
	access.ChangeRecord: "record", access.ChangeRole: "role", access.ChangeGroup: "group", access.ChangeResource: "resource",
}

func (a *answer) item(i follow.Item) error {
	l := line{Kind: kinds[i.Kind], ID: i.Key, Revision: i.Rev, Deleted: i.Gone()}
	if i.Rev > 0 {
		l.Cursor = a.cursor(i.Rev)
	}
	switch {
	case i.Record != nil:
		l.Record = a.s.d.Bodies.RecordBody(a.r, *i.Record)
	case i.Role != nil:
		l.Role = a.s.d.Bodies.RoleBody(a.r, *i.Role)
	case i.Group != nil:
		l.Group = a.s.d.Bodies.GroupBody(a.r, *i.Group)
	case i.Resource != nil:
		l.Resource = resourceBody(i.Resource)
	}
	return a.send(l)
}

// end says why the answer ends, if anybody can still hear it.
func (a *answer) end(err error) {
	l := line{Kind: "end"}
	switch {
	case errors.Is(err, errSlow), a.r.Context().Err() != nil:
		return
	case errors.Is(err, errRenew):
		l.Reason = "renew"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return
	default:
		f := web.Translate(a.r, err)
		l.Title, l.ErrorCode, l.ErrorID = f.Public, f.Code, f.ErrorID
	}
	if a.send(l) == nil {
		a.flush()
	}
}

// lines writes lines to a connection that may be slow. It holds one buffer and no more.
type lines struct {
	to     *bufio.Writer
	conn   *http.ResponseController
	events bool
}

func newLines(w http.ResponseWriter, r *http.Request) *lines {
	l := &lines{to: bufio.NewWriterSize(w, 16<<10), conn: http.NewResponseController(w), events: wantsEvents(r)}
	h := w.Header()
	h["Content-Type"] = []string{"application/x-ndjson; charset=utf-8"}
	if l.events {
		h["Content-Type"] = []string{"text/event-stream; charset=utf-8"}
	}
	h["X-Accel-Buffering"] = []string{"no"} // some proxies collect what they pass on
	l.conn.SetReadDeadline(time.Time{})     // the request was read; its deadline would end the answer
	l.conn.SetWriteDeadline(clock.Deadline(patience))
	w.WriteHeader(http.StatusOK)
	return l
}

// wantsEvents tells whether Accept names event streams.
func wantsEvents(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(accept, ",") {
			kind, _, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "text/event-stream") {
				return true
			}
		}
	}
	return false
}

func (l *lines) send(v line) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fault.Wrap("changes.send", err)
	}
	l.conn.SetWriteDeadline(clock.Deadline(patience))
	if l.events {
		l.to.WriteString("event: ")
		l.to.WriteString(v.Kind)
		if v.Cursor != "" {
			l.to.WriteString("\nid: ")
			l.to.WriteString(v.Cursor)
		}
		l.to.WriteString("\ndata: ")
	}
	l.to.Write(text)
	if l.events {
		l.to.WriteByte('\n')
	}
	if err := l.to.WriteByte('\n'); err != nil {
		return errors.Join(errSlow, err)
	}
	return nil
}

// blank sends a line that says nothing.
func (l *lines) blank() {
	if l.events {
		l.to.WriteByte(':')
	}
	l.to.WriteByte('\n')
	if l.events {
		l.to.WriteByte('\n')
	}
}

func (l *lines) flush() error {
	l.conn.SetWriteDeadline(clock.Deadline(patience))
	if err := l.to.Flush(); err != nil {
		return errors.Join(errSlow, err)
	}
	if err := l.conn.Flush(); err != nil {
		return errors.Join(errSlow, err)
	}
	return nil
}

// close sends what waits. net/http ends the answer, for which there is a deadline too.
func (l *lines) close() { l.flush() }
