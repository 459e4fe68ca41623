package passkeytest

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Map writes a CBOR map (RFC 8949) of pairs of key and value, in the order in which they are given.
func Map(pairs ...any) ([]byte, error) {
	out := head(5, uint64(len(pairs)/2))
	for _, p := range pairs {
		var err error
		if out, err = put(out, p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func put(out []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case int:
		return put(out, int64(v))
	case int64:
		if v < 0 {
			return append(out, head(1, uint64(-1-v))...), nil
		}
		return append(out, head(0, uint64(v))...), nil
	case []byte:
		return append(append(out, head(2, uint64(len(v)))...), v...), nil
	case string:
		return append(append(out, head(3, uint64(len(v)))...), v...), nil
	case []any:
		out = append(out, head(4, uint64(len(v)))...)
		for _, e := range v {
			var err error
			if out, err = put(out, e); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int { // the shorter key first (CTAP2)
			if len(a) != len(b) {
				return len(a) - len(b)
			}
			return slices.Compare([]byte(a), []byte(b))
		})
		pairs := make([]any, 0, 2*len(keys))
		for _, k := range keys {
			pairs = append(pairs, k, v[k])
		}
		m, err := Map(pairs...)
		return append(out, m...), err
	}
	return nil, fmt.Errorf("passkeytest: no CBOR for %T", v)
}

// head is the start of an item: the major type and a number.
func head(major byte, n uint64) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n < 1<<8:
		return []byte{major<<5 | 24, byte(n)}
	case n < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(n))
	}
	return binary.BigEndian.AppendUint64([]byte{major<<5 | 27}, n)
}
