package consent

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/oauth"
)

// MaxAnswers is how many answers for one client are kept of one person; the oldest go first.
const MaxAnswers = 20

// The events.
const (
	EventAllowed   = "oauth.consent.allowed"
	EventWithdrawn = "oauth.consent.withdrawn" // the target is the client, the detail "user" the person
)

// Answer is one yes of a person on the consent page.
type Answer struct {
	Scopes    []string          `json:"scopes,omitempty"`
	Resources []string          `json:"resources,omitempty"`
	Details   []json.RawMessage `json:"details,omitempty"` // RFC 9396, each in canonical form
	At        time.Time         `json:"at"`
}

// Consent is all that one person has allowed one client.
type Consent struct {
	Account   ident.AccountID
	User      ident.UserID
	Client    string
	Name      string // the client's, when it was last allowed
	Answers   []Answer
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Scopes are those of all answers, each once, in the order of the answers.
func (c Consent) Scopes() []string {
	return merged(c.Answers, func(a Answer) []string { return a.Scopes })
}

// Resources are those of all answers, each once.
func (c Consent) Resources() []string {
	return merged(c.Answers, func(a Answer) []string { return a.Resources })
}

func merged(answers []Answer, of func(Answer) []string) []string {
	var out []string
	for _, a := range answers {
		for _, one := range of(a) {
			if !slices.Contains(out, one) {
				out = append(out, one)
			}
		}
	}
	return out
}

// Asked tells whether people are asked before this client gets anything.
func Asked(c oauth.Client) bool {
	return c.Kind == oauth.Document || c.Kind == oauth.Application && (c.Settings.ThirdParty || c.Settings.Registered != "")
}

// covers tells whether one answer holds everything that is asked for.
func (a Answer) covers(asked Answer) bool {
	return subset(asked.Scopes, a.Scopes) && subset(asked.Resources, a.Resources) &&
		!slices.ContainsFunc(asked.Details, func(d json.RawMessage) bool {
			return !slices.ContainsFunc(a.Details, func(have json.RawMessage) bool { return bytes.Equal(have, d) })
		})
}

func subset(part, whole []string) bool {
	return !slices.ContainsFunc(part, func(one string) bool { return !slices.Contains(whole, one) })
}

// add puts an answer behind the others and drops those that it covers.
func add(answers []Answer, a Answer) []Answer {
	kept := slices.DeleteFunc(slices.Clone(answers), func(old Answer) bool { return a.covers(old) })
	kept = append(kept, a)
	return kept[max(0, len(kept)-MaxAnswers):]
}

// answerOf is what an authorization asks for. A token for no resource is for the account or its
// userinfo, which every answer covers that has the scopes.
func answerOf(a oauth.Authorization) (Answer, error) {
	out := Answer{Scopes: a.Scopes, Resources: a.Resources}
	if len(a.Details) == 0 {
		return out, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(a.Details, &list); err != nil {
		return out, fault.Wrap("consent", err)
	}
	for _, one := range list {
		plain, err := canonical(one)
		if err != nil {
			return out, fault.Wrap("consent", err)
		}
		out.Details = append(out.Details, plain)
	}
	return out, nil
}

// canonical spells JSON in one way: members in order, no space, numbers as they were written.
func canonical(raw json.RawMessage) (json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
