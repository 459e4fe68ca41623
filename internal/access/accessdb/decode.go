package accessdb

import (
	"encoding/json"

	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/ident"
)

// giving reads what records give from their stored JSON: users, groups and statements. It
// understands the form in which this package writes them and leaves everything else to encoding/json, so
// it is only faster, never different (FuzzGiving). What it returns is good until the next read.
type giving struct {
	text       string
	at         int
	users      []ident.UserID
	groups     []ident.GroupID
	roles      []ident.RoleID
	resources  []string
	statements []access.Statement

	account ident.AccountID
	out     access.Record
}

// read puts users, groups and statements of the body into r.
func (g *giving) read(body string, r *access.Record) error {
	*r = access.Record{ID: r.ID, Status: r.Status}
	g.text, g.at = body, 0
	g.users, g.groups, g.roles = g.users[:0], g.groups[:0], g.roles[:0]
	g.resources, g.statements = g.resources[:0], g.statements[:0]
	if g.record(r) && g.at == len(body) {
		return nil
	}
	var b recordBody
	if err := json.Unmarshal([]byte(body), &b); err != nil {
		return err
	}
	r.Users, r.Groups, r.Statements = b.Users, b.Groups, make([]access.Statement, len(b.Statements))
	for i := range b.Statements {
		r.Statements[i] = access.Statement(b.Statements[i])
	}
	return nil
}

// record reads {"n":...,"u":[...],"g":[...],"s":[...]}; the members come in this order. It gives up at
// the members that say nothing of what is given.
func (g *giving) record(r *access.Record) bool {
	if !g.eat(`{"n":`) {
		return false
	}
	if _, ok := g.string(); !ok {
		return false
	}
	if g.eat(`,"d":`) {
		if _, ok := g.string(); !ok {
			return false
		}
	}
	ok := true
	if g.eat(`,"u":`) {
		r.Users, ok = list(g, &g.users)
	}
	if ok && g.eat(`,"g":`) {
		r.Groups, ok = list(g, &g.groups)
	}
	if ok && g.eat(`,"a":`) {
		start := len(g.users)
		_, ok = list(g, &g.users)
		g.users = g.users[:start]
	}
	if !ok || !g.eat(`,"s":[`) {
		return false
	}
	for {
		s, ok := g.statement()
		if !ok {
			return false
		}
		g.statements = append(g.statements, s)
		if !g.eat(`,`) {
			break
		}
	}
	r.Statements = g.statements
	return g.eat(`]}`)
}

func (g *giving) statement() (s access.Statement, ok bool) {
	if !g.eat(`{"r":`) {
		return s, false
	}
	if s.Roles, ok = list(g, &g.roles); !ok || !g.eat(`,"o":`) {
		return s, false
	}
	if s.Resources, ok = list(g, &g.resources); !ok {
		return s, false
	}
	if g.eat(`,"u":`) {
		if s.Users, ok = list(g, &g.users); !ok {
			return s, false
		}
	}
	if g.eat(`,"g":`) {
		if s.Groups, ok = list(g, &g.groups); !ok {
			return s, false
		}
	}
	return s, g.eat(`}`)
}

// list reads an array of strings with at least one, at the end of a slice that is used again.
func list[T ~string](g *giving, into *[]T) ([]T, bool) {
	if !g.eat(`[`) {
		return nil, false
	}
	start := len(*into)
	for {
		s, ok := g.string()
		if !ok {
			return nil, false
		}
		*into = append(*into, T(s))
		if !g.eat(`,`) {
			break
		}
	}
	return (*into)[start:len(*into):len(*into)], g.eat(`]`)
}

// string reads a string of plain ASCII without escapes.
func (g *giving) string() (string, bool) {
	if !g.eat(`"`) {
		return "", false
	}
	start := g.at
	for ; g.at < len(g.text); g.at++ {
		switch c := g.text[g.at]; {
		case c == '"':
			g.at++
			return g.text[start : g.at-1], true
		case c < ' ' || c >= 0x7f || c == '\\':
			return "", false
		}
	}
	return "", false
}

func (g *giving) eat(token string) bool {
	if len(g.text)-g.at < len(token) || g.text[g.at:g.at+len(token)] != token {
		return false
	}
	g.at += len(token)
	return true
}
