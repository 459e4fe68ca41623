package usertest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/user"
)

func (s suite) claims(t *testing.T) {
	const account ident.AccountID = "acc_claims"
	i := user.Identity{Connection: "con_a", Issuer: "https://idp.example", Subject: "abc"}
	u, _ := s.signIn(t, account, i, user.Profile{Name: "Ada"})
	by := actor.ForOperator(account)
	claims := user.Claims{Access: json.RawMessage(` {"plan": "gold", "https://a.example/x":[1,{"y":"\u00e9"}]} `), Identity: json.RawMessage(`{}`)}
	for range 2 {
		got, err := s.service.SetClaims(t.Context(), by, u.ID, claims)
		if err != nil || string(got.Claims.Access) != `{"plan":"gold","https://a.example/x":[1,{"y":"\u00e9"}]}` || got.Claims.Identity != nil || got.Name != "Ada" || len(got.Identities) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	s.signIn(t, account, i, user.Profile{Name: "Bea"}) // a login takes the profile over and nothing else
	if got, err := s.get(t, account, u.ID); err != nil || got.Name != "Bea" || !strings.Contains(string(got.Claims.Access), "gold") {
		t.Fatalf("%+v, %v", got, err)
	}
	if page, _, err := s.service.List(t.Context(), account, user.Query{}); err != nil || len(page) != 1 || !strings.Contains(string(page[0].Claims.Access), "gold") {
		t.Fatalf("%+v, %v", page, err)
	}
	for name, bad := range map[string]string{
		"a list": `[]`, "a text": `"x"`, "two with one name": `{"a":1,"a":2}`, "names that differ in case": `{"a":1,"A":2}`, "no JSON": `{`,
		"the subject": `{"sub":"usr_1"}`, "the subject in capitals": `{"SUB":"usr_1"}`, "an address": `{"email":"a@b.example"}`, "verified": `{"email_verified":true}`,
		"scope": `{"scope":"admin"}`, "permissions": `{"permissions":["*"]}`, "session": `{"sid":"s"}`, "strength": `{"acr":"x"}`, "issuer": `{"iss":"x"}`,
		"audience": `{"a":1,"aud":"x"}`, "key": `{"cnf":{}}`, "expiry": `{"exp":9}`, "client": `{"client_id":"x"}`,
		"empty name": `{"":1}`, "a letter that looks alike": `{"\u017fub":1}`, "space": `{"a b":1}`, "escaped": `{"\u0073ub":1}`,
		"too large": `{"a":"` + strings.Repeat("x", user.MaxClaims-8) + `"}`, "too deep": `{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`,
	} {
		for _, c := range []user.Claims{{Access: json.RawMessage(bad)}, {Identity: json.RawMessage(bad)}} {
			if _, err := s.service.SetClaims(t.Context(), by, u.ID, c); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	most := json.RawMessage(`{"a":"` + strings.Repeat("x", user.MaxClaims-9) + `"}`)
	if _, err := s.service.SetClaims(t.Context(), by, u.ID, user.Claims{Identity: most}); err != nil {
		t.Error(err)
	}
	if got, err := s.get(t, account, u.ID); err != nil || got.Claims.Access != nil || string(got.Claims.Identity) != string(most) {
		t.Fatalf("%+v, %v", got.Claims, err)
	}
	for _, nobody := range []ident.UserID{"usr_none", ""} {
		if _, err := s.service.SetClaims(t.Context(), by, nobody, user.Claims{}); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
	}
	if _, err := s.service.SetClaims(t.Context(), actor.ForOperator("acc_other"), u.ID, user.Claims{}); !fault.Is(err, fault.NotFound) {
		t.Error("another account sets claims:", err)
	}
	if err := s.service.Delete(t.Context(), by, u.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.service.SetClaims(t.Context(), by, u.ID, user.Claims{}); !fault.Is(err, fault.NotFound) {
		t.Error("a deleted person has claims:", err)
	}
}
