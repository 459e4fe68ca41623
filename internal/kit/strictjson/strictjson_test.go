package strictjson

import (
	"encoding/json"
	"strings"
	"testing"
)

type inner struct {
	UserID string `json:"userId"`
	Count  int    `json:"count"`
}

type target struct {
	Name  string           `json:"name"`
	Inner []inner          `json:"inner"`
	Map   map[string]inner `json:"map"`
	Any   any              `json:"any"`
	Plain string
}

func TestUnmarshal(t *testing.T) {
	accepted := []string{
		`{}`, ` { "name" : "x" , "unknown" : [1, {"a":{}}, "b" ] } `, `{"inner":[{"userId":"u"},{"userId":"v","count":1}]}`,
		`{"map":{"A":{"userId":"x"},"b":{}}}`, `{"name":"\ud83d\ude00 \\u \" é"}`, `{"any":[null,true,-1.5e3,"x"]}`, `{"Plain":"x"}`,
		strings.Repeat(`{"any":`, MaxDepth) + `1` + strings.Repeat("}", MaxDepth),
	}
	for _, text := range accepted {
		var v target
		if err := Unmarshal([]byte(text), &v); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	refused := []string{
		``, ` `, `null`, `{`, `{"name":"x"}{}`, `{"name":"x"} x`, "\ufeff{}", `{"name":"x","name":"y"}`, `{"Name":"x"}`, `{"NAME":"x"}`,
		`{"x":1,"X":2}`, `{"\u006eame":"x","name":"y"}`, `{"name":"\ud800"}`, `{"name":"\udc00x"}`, `{"name":"\ud800\u0041"}`,
		`{"inner":[{"UserId":"u"}]}`, `{"map":{"a":{"userid":"x"}}}`, `{"map":{"a":{},"A":{}}}`, `{"any":{"k":1,"K":2}}`, "{\"name\":\"\xff\"}",
		`{"plain":"x"}`, `{"name":1}`, `{"inner":[{"count":1e999999999}]}`, `[1,]`, `{"a":1,}`, `{a:1}`, `{"name":'x'}`, "{\"name\":\"\x00\"}", `{"uſer":1,"USER":1}`,
		strings.Repeat(`{"any":`, MaxDepth+2) + `1` + strings.Repeat("}", MaxDepth+2), strings.Repeat("[", 100000),
	}
	for _, text := range refused {
		var v target
		if err := Unmarshal([]byte(text), &v); err == nil {
			t.Errorf("accepted %.60q", text)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{`{"name":"x"}`, `{"a":{"b":[1,2,{"c":"\ud83d\ude00"}]}}`, `[[[]]]`, `"\ud800"`, `{"a":1,"A":2}`, `{"map":{"x":{"userId":""}}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v target
		if Check(data, &v) != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatal("accepted what is no JSON")
		}
		// What it accepts survives a round trip through a generic reader unchanged in meaning.
		var generic any
		if err := json.Unmarshal(data, &generic); err != nil {
			return // numbers out of range
		}
		again, err := json.Marshal(generic)
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(again, &v); err != nil && generic != nil {
			t.Fatalf("%q became %q: %v", data, again, err)
		}
	})
}
