// Package access owns permissions: who may do what to which resource.
//
// Owns: access records (statements of roles on resources for users and groups), roles,
// groups, and the answers that follow from them.
//
// Flow: Service judges the caller, writes through a Store and adds to the change feed in
// the same unit of work; Engine follows the feed and keeps the index in memory; a check asks
// the index alone (check/question.go). Only of an account that is too large for memory are people
// read from the database, when somebody asks (resident.go).
//
// Entry points: Engine.Check and its siblings for questions, Engine.Allow for Admit's own
// API, Service for changes, ParseResource and ParseAction for the canonical forms.
//
// Never: nobody gives more than they hold (I-14, give.go). A node that has lost the
// database answers nothing (503) rather than something old (I-17).
package access

import "github.com/admit-id/admit/internal/access/check"

// ParseResource reads a resource into its canonical form. Every part of Admit that reads a
// resource uses it (I-15).
func ParseResource(text string) (check.Resource, error) { return check.ParseResource(text) }

// ParseAction reads a permission's name into its canonical form.
func ParseAction(text string) (check.Action, error) { return check.ParseAction(text) }
