package introspection

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/admit-id/admit/internal/kit/ident"
)

const (
	cacheShards = 32 // a power of two
	cacheSample = 8  // how many entries a full shard looks at to find one to forget
)

// cacheID is the hash of an account and a whole token. The token itself is not kept.
type cacheID [sha256.Size]byte

// cacheKey hashes the length-prefixed tuple (purpose, account, token), I-16. It does not allocate
// for tokens of common length.
func cacheKey(account ident.AccountID, text string) cacheID {
	const purpose = "oauth.living"
	var space [2048]byte
	b := append(space[:0], purpose...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(account)))
	b = append(b, account...)
	b = append(b, text...)
	return sha256.Sum256(b)
}

// cache remembers tokens that were valid when they were seen; a stranger cannot fill it.
type cache struct {
	limit  int // entries of one shard
	shards [cacheShards]shard
}

type shard struct {
	mu  sync.RWMutex
	all map[cacheID]*Living
}

func newCache(size int) *cache {
	c := &cache{limit: max(1, size/cacheShards)}
	for i := range c.shards {
		c.shards[i].all = map[cacheID]*Living{}
	}
	return c
}

func (c *cache) shard(id cacheID) *shard { return &c.shards[id[0]&(cacheShards-1)] }

func (c *cache) get(id cacheID) *Living {
	s := c.shard(id)
	s.mu.RLock()
	l := s.all[id]
	s.mu.RUnlock()
	return l
}

func (c *cache) drop(id cacheID) {
	s := c.shard(id)
	s.mu.Lock()
	delete(s.all, id)
	s.mu.Unlock()
}

// put remembers a token. A full shard forgets the one that expires first among a few picked by chance.
func (c *cache) put(id cacheID, l *Living) {
	s := c.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= c.limit {
		var first cacheID
		var at time.Time
		seen := 0
		for id, have := range s.all { // the order is random
			if seen++; seen > cacheSample {
				break
			}
			if at.IsZero() || have.Expires.Before(at) {
				first, at = id, have.Expires
			}
		}
		delete(s.all, first)
	}
	s.all[id] = l
}
