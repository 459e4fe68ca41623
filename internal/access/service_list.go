package access

import (
	"context"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/access/fact"
	"github.com/admit-id/admit/internal/access/form"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// ListRecords returns the records that the caller may read, in order of their ids, and
// whether others follow. Errors: Forbidden when the caller may read none.
func (s *Service) ListRecords(ctx context.Context, a actor.Actor, status Status, p Page) (out []Record, more bool, err error) {
	all := s.d.Engine.Allow(a, "READ", System("AccessRecords", "*"))
	if all != nil && !fault.Is(all, fault.Forbidden) {
		return nil, false, all
	}
	p.Filter = strings.ToLower(p.Filter)
	err = s.d.Runner.Read(ctx, tx.In(a.Account), func(ctx context.Context, t tx.Tx) error {
		if all != nil {
			out, more, err = s.listOwn(ctx, t, a, status, p, all)
			return err
		}
		ask := p
		ask.Limit++
		if out, err = s.d.Records.List(ctx, t, a.Account, status, ask); err != nil {
			return err
		}
		if len(out) > p.Limit {
			out, more = out[:p.Limit], true
		}
		return nil
	})
	for i := range out {
		out[i].Capacity = fact.Share(&out[i])
	}
	return out, more, fault.Wrap("access.ListRecords", err)
}

// listOwn lists for somebody who may not read all records: those that they are an admin of, and
// those that they were given one by one.
func (s *Service) listOwn(ctx context.Context, t tx.Tx, a actor.Actor, status Status, p Page, refusal error) ([]Record, bool, error) {
	ids, err := s.d.Records.AdminOf(ctx, t, a.Account, ident.UserID(a.ID), status)
	if err != nil {
		return nil, false, err
	}
	given, err := s.recordsGiven(a)
	if err != nil {
		return nil, false, err
	}
	ids = form.Unique(append(ids, given...))
	if len(ids) == 0 {
		return nil, false, refusal
	}
	at, found := slices.BinarySearch(ids, ident.RecordID(p.After))
	if found {
		at++
	}
	var out []Record
	for _, id := range ids[at:] {
		r, err := s.d.Records.Get(ctx, t, a.Account, id)
		if fault.Is(err, fault.NotFound) || err == nil && (r.Status != status || !r.Matches(p.Filter)) {
			continue
		}
		if err != nil {
			return nil, false, err
		}
		if len(out) == p.Limit {
			return out, true, nil
		}
		out = append(out, r)
	}
	return out, false, nil
}

// recordsGiven returns the records that the caller may READ by name.
func (s *Service) recordsGiven(a actor.Actor) ([]ident.RecordID, error) {
	const most = 10_000
	collection := System("AccessRecords")
	texts, _, err := s.d.Engine.Resources(a.Account, ident.UserID(a.ID), Listing{Collection: collection, Action: "READ", Limit: most})
	if err != nil {
		return nil, err
	}
	out := make([]ident.RecordID, 0, len(texts))
	for _, text := range texts {
		out = append(out, ident.RecordID(strings.TrimPrefix(text, collection+"/")))
	}
	return out, nil
}
