package token

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

const (
	cacheLife   = time.Hour        // after this a bearer is checked from the ground up again
	linkedLife  = 10 * time.Minute // and one of a linked issuer, who may have withdrawn its key
	cacheShards = 32               // a power of two
	cacheSample = 8                // how many entries a full shard looks at to find one to forget
)

// cacheID is the hash of an account and a whole bearer. The bearer itself is not kept.
type cacheID [sha256.Size]byte

// cacheKey hashes the length-prefixed tuple (purpose, account, bearer), I-16. It does not
// allocate for bearers of common length.
func cacheKey(account ident.AccountID, bearer string) cacheID {
	const purpose = "token.verified"
	var space [1536]byte
	b := append(space[:0], purpose...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(account)))
	b = append(b, account...)
	b = append(b, bearer...)
	return sha256.Sum256(b)
}

// cache remembers proofs. It holds only bearers that verified, so a stranger cannot fill it;
// somebody with a key can, and then others' entries are verified again, no worse.
type cache struct {
	limit  int // entries of one shard
	shards [cacheShards]shard
}

type shard struct {
	mu     sync.RWMutex
	proofs map[cacheID]*proof
}

func newCache(size int) *cache {
	c := &cache{limit: max(1, size/cacheShards)}
	for i := range c.shards {
		c.shards[i].proofs = map[cacheID]*proof{}
	}
	return c
}

func (c *cache) shard(id cacheID) *shard { return &c.shards[id[0]&(cacheShards-1)] }

// get returns the proof or nil. The proof must not be changed.
func (c *cache) get(id cacheID) *proof {
	s := c.shard(id)
	s.mu.RLock()
	p := s.proofs[id]
	s.mu.RUnlock()
	return p
}

func (c *cache) drop(id cacheID) {
	s := c.shard(id)
	s.mu.Lock()
	delete(s.proofs, id)
	s.mu.Unlock()
}

// put remembers a proof. A full shard forgets what has expired among a few entries picked by
// chance, or else the one of them that is the oldest.
func (c *cache) put(id cacheID, p *proof, now time.Time) {
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.proofs) >= c.limit {
		s.forget(now)
	}
	s.proofs[id] = p
}

func (s *shard) forget(now time.Time) {
	var oldest cacheID
	var until time.Time
	seen, dropped := 0, false
	for id, p := range s.proofs { // the order is random
		if seen++; seen > cacheSample {
			break
		}
		switch {
		case !now.Before(p.until), !p.expires.IsZero() && !now.Before(p.expires):
			delete(s.proofs, id)
			dropped = true
		case until.IsZero() || p.until.Before(until):
			oldest, until = id, p.until
		}
	}
	if !dropped {
		delete(s.proofs, oldest)
	}
}

// once tells things that it has seen lately from new ones, in bounded memory.
type once struct {
	limit int
	every time.Duration
	mu    sync.Mutex
	seen  map[cacheID]time.Time
}

func newOnce(limit int, every time.Duration) *once {
	return &once{limit: limit, every: every, seen: map[cacheID]time.Time{}}
}

// first tells whether id has not been seen for the duration.
func (o *once) first(id cacheID, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if last, ok := o.seen[id]; ok && now.Sub(last) < o.every {
		return false
	}
	if len(o.seen) >= o.limit {
		clear(o.seen) // rather a report twice than none
	}
	o.seen[id] = now
	return true
}
