package decide

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/surface/v1/wire"
)

// A page that is written by hand is, byte for byte, what encoding/json makes of it.
func TestUserResourcesAsJSON(t *testing.T) {
	strange := []string{"", "plain", "a/b c", `"quoted" \ back`, "<a>&'", "tab\t line\n nul\x00 del\x7f", "über", "日本", "\u2028\u2029", "\xff\xfe bad", "\x1f", strings.Repeat("long/", 500)}
	for c := range 256 {
		strange = append(strange, "x"+string([]byte{byte(c)})+"y")
	}
	href := wire.Href{Href: "https://a.example/v1/x?a=1&b=<2>"}
	for _, resources := range [][]string{{}, {"one"}, strange} {
		for _, next := range []*wire.NextPage{nil, {Cursor: "c<&>"}} {
			for _, id := range strange {
				u := userResources{account: ident.AccountID(id), user: ident.UserID(id), resources: resources, links: &wire.Links{Self: href}}
				if next != nil {
					u.links.Next, u.pagination = &href, &wire.Pagination{Next: next}
				}
				got, err := u.append(nil)
				if err != nil {
					t.Fatal(err)
				}
				if want := marshalled(&u); string(got) != want {
					t.Fatalf("got  %s\nwant %s", got, want)
				}
			}
		}
	}
}

func marshalled(u *userResources) string {
	out := struct {
		Account    wire.AccountRef    `json:"account"`
		UserID     ident.UserID       `json:"userId"`
		Resources  []wire.ResourceRef `json:"resources"`
		Pagination *wire.Pagination   `json:"pagination,omitempty"`
		Links      *wire.Links        `json:"links"`
	}{Account: wire.AccountRef{AccountID: u.account}, UserID: u.user, Resources: []wire.ResourceRef{}, Pagination: u.pagination, Links: u.links}
	for _, text := range u.resources {
		out.Resources = append(out.Resources, wire.ResourceRef{ResourceURI: text})
	}
	b, _ := json.Marshal(out) // always encodes
	return string(b)
}
