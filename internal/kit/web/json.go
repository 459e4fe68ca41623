package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/strictjson"
)

// DefaultMaxBody is how many bytes a request's body may have when its route says nothing else.
const DefaultMaxBody = 128 << 10

// DecodeOption changes what DecodeJSON accepts.
type DecodeOption uint8

// AllowEmpty lets an empty body leave the target as it is.
const AllowEmpty DecodeOption = 1

// DecodeJSON reads the body, at most limit bytes of it, into the struct, map or slice that v
// points to. It refuses what two parsers could read differently: trailing data, duplicate
// members, members that differ from a known one or from each other only in case, invalid
// UTF-8 and unpaired surrogates; and more than strictjson.MaxDepth levels. Unknown members are
// ignored, because SDKs send some. The content type is not looked at, because some send none.
// Errors are faults of kind Invalid or TooLarge.
func DecodeJSON(r *http.Request, v any, limit int64, options ...DecodeOption) error {
	data, err := ReadBody(r, limit)
	if err != nil {
		return err
	}
	if len(data) == 0 && len(options) > 0 && options[0] == AllowEmpty {
		return nil
	}
	return DecodeStrict(data, v)
}

// firstRead is how much memory a request gets for the mere promise of a body.
const firstRead = 16 << 10 // bytes

// ReadBody reads the body, at most limit bytes of it. Errors are as with DecodeJSON.
func ReadBody(r *http.Request, limit int64) ([]byte, error) {
	var data bytes.Buffer
	if n := min(r.ContentLength, limit, firstRead); n > 0 {
		data.Grow(int(n) + bytes.MinRead)
	}
	if _, err := data.ReadFrom(io.LimitReader(r.Body, limit+1)); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, errTooLarge
		}
		return nil, fault.New(fault.Invalid, fault.CodeInvalidRequest, "The request's body could not be read.").With(err)
	}
	if int64(data.Len()) > limit {
		return nil, errTooLarge
	}
	return data.Bytes(), nil
}

// DecodeStrict is DecodeJSON for bytes that are already here.
func DecodeStrict(data []byte, v any) error {
	if err := strictjson.Check(data, v); err != nil {
		return invalidJSON(err.Error())
	}
	if err := json.Unmarshal(data, v); err != nil {
		var mismatch *json.UnmarshalTypeError
		if errors.As(err, &mismatch) {
			field := mismatch.Field
			if field == "" {
				field = "the body"
			}
			return invalidJSON(field + " has the wrong type").With(err)
		}
		if known, ok := errors.AsType[*fault.Error](err); ok { // of a type of ours that reads itself
			return known
		}
		return invalidJSON("a value has the wrong form").With(err)
	}
	return nil
}

func invalidJSON(why string) *fault.Error {
	return fault.New(fault.Invalid, fault.CodeInvalidRequest, "The body is not the JSON that this expects: "+why+".")
}

var valueJSON = []string{"application/json; charset=utf-8"}

// JSON sends v with a status. The answer is not to be stored unless the handler has said
// otherwise in Cache-Control.
func JSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fault.Wrap("web.JSON", err)
	}
	return JSONBytes(w, status, body)
}

// measured is up to which size net/http finds out a body's length itself, cheaper than from a header.
const measured = 1 << 10 // bytes; its buffer has twice as many

// JSONBytes sends a body that is already JSON.
func JSONBytes(w http.ResponseWriter, status int, body []byte) error {
	h := w.Header()
	h["Content-Type"] = valueJSON
	if len(body) > measured {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	w.Write(body) // a client that has gone is no error of ours
	return nil
}

// SeeOther sends the browser to a URL with GET, the only redirect that never repeats a form
// elsewhere. The caller has checked the URL.
func SeeOther(w http.ResponseWriter, url string) error {
	w.Header()["Location"] = []string{url}
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
