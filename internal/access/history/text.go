package history

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Text is the explanation as people read it: yes or no first, then what it rests on, or what comes
// closest, one thing a line.
func (e *Explanation) Text() string {
	var b strings.Builder
	answer := "NO"
	if e.Allowed {
		answer = "YES"
	}
	may := "may not"
	if e.Allowed {
		may = "may"
	}
	fmt.Fprintf(&b, "%s: %s %s %s on %s\n", answer, e.Question.User, may, e.Question.Action, e.Question.Resource)
	fmt.Fprintf(&b, "     at %s\n", clockText(e.At))
	if e.Allowed {
		b.WriteString("Because, and each alone is enough:\n")
		for i := range e.Because {
			fmt.Fprintf(&b, "  - %s\n", e.Because[i].text())
		}
		if e.More {
			b.WriteString("  - and others\n")
		}
		return b.String()
	}
	b.WriteString("Nearest to a yes:\n")
	for i := range e.Nearest {
		fmt.Fprintf(&b, "  - %s\n", e.Nearest[i].text(&e.Question))
	}
	return b.String()
}

func (r *Reason) text() string {
	if r.Covers == Public {
		return fmt.Sprintf("%s is open to everybody (PUBLIC)", r.Resource)
	}
	out := r.Grant.text() + "; the role allows " + r.Permission.Action
	if !r.ExpiresAt.IsZero() {
		out += "; it ends at " + clockText(r.ExpiresAt)
	}
	return out
}

func (n *Near) text(q *Question) string {
	switch n.Why {
	case Unknown:
		return fmt.Sprintf("no record names %s, nor a group that they belong to", q.User)
	case Nothing:
		return "records name them, and give nothing like it"
	}
	return n.Grant.text() + "; " + n.lacks(q)
}

// lacks says why the grant does not suffice.
func (n *Near) lacks(q *Question) string {
	switch n.Why {
	case NotYet:
		return "it starts at " + clockText(n.StartsAt)
	case Expired:
		return "it ended at " + clockText(n.ExpiresAt)
	case Revoked:
		return "it was taken back at " + clockText(n.Since)
	case LeftGroup:
		return "they left the group at " + clockText(n.Since)
	case RoleMissing:
		return "the role does not exist"
	case NotAllowed:
		return "the role only lets them give " + n.Permission.Action + " to others"
	case OtherAction:
		if len(n.Actions) == 0 {
			return "the role allows nothing"
		}
		return "the role allows " + strings.Join(n.Actions, ", ") + ", not " + q.Action
	case OtherResource:
		return "that does not cover " + q.Resource
	}
	return string(n.Why)
}

// text says where something was given.
func (g *Grant) text() string {
	var b strings.Builder
	if g.Record == "" {
		b.WriteString("a record that you may not see")
	} else {
		fmt.Fprintf(&b, "record %s %s, statement %d,", g.Record, strconv.Quote(g.RecordName), g.Statement+1)
	}
	fmt.Fprintf(&b, " gives %s on %s", g.Role, g.Resource)
	switch g.Covers {
	case Parent:
		b.WriteString(" (above it)")
	case Wildcard:
		b.WriteString(" (a star that stands for it)")
	case Everything:
		b.WriteString(" (everything)")
	}
	switch {
	case g.Group != "":
		fmt.Fprintf(&b, " through the group %s", g.Group)
	case g.ViaGroup:
		b.WriteString(" through a group")
	}
	return b.String()
}

func clockText(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
