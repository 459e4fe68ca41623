package dpop

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"github.com/admit-id/admit/client/internal/strict"
)

// Memory remembers used proofs in this process until they are too old, by 64 bits of a hash under a seed
// that nobody knows. It is bounded, and never forgets a proof that could still be used: when it is full,
// it takes no new one. It is safe for concurrent use.
type Memory struct {
	shards [memoryShards]memoryShard
	seed   maphash.Seed
	limit  int // of one shard
}

const memoryShards = 32

// DefaultMemory is how many proofs a Memory remembers unless it is told otherwise, about 25 bytes
// each: more than a core can check within the life of a proof.
const DefaultMemory = 1 << 20

type memoryShard struct {
	mu    sync.Mutex
	until map[uint64]uint32 // seconds since 1970
	swept int64             // when it was last looked through
}

// NewMemory returns a Memory for about so many proofs; 0 means DefaultMemory.
func NewMemory(limit int) *Memory {
	if limit <= 0 {
		limit = DefaultMemory
	}
	m := &Memory{seed: maphash.MakeSeed(), limit: max(1, limit/memoryShards)}
	for i := range m.shards {
		m.shards[i].until = map[uint64]uint32{}
	}
	return m
}

// Take notes the proof of that name. fresh is false if it was there already; full says that there is
// no room for it.
func (m *Memory) Take(name string, until, now time.Time) (fresh, full bool) {
	key := maphash.String(m.seed, name)
	sh := &m.shards[key%memoryShards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.sweep(now.Unix(), m.limit)
	if _, ok := sh.until[key]; ok {
		return false, false
	}
	if len(sh.until) >= m.limit {
		return false, true
	}
	sh.until[key] = uint32(until.Unix() + 1)
	return true, false
}

// sweep forgets what is too old: every ten seconds, and at most once a second when it is full.
func (sh *memoryShard) sweep(now int64, limit int) {
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

// Nonces gives out nonces that are not kept: each is a MAC over a window of time, which every process with
// the same key knows again.
type Nonces struct{ key []byte }

// NonceLife is how long a nonce is taken at least; at most it is one window more.
const NonceLife = 90 * time.Second

const (
	nonceWindow = 30 * time.Second
	nonceMAC    = 16 // bytes
)

// NewNonces takes the key, at least 32 random bytes, which all processes of one API share and
// nothing else uses.
func NewNonces(key []byte) (*Nonces, error) {
	if len(key) < 32 {
		return nil, errors.New("dpop: the key of nonces has at least 32 bytes")
	}
	return &Nonces{append([]byte(nil), key...)}, nil
}

// New returns a nonce that is good now.
func (n *Nonces) New(now time.Time) string { return n.at(now.Unix() / int64(nonceWindow/time.Second)) }

func (n *Nonces) at(window int64) string {
	out := binary.BigEndian.AppendUint32(nil, uint32(window))
	mac := hmac.New(sha256.New, n.key)
	mac.Write([]byte("dpop-nonce"))
	mac.Write(out)
	return strict.Encode(mac.Sum(out)[:len(out)+nonceMAC])
}

// Known tells whether a nonce is one of these and not too old.
func (n *Nonces) Known(nonce string, now time.Time) bool {
	raw, err := strict.Segment(nonce)
	if err != nil || len(raw) != 4+nonceMAC {
		return false
	}
	at := now.Unix() / int64(nonceWindow/time.Second)
	window := int64(binary.BigEndian.Uint32(raw))
	if window > at+1 || window < at-int64(NonceLife/nonceWindow) {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(nonce), []byte(n.at(window))) == 1
}
