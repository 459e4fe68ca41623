package drive

import "testing"

func TestFormWith(t *testing.T) {
	const page = `<form action="/a"><input type="hidden" name="code" value="x"></form>
<form method="post" action="/login/code"><input type="hidden" name="state" value="s&amp;1"><input name="code"></form>`
	action, fields := formWith(page, "code")
	if action != "/login/code" || fields.Get("state") != "s&1" {
		t.Errorf("got %s %v", action, fields)
	}
	for _, other := range []string{"email", "state", "after"} { // there is none, a hidden one, one outside of forms
		if _, fields := formWith(page+`<input name="after">`, other); fields != nil {
			t.Errorf("%s: got %v", other, fields)
		}
	}
}

func TestText(t *testing.T) {
	if got := sixDigits.FindString(text(`<p class="123456">Your code: <b>654321</b></p>`)); got != "654321" {
		t.Errorf("got %s", got)
	}
}
