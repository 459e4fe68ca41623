package connection

import (
	"context"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// MaxPage is the largest and the default length of a list.
const MaxPage = 100

// Query chooses a part of the list.
type Query struct {
	After  ident.ConnectionID // the last id of the page before
	Limit  int                // 1 to MaxPage; 0 means MaxPage
	Filter string             // connections in whose text this occurs, whatever the case
}

// List returns connections in the order of their ids, and whether there are more.
func (s *Service) List(ctx context.Context, account ident.AccountID, q Query) (out []Connection, more bool, err error) {
	if q.Limit <= 0 || q.Limit > MaxPage {
		q.Limit = MaxPage
	}
	err = s.d.Runner.Read(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) error {
		out, more = nil, false
		for after := q.After; ; {
			page, err := s.page(ctx, t, account, after)
			if err != nil {
				return err
			}
			for _, c := range page {
				if after = c.ID; !c.matches(q.Filter) {
					continue
				}
				if more = len(out) == q.Limit; more {
					return nil
				}
				out = append(out, c)
			}
			if len(page) < MaxPage {
				return nil
			}
		}
	})
	return out, more, fault.Wrap("connection.List", err)
}

// page reads one page and puts the built-in connection, when it has no row, where it belongs.
func (s *Service) page(ctx context.Context, t tx.Tx, account ident.AccountID, after ident.ConnectionID) ([]Connection, error) {
	page, err := s.d.Store.Page(ctx, t, account, after, MaxPage)
	if err != nil {
		return nil, err
	}
	for i := range page {
		page[i] = page[i].shown()
	}
	at, stored := slices.BinarySearchFunc(page, Email, func(c Connection, id ident.ConnectionID) int {
		return strings.Compare(string(c.ID), string(id))
	})
	if stored || Email <= after || at == MaxPage {
		return page, nil
	}
	return slices.Insert(page, at, emailConnection(account))[:min(len(page)+1, MaxPage)], nil
}

func (c Connection) matches(filter string) bool {
	if filter == "" {
		return true
	}
	text := []string{string(c.ID), c.Name, c.Provider, c.IssuerURL, c.AuthenticationURL, c.TokenURL, c.UserEndpointURL, c.ClientID}
	for k, v := range c.Tags {
		text = append(text, k, v)
	}
	return strings.Contains(strings.ToLower(strings.Join(text, "\n")), strings.ToLower(filter))
}
