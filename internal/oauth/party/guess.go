package party

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/ratelimit"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/oauth"
)

// EventGuessed tells that somebody presents wrong proofs of a client, too many of them. The target
// is the client's id. It is told once in a while, not for every guess.
const EventGuessed = "oauth.client.guessed"

// The bounds on wrong proofs, each node by itself. Proofs that are right are never counted, and a
// network that guesses takes nothing from others: the client itself goes on from where it is.
var (
	PerClientNetwork = ratelimit.Rule{Count: 10, Per: time.Minute}  // of one client, from one network
	PerNetwork       = ratelimit.Rule{Count: 100, Per: time.Minute} // of all clients, from one network
	PerClient        = ratelimit.Rule{Count: 100, Per: time.Minute} // of one client, from everywhere: beyond, it is told
	tellEvery        = ratelimit.Rule{Count: 1, Per: 5 * time.Minute}
)

const (
	ofClientNetwork = iota
	ofNetwork
	ofClient
	toTell
)

// guesses counts wrong proofs.
type guesses struct {
	limits *ratelimit.Limiter
	clock  clock.Clock
	latest atomic.Int64 // unix nanoseconds of the last wrong one
}

func newGuesses(c clock.Clock) *guesses {
	return &guesses{limits: ratelimit.New(c, []ratelimit.Rule{PerClientNetwork, PerNetwork, PerClient, tellEvery}, 1), clock: c}
}

// quiet tells whether all budgets are full again, so that there is nothing to look for.
func (g *guesses) quiet() bool {
	last := g.latest.Load()
	return last == 0 || g.clock.Now().Sub(time.Unix(0, last)) > max(PerClientNetwork.Per, PerNetwork.Per)
}

var errLimited = fault.New(fault.Limited, fault.CodeTooManyRequests, "Too many wrong client credentials. Please wait a moment and try again.")

// allow refuses a proof before it is looked at, when too many were wrong.
func (g *guesses) allow(account ident.AccountID, client string, from netip.Addr) error {
	if !from.IsValid() || g.quiet() {
		return nil
	}
	if _, spent := g.limits.SpentName(ofClientNetwork, pairName(account, client, from)); spent {
		return errLimited
	}
	if _, spent := g.limits.SpentName(ofNetwork, network(from)); spent {
		return errLimited
	}
	return nil
}

// wrong counts a wrong proof, and tells whether it is time to tell somebody.
func (g *guesses) wrong(account ident.AccountID, client string, from netip.Addr) bool {
	g.latest.Store(g.clock.Now().UnixNano())
	_, few := g.limits.AllowName(ofClient, string(account)+"\x00"+client)
	if from.IsValid() {
		pair := pairName(account, client, from)
		g.limits.AllowName(ofClientNetwork, pair)
		g.limits.AllowName(ofNetwork, network(from))
		if _, spent := g.limits.SpentName(ofClientNetwork, pair); spent {
			few = false
		}
	}
	if few {
		return false
	}
	_, ok := g.limits.AllowName(toTell, string(account)+"\x00"+client)
	return ok
}

// tell writes the event. Whose guess it was is not known; where it came from is.
func (p *Parties) tell(ctx context.Context, c oauth.Client, r Presented) error {
	by := r.By
	by.Kind, by.Account, by.ID = actor.Anonymous, c.Account, ""
	err := p.d.DB.Write(ctx, tx.In(c.Account), func(ctx context.Context, t tx.Tx) error {
		return t.Emit(ctx, event.New(by, EventGuessed, c.ID))
	})
	return fault.Wrap("party.tell", err)
}

func pairName(account ident.AccountID, client string, from netip.Addr) string {
	return string(account) + "\x00" + client + "\x00" + network(from)
}

// network is what one caller surely controls: an IPv4 address, or an IPv6 /64.
func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}
