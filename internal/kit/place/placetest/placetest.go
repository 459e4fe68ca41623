// Package placetest owns small MMDB files for tests: a writer of the format's version 2.0, for networks with
// the names of a country and a city.
//
// Entry points: File, Write.
package placetest

import (
	"bytes"
	"encoding/binary"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Names are what a thing is called, by language.
type Names map[string]string

// Network is where the addresses of a range are.
type Network struct {
	Range         string // in CIDR
	Code          string // of the country; empty: none
	Country, City Names
}

// File writes a file into a directory of the test's and returns its path.
func File(t testing.TB, networks ...Network) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "places.mmdb")
	if err := os.WriteFile(path, Write(networks...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Write returns the bytes of a file.
func Write(networks ...Network) []byte {
	var data bytes.Buffer
	root := &node{}
	for _, n := range networks {
		root.put(netip.MustParsePrefix(n.Range), data.Len())
		record := map[string]any{}
		if n.Code != "" || n.Country != nil {
			record["country"] = map[string]any{"iso_code": n.Code, "names": map[string]string(n.Country)}
		}
		if n.City != nil {
			record["city"] = map[string]any{"names": map[string]string(n.City), "geoname_id": uint32(7)}
		}
		encode(&data, record)
	}
	nodes := root.number()
	var out bytes.Buffer
	for _, n := range nodes {
		for _, side := range n.sides {
			value := uint32(len(nodes)) // nothing
			switch {
			case side == nil:
			case side.leaf:
				value += 16 + uint32(side.data)
			default:
				value = uint32(side.id)
			}
			out.Write([]byte{byte(value >> 16), byte(value >> 8), byte(value)})
		}
	}
	out.Write(make([]byte, 16))
	out.Write(data.Bytes())
	out.WriteString("\xab\xcd\xefMaxMind.com")
	encode(&out, map[string]any{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0), "build_epoch": uint64(1_700_000_000),
		"database_type": "Test-City", "description": map[string]string{"en": "Made by a test"}, "ip_version": uint16(6),
		"languages": []string{"en"}, "node_count": uint32(len(nodes)), "record_size": uint16(24),
	})
	return out.Bytes()
}

// node is one of the tree of bits, or a leaf that names a record.
type node struct {
	sides [2]*node
	leaf  bool
	data  int
	id    int
}

func (n *node) put(p netip.Prefix, data int) {
	bits, depth := p.Addr().As16(), p.Bits()
	if p.Addr().Is4() { // below ::/96
		four := p.Addr().As4()
		bits, depth = [16]byte{}, depth+96
		copy(bits[12:], four[:])
	}
	for i := range depth {
		side := bits[i/8] >> (7 - i%8) & 1
		if n.sides[side] == nil {
			n.sides[side] = &node{}
		}
		n = n.sides[side]
	}
	n.leaf, n.data = true, data
}

// number gives the inner nodes their ids, the root the first.
func (n *node) number() (all []*node) {
	all = []*node{n}
	for i := 0; i < len(all); i++ {
		all[i].id = i
		for _, side := range all[i].sides {
			if side != nil && !side.leaf {
				all = append(all, side)
			}
		}
	}
	return all
}

// The types of the format.
const (
	typeString = 2
	typeUint16 = 5
	typeUint32 = 6
	typeMap    = 7
	typeUint64 = 9
	typeArray  = 11
)

func control(out *bytes.Buffer, kind, size int) {
	first, rest := size, []byte(nil)
	switch {
	case size >= 285:
		first, rest = 30, binary.BigEndian.AppendUint16(nil, uint16(size-285))
	case size >= 29:
		first, rest = 29, []byte{byte(size - 29)}
	}
	if kind > 7 {
		out.Write([]byte{byte(first), byte(kind - 7)})
	} else {
		out.WriteByte(byte(kind<<5 | first))
	}
	out.Write(rest)
}

func encode(out *bytes.Buffer, value any) {
	switch v := value.(type) {
	case string:
		control(out, typeString, len(v))
		out.WriteString(v)
	case uint16:
		control(out, typeUint16, 2)
		out.Write(binary.BigEndian.AppendUint16(nil, v))
	case uint32:
		control(out, typeUint32, 4)
		out.Write(binary.BigEndian.AppendUint32(nil, v))
	case uint64:
		control(out, typeUint64, 8)
		out.Write(binary.BigEndian.AppendUint64(nil, v))
	case []string:
		control(out, typeArray, len(v))
		for _, one := range v {
			encode(out, one)
		}
	case map[string]string:
		control(out, typeMap, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			encode(out, key)
			encode(out, v[key])
		}
	case map[string]any:
		control(out, typeMap, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			encode(out, key)
			encode(out, v[key])
		}
	}
}
