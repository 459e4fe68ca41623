package drive

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// formWith finds the first form that has a field of that name and returns its action and
// what it would send if nothing were typed. It reads no further, and makes no tree: what a browser
// costs is taken from the server that is measured on the same machine.
func formWith(body, field string) (action string, fields url.Values) {
	z := html.NewTokenizer(strings.NewReader(body))
	found := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			return "", nil
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			switch {
			case string(name) == "form":
				action, fields, found = attributes(z, more)["action"], url.Values{}, false
			case string(name) == "input" && fields != nil:
				if a := attributes(z, more); a["name"] != "" {
					fields.Set(a["name"], a["value"])
					found = found || a["name"] == field && a["type"] != "hidden"
				}
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == "form" {
				if found {
					return action, fields
				}
				fields = nil
			}
		}
	}
}

// attributes are those of the tag that was just read.
func attributes(z *html.Tokenizer, more bool) map[string]string {
	all := map[string]string{}
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		all[string(key)] = string(value)
	}
	return all
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
