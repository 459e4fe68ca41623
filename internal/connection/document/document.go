// Package document owns reading the JSON of identity providers: one object, exact member
// names, members of exactly one type. kit/strictjson refuses what two readers could
// understand differently.
package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/strictjson"
)

// ErrMalformed is the root of every error of Parse and ParseList.
var ErrMalformed = errors.New("malformed JSON")

// Object is a JSON object. Values are string, bool, json.Number, nil, map[string]any or []any.
type Object map[string]any

// Parse reads exactly one object.
func Parse(b []byte) (o Object, err error) {
	err = parse(b, &o)
	return o, err
}

// ParseList reads exactly one array of objects.
func ParseList(b []byte) (list []Object, err error) {
	err = parse(b, &list)
	return list, err
}

func parse(b []byte, into any) error {
	if err := strictjson.Check(b, into); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// Has tells whether there is a member of that name, even null.
func (o Object) Has(name string) bool {
	_, ok := o[name]
	return ok
}

// String returns a member that is a string, otherwise "".
func (o Object) String(name string) string {
	s, _ := o[name].(string)
	return s
}

// True tells whether a member is the JSON value true. The string "true" is not.
func (o Object) True(name string) bool {
	b, _ := o[name].(bool)
	return b
}

// Strings returns a member that is a string or an array of strings; ok is false for
// anything else, also for an array in which one element is no string.
func (o Object) Strings(name string) (list []string, ok bool) {
	switch v := o[name].(type) {
	case string:
		return []string{v}, true
	case []any:
		for _, e := range v {
			s, isString := e.(string)
			if !isString {
				return nil, false
			}
			list = append(list, s)
		}
		return list, true
	}
	return nil, false
}

// Time returns a member that is a NumericDate (RFC 7519 section 2): decimal seconds without
// an exponent, within the years 1970 to 5138.
func (o Object) Time(name string) (t time.Time, ok bool) {
	n, isNumber := o[name].(json.Number)
	if !isNumber || strings.ContainsAny(string(n), "eE-") {
		return time.Time{}, false
	}
	whole, _, _ := strings.Cut(string(n), ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds > 1e11 {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}
