package drive

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// formWith finds the first form that has a field of that name and returns its action and
// what it would send if nothing were typed.
func formWith(body, field string) (action string, fields url.Values) {
	document, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return "", nil
	}
	for node := range document.Descendants() {
		if node.Data != "form" {
			continue
		}
		values, found := url.Values{}, false
		for input := range node.Descendants() {
			if input.Data == "input" && attribute(input, "name") != "" {
				values.Set(attribute(input, "name"), attribute(input, "value"))
				found = found || attribute(input, "name") == field && attribute(input, "type") != "hidden"
			}
		}
		if found {
			return attribute(node, "action"), values
		}
	}
	return "", nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// text is the document's words without its marks.
func text(body string) string {
	document, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return ""
	}
	var out strings.Builder
	for node := range document.Descendants() {
		if node.Type == html.TextNode {
			out.WriteString(node.Data + " ")
		}
	}
	return out.String()
}
