package dpop

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

// seenLimit is how many proofs a node remembers, about 25 bytes each: more than it can check within the
// life of a proof. Only a proof that came with a valid token of its key gets in.
const seenLimit = 1 << 20

const seenShards = 32

// seen remembers proofs until they are too old, by 64 bits of a hash under a seed that nobody knows. A
// shard that is full of young proofs takes no new ones: a proof is never forgotten while it could be
// used again.
type seen struct {
	shards [seenShards]seenShard
	seed   maphash.Seed
	limit  int // of one shard
}

type seenShard struct {
	mu    sync.Mutex
	until map[uint64]uint32 // seconds since 1970
	swept int64             // when it was last looked through
}

func newSeen(limit int) *seen {
	s := &seen{seed: maphash.MakeSeed(), limit: max(1, limit/seenShards)}
	for i := range s.shards {
		s.shards[i].until = map[uint64]uint32{}
	}
	return s
}

// note remembers a proof. fresh is false if it was there already; full says that there is no room.
func (s *seen) note(account ident.AccountID, hash []byte, until, now time.Time) (fresh, full bool) {
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.Write(hash) // of one length, so that what follows begins at one place
	h.WriteString(string(account))
	key := h.Sum64()
	sh := &s.shards[key%seenShards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.sweep(now.Unix(), s.limit)
	if _, ok := sh.until[key]; ok {
		return false, false
	}
	if len(sh.until) >= s.limit {
		return false, true
	}
	sh.until[key] = uint32(until.Unix() + 1)
	return true, false
}

// sweep forgets what is too old: every ten seconds, and at most once a second when it is full.
func (sh *seenShard) sweep(now int64, limit int) {
	since := now - sh.swept
	if since < 10 && since >= 0 && (len(sh.until) < limit || since == 0) {
		return
	}
	sh.swept = now
	for key, until := range sh.until {
		if int64(until) < now {
			delete(sh.until, key)
		}
	}
}
