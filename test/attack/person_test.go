package attack

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// application is what development's default application may be sent back to. Its host differs
// from the server's, so that the login stays on the issuer's.
const application = "http://127.0.0.1:3000/"

// person is somebody with a browser that keeps cookies, at a server in development mode.
type person struct {
	w        *world
	cookies  map[string]string
	verifier string
	request  string // the login's id
	code     string // what came back to the application
	access   string
	id       string
	offered  string // the newest offer to bind the session
}

func (w *world) person() *person { return &person{w: w, cookies: map[string]string{}} }

func (p *person) jar() string {
	var all []string
	for name, value := range p.cookies {
		all = append(all, name+"="+value)
	}
	return strings.Join(all, "; ")
}

// browse makes one request with the browser's cookies and keeps what comes.
func (p *person) browse(method, path, form string) answer {
	p.w.t.Helper()
	header := []string{"Cookie", p.jar(), "Accept", "text/html"}
	if method == "POST" {
		header = append(header, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin", "Origin", p.w.public)
	}
	a := p.w.send(method, path, form, header...)
	if offer := a.header.Get("Secure-Session-Registration"); offer != "" {
		p.offered = offer
	}
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.MaxAge < 0 || c.Value == "" {
			delete(p.cookies, c.Name)
			continue
		}
		p.cookies[c.Name] = c.Value
	}
	return a
}

// start begins a login as the browser SDK does. More members can be smuggled in.
func (p *person) start(more map[string]any) answer {
	var random [32]byte
	rand.Read(random[:])
	p.verifier = base64.RawURLEncoding.EncodeToString(random[:])
	digest := sha256.Sum256([]byte(p.verifier))
	body := map[string]any{"redirectUrl": application, "codeChallengeMethod": "S256", "applicationId": "app_default",
		"codeChallenge": base64.RawURLEncoding.EncodeToString(digest[:]), "flowType": "code"}
	for k, v := range more {
		body[k] = v
	}
	text, _ := json.Marshal(body)
	a := p.w.send("POST", "/api/authentication", string(text), "Content-Type", "application/json", "Origin", strings.TrimSuffix(application, "/"))
	var started struct{ AuthenticationRequestID string }
	json.Unmarshal([]byte(a.body), &started)
	p.request = started.AuthenticationRequestID
	return a
}

var (
	mailed  = regexp.MustCompile(`id="code-0">(\d{6})<`)
	hidden  = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)
	newMail = regexp.MustCompile(`to <strong>([^<]+)</strong>`)
)

// newestCode is the code of the newest mail, if it went to address.
func (w *world) newestCode(address string) string {
	w.t.Helper()
	box := w.send("GET", "/dev/mailbox", "", "Host", w.host())
	to, code := newMail.FindStringSubmatch(box.body), mailed.FindStringSubmatch(box.body)
	if to == nil || code == nil || html.UnescapeString(to[1]) != address {
		w.t.Fatalf("no code for %s in the mailbox (%d): %.300s", address, box.status, box.body)
	}
	return code[1]
}

// fields are the hidden fields of a page's first form.
func fields(page string) url.Values {
	form, _, _ := strings.Cut(page, "</form>")
	v := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(form, -1) {
		v.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return v
}

// signIn goes the whole way and ends with tokens.
func (w *world) signIn(address string) *person {
	w.t.Helper()
	p := w.person()
	if a := p.start(nil); a.status != 200 {
		w.t.Fatalf("start: %d %s", a.status, a.body)
	}
	page := p.browse("GET", "/login?state="+p.request, "")
	form := fields(page.body)
	form.Set("state", p.request)
	form.Set("email", address)
	if a := p.browse("POST", "/login/email?state="+p.request, form.Encode()); a.status != 303 {
		w.t.Fatalf("address: %d %.400s", a.status, a.body)
	}
	form.Set("code", w.newestCode(address))
	back := p.browse("POST", "/login/code?state="+p.request, form.Encode())
	for range 3 {
		if strings.HasPrefix(back.header.Get("Location"), application) || back.status != 303 {
			break
		}
		u, _ := url.Parse(back.header.Get("Location"))
		back = p.browse("GET", u.RequestURI(), "")
	}
	u, err := url.Parse(back.header.Get("Location"))
	if err != nil || u.Query().Get("code") == "" {
		w.t.Fatalf("the way back: %d %q %.400s", back.status, back.header.Get("Location"), back.body)
	}
	p.code = u.Query().Get("code")
	a := p.exchange()
	var tokens struct {
		Access string `json:"access_token"`
		ID     string `json:"id_token"`
	}
	if json.Unmarshal([]byte(a.body), &tokens) != nil || tokens.Access == "" {
		w.t.Fatalf("exchange: %d %s", a.status, a.body)
	}
	p.access, p.id = tokens.Access, tokens.ID
	return p
}

func (p *person) exchange() answer {
	text, _ := json.Marshal(map[string]string{"grant_type": "authorization_code", "redirect_uri": application, "client_id": "app_default", "code": p.code, "code_verifier": p.verifier})
	return p.w.send("POST", "/api/authentication/"+p.request+"/tokens", string(text), "Content-Type", "application/json", "Origin", strings.TrimSuffix(application, "/"))
}

// subject is the token's sub.
func subject(token string) string {
	part := strings.Split(token, ".")[1]
	text, _ := base64.RawURLEncoding.DecodeString(part)
	var claims struct{ Sub string }
	json.Unmarshal(text, &claims)
	return claims.Sub
}
