package settings

import (
	"net/http"

	"github.com/admit-id/admit/internal/self"
	"github.com/admit-id/admit/internal/surface/hosted/page"
)

type activityView struct {
	Acts  []actView
	Older string // address of the next page
	Newer string // address of the first page, on the others
}

type actView struct {
	Text, Note string
	Address    string
	Place      string
	At         moment
	Warn       bool
}

// warnings are the acts that a person should look at.
var warnings = map[string]bool{
	"session.theft": true, "password.refused": true, "totp.refused": true, "recovery.code.refused": true, "recovery.requested": true, "passkey.suspicious": true,
	"login.newDevice": true, "recovery.code.used": true,
}

// showActivity is GET /settings/activity.
func (s *Surface) showActivity(w http.ResponseWriter, r *http.Request, g *guest) error {
	v, err := s.start(r, g, "activity")
	if err != nil {
		return err
	}
	before := page.ID(g.query, "before")
	acts, next, err := s.deps.Self.Activity(r.Context(), g.visit.Account, g.user.ID, before)
	if err != nil {
		return err
	}
	v.Activity = &activityView{}
	for _, a := range acts {
		x := actOf(v, a)
		x.Place = s.where(v, a.Address)
		v.Activity.Acts = append(v.Activity.Acts, x)
	}
	v.Activity.Older, v.Activity.Newer = pagesOf(r, g, pathActivity, before, next)
	return s.send(w, v, "activity")
}

// pagesOf are the addresses of the next page of a section, and of its first page on the others.
func pagesOf(r *http.Request, g *guest, section, before, next string) (older, newer string) {
	if next != "" {
		q := g.back.values()
		q.Set("before", next)
		older = page.Address(r, section, q)
	}
	if before != "" {
		newer = page.Address(r, section, g.back.values())
	}
	return older, newer
}

// actOf is an act in the reader's language. What has no sentence of its own is called by its name.
func actOf(v *view, a self.Act) actView {
	key := "activity." + a.Type
	x := actView{Text: v.T(key), At: moment{a.At}, Address: page.Visible(a.Address), Warn: warnings[a.Type]}
	if x.Text == key {
		x.Text = v.T("activity.other", "Name", page.Visible(a.Type))
	}
	switch a.By {
	case self.ByAdministrator:
		x.Note = v.T("activity.by.administrator")
	case self.BySystem:
		x.Note = v.T("activity.by.system")
	}
	return x
}
