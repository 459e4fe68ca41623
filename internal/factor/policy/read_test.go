package policy_test

import (
	"testing"

	"github.com/admit-id/admit/internal/factor/policy"
	"github.com/admit-id/admit/internal/kit/fault"
)

// What is written for a policy is one, to the letter: nothing is passed over (I-28).
func TestRead(t *testing.T) {
	p, err := policy.Read([]byte(`{"first":["passkey"],"secondWhen":"always","rememberDays":-1,"noRecovery":true}`))
	if err != nil || p.SecondWhen != policy.WhenAlways || p.RememberDays != -1 || !p.NoRecovery || len(p.First) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := policy.Read([]byte(`{}`)); err != nil {
		t.Error(err)
	}
	for _, text := range []string{
		``, `null`, `[]`, `"always"`, `{"secondWhenn":"always"}`, `{"secondwhen":"always"}`, `{"second_when":"always"}`, `{"secondWhen":"always","x":1}`,
		`{"secondWhen":"always","secondWhen":""}`, `{"rememberDays":1.5}`, `{"rememberDays":"1"}`, `{"noRecovery":"true"}`, `{"first":"passkey"}`, `{} {}`, `{"policy":{"secondWhen":"always"}}`,
	} {
		if p, err := policy.Read([]byte(text)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %+v, %v", text, p, err)
		}
	}
}
