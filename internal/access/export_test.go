package access

import (
	"github.com/admit-id/admit/internal/access/index"
	"github.com/admit-id/admit/internal/kit/ident"
)

// PutRecord, PutRole, PutGroup and DropRole change the index without a store.
func (e *Engine) PutRecord(account ident.AccountID, r Record) {
	e.index.Update(account, func(ed *index.Editor) { ed.SetRecord(r.ID, r.Blocks()) })
}

func (e *Engine) PutRole(account ident.AccountID, r Role) {
	e.index.Update(account, func(ed *index.Editor) { ed.SetRole(r.ID, r.Compiled()) })
}

func (e *Engine) DropRole(account ident.AccountID, id ident.RoleID) {
	e.index.Update(account, func(ed *index.Editor) { ed.SetRole(id, nil) })
}

func (e *Engine) PutGroup(account ident.AccountID, g Group) {
	e.index.Update(account, func(ed *index.Editor) { ed.SetGroup(g.ID, g.Members()) })
}

func (e *Engine) PutResource(account ident.AccountID, c ResourceConfig) {
	e.index.Update(account, c.edit)
}

// OrderAll makes lists by order of grants, however few they are.
func (e *Engine) OrderAll() { e.orders = index.NewOrders(0) }
