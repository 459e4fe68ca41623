// Package consistency owns consistency tokens. An answered write carries one, which names the
// change that the write made; a question that carries it is answered from that change or a later
// one, on whatever node it arrives. A node that is behind waits a moment, then says so.
//
// A token is sealed: nobody can make one, and one account's token is nothing to another.
package consistency

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/crypt"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/ident"
)

// CodeBehind is the error code of a node that has not reached what a token names.
const CodeBehind = "Behind"

const (
	purpose  = "consistency/v1"
	maxToken = 128 // characters; ours have 48

	// At most so many questions wait at a time, so that a node which lags does not pile them up.
	maxWaiting        = 512
	maxWaitingAccount = 128
)

// Feed is how far this node is. feed.Follower implements it.
type Feed interface {
	Rev() int64
	// WaitFor returns when this node has applied rev, or with an error.
	WaitFor(ctx context.Context, rev int64) error
}

// Keeper makes tokens and waits for what they name.
type Keeper struct {
	keys  *crypt.Keys
	feed  Feed
	bound time.Duration

	mu      sync.Mutex
	waiting map[ident.AccountID]int
	total   int
}

// New returns a Keeper whose questions wait at most as long as the bound. Every node of a
// deployment has the same keys.
func New(keys *crypt.Keys, f Feed, bound time.Duration) *Keeper {
	return &Keeper{keys: keys, feed: f, bound: bound, waiting: map[ident.AccountID]int{}}
}

var (
	errToken = fault.New(fault.Invalid, fault.CodeInvalidRequest,
		"The consistency token is not one of this account. Send the one that a write answered, unchanged.")
	_ Feed = (*feed.Follower)(nil)
)

// Token names a change to an account's clients. Revision 0 means what this node has applied.
func (k *Keeper) Token(account ident.AccountID, revision int64) string {
	if revision == 0 {
		revision = k.feed.Rev()
	}
	plain := binary.BigEndian.AppendUint64(nil, uint64(revision))
	return base64.RawURLEncoding.EncodeToString(k.keys.Seal(purpose, plain, string(account)))
}

func (k *Keeper) open(account ident.AccountID, token string) (int64, error) {
	if len(token) > maxToken {
		return 0, errToken
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return 0, errToken.With(err)
	}
	plain, err := k.keys.Open(purpose, sealed, string(account))
	if err != nil || len(plain) != 8 {
		return 0, errToken.With(err)
	}
	return int64(binary.BigEndian.Uint64(plain)), nil
}

// Await returns when this node has applied what the token names. It fails with an Invalid fault
// for a token of another account, or of nobody, and with a Conflict whose code is Behind when
// the bound is over, or when too many wait already.
func (k *Keeper) Await(ctx context.Context, account ident.AccountID, token string) error {
	wanted, err := k.open(account, token)
	if err != nil {
		return err
	}
	if k.feed.Rev() >= wanted {
		return nil
	}
	if !k.enter(account) {
		return k.behind(wanted)
	}
	defer k.leave(account)
	bounded, cancel := context.WithTimeout(ctx, k.bound)
	defer cancel()
	for {
		err := k.feed.WaitFor(bounded, wanted)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err() // the client has gone, or the request's own time is over
		case bounded.Err() != nil:
			return k.behind(wanted)
		case !errors.Is(err, feed.ErrStale):
			return fault.Wrap("consistency.Await", err)
		}
	}
}

func (k *Keeper) enter(account ident.AccountID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.bound <= 0 || k.total >= maxWaiting || k.waiting[account] >= maxWaitingAccount {
		return false
	}
	k.total++
	k.waiting[account]++
	return true
}

func (k *Keeper) leave(account ident.AccountID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.total--
	if k.waiting[account]--; k.waiting[account] == 0 {
		delete(k.waiting, account)
	}
}

func (k *Keeper) behind(wanted int64) error {
	have := k.feed.Rev()
	e := fault.New(fault.Conflict, CodeBehind,
		fmt.Sprintf("This node is at change %d and the consistency token asks for change %d. Ask again in a moment.", have, wanted))
	e.Facts = []fault.Fact{{Name: "revision", Value: have}, {Name: "wanted", Value: wanted}}
	return e
}
