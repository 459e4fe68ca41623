// Package page owns how a hosted page is made: the layout, the account's looks, the reader's language, the
// stylesheet and the script, the headers that every page has, the sentence that stands for an error, and who
// is in front of it.
//
// Flow: a surface's package has a Kit, parses its own templates with it (Set), declares its routes with
// Kit.Route, starts each page with Kit.Page and sends it with Set.Write.
//
// Entry points: kit.go (Kit), page.go (Page, Set), visit.go (cookies), visitor.go (who is signed in), form.go,
// errors.go, theme.go.
//
// Never: what stands on a page, decisions, inline script or style, a request to another host, text of an
// account that is not escaped (I-25).
package page
