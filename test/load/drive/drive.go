// Package drive owns signing a person in over HTTP as a browser with scripts switched off
// would: it follows the pages' own forms and reads the code from the development mailbox.
package drive

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/admit-id/admit/test/load/wire"
)

// Redirect is where the application under test lives. Nothing listens there.
const (
	Redirect    = "http://localhost:3000/"
	Origin      = "http://localhost:3000"
	Application = "app_default"
)

// Person is a signed-in browser.
type Person struct {
	Subject string // user id
	Token   string // access token
	server  *Server
	cookies map[string]string
}

// Server is a running Admit.
type Server struct {
	Address string // 127.0.0.1:PORT, to connect to
	Host    string // localhost:PORT, its name
}

// Code is an authorization code that waits for its exchange.
type Code struct {
	Login, Code, Verifier string
}

// SignIn signs a new person in with a one-time code by mail.
func (s *Server) SignIn(email string) (*Person, error) {
	c, err := wire.New(s.Address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	p := &Person{server: s, cookies: map[string]string{}}
	code, page, err := p.begin(c)
	if err != nil {
		return nil, err
	}
	if page, err = p.submit(c, page, "email", email); err != nil {
		return nil, fmt.Errorf("sending the address: %w", err)
	}
	typed, err := p.mailbox(c, email)
	if err != nil {
		return nil, err
	}
	if page, err = p.submit(c, page, "code", typed); err != nil {
		return nil, fmt.Errorf("typing the code: %w", err)
	}
	if code.Code, err = p.land(page); err != nil {
		return nil, err
	}
	answer, err := c.Do(s.Exchange(code))
	if err != nil {
		return nil, err
	}
	if p.Token, p.Subject, err = readTokens(answer); err != nil {
		return nil, err
	}
	return p, nil
}

// Code obtains one more authorization code by the existing session, without a page.
func (p *Person) Code(c *wire.Conn) (Code, error) {
	code, page, err := p.begin(c)
	if err != nil {
		return Code{}, err
	}
	code.Code, err = p.land(page)
	return code, err
}

// Exchange makes the request that exchanges a code for tokens.
func (s *Server) Exchange(code Code) []byte {
	body, _ := json.Marshal(map[string]string{ // a map of strings always encodes
		"grant_type": "authorization_code", "redirect_uri": Redirect, "client_id": Application,
		"code": code.Code, "code_verifier": code.Verifier,
	})
	return wire.Request("POST", s.Host, "/api/authentication/"+url.PathEscape(code.Login)+"/tokens", string(body),
		"Content-Type: application/json", "Origin: "+Origin)
}

// Renew renews the session silently and keeps the cookie of the answer, which is another one each time.
// One connection at a time may do it for a person.
func (p *Person) Renew(c *wire.Conn) error {
	before := p.cookies["admit-session"]
	a, err := c.Do(wire.Request("PATCH", p.server.Host, "/api/session", "{}", "Content-Type: application/json", "Origin: "+Origin, "Cookie: "+p.cookieHeader()))
	if err != nil {
		return err
	}
	p.keep(a.Cookies)
	if a.Status != 200 || !bytes.Contains(a.Body, []byte(`"access_token"`)) || p.cookies["admit-session"] == before {
		return fmt.Errorf("silent renewal: answered %d %.200q", a.Status, a.Body)
	}
	return nil
}

// Cookies is the browser's Cookie header.
func (p *Person) Cookies() string { return p.cookieHeader() }

// page is where a browser has arrived: a page of the server, or an address elsewhere.
type page struct {
	target string // path and query of a page, or the whole address elsewhere
	body   string
}

// begin starts a login and follows it to the first page that waits for the person.
func (p *Person) begin(c *wire.Conn) (Code, page, error) {
	verifier := random()
	sum := sha256.Sum256([]byte(verifier))
	body, _ := json.Marshal(map[string]string{ // a map of strings always encodes
		"redirectUrl": Redirect, "codeChallengeMethod": "S256", "codeChallenge": base64.RawURLEncoding.EncodeToString(sum[:]),
		"applicationId": Application, "flowType": "code", "responseLocation": "query",
	})
	answer, err := c.Do(wire.Request("POST", p.server.Host, "/api/authentication", string(body), "Content-Type: application/json", "Origin: "+Origin))
	if err != nil {
		return Code{}, page{}, err
	}
	var started struct {
		AuthenticationURL       string `json:"authenticationUrl"`
		AuthenticationRequestID string `json:"authenticationRequestId"`
	}
	if err := json.Unmarshal(answer.Body, &started); err != nil || answer.Status != 200 || started.AuthenticationURL == "" {
		return Code{}, page{}, fmt.Errorf("starting a login: %d %.200s", answer.Status, answer.Body)
	}
	at, err := p.follow(c, "GET", started.AuthenticationURL, "")
	return Code{Login: started.AuthenticationRequestID, Verifier: verifier}, at, err
}

// follow requests target and goes where the server sends it, within the server.
func (p *Person) follow(c *wire.Conn, method, target, form string) (page, error) {
	for range 8 {
		u, err := url.Parse(target)
		if err != nil {
			return page{}, err
		}
		_, port, _ := strings.Cut(p.server.Host, ":")
		if u.Host != "" && u.Port() != port {
			return page{target: target}, nil
		}
		headers := []string{"Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: same-origin"}
		if len(p.cookies) > 0 {
			headers = append(headers, "Cookie: "+p.cookieHeader())
		}
		if method == "POST" {
			headers = append(headers, "Content-Type: application/x-www-form-urlencoded", "Origin: http://"+p.server.Host)
		}
		answer, err := c.Do(wire.Request(method, p.server.Host, u.RequestURI(), form, headers...))
		if err != nil {
			return page{}, err
		}
		p.keep(answer.Cookies)
		switch {
		case answer.Status >= 300 && answer.Status < 400 && answer.Location != "":
			next, err := u.Parse(answer.Location)
			if err != nil {
				return page{}, err
			}
			method, target, form = "GET", next.String(), ""
		case answer.Status == 200 || answer.Status == 422:
			return page{target: u.RequestURI(), body: string(answer.Body)}, nil
		default:
			return page{}, fmt.Errorf("%s %s: %d %.200s", method, u.Path, answer.Status, answer.Body)
		}
	}
	return page{}, errors.New("too many redirects")
}

// submit fills the field of the page's form that has it and sends the form.
func (p *Person) submit(c *wire.Conn, at page, field, value string) (page, error) {
	action, fields := formWith(at.body, field)
	if fields == nil {
		return page{}, fmt.Errorf("the page %s has no form with the field %q", at.target, field)
	}
	fields.Set(field, value)
	base, err := url.Parse("http://" + p.server.Host + at.target)
	if err != nil {
		return page{}, err
	}
	to, err := base.Parse(action)
	if err != nil {
		return page{}, err
	}
	return p.follow(c, "POST", to.String(), fields.Encode())
}

// land takes the code out of the address that the browser was sent to.
func (p *Person) land(at page) (string, error) {
	u, err := url.Parse(at.target)
	if err != nil || !strings.HasPrefix(at.target, Redirect) || u.Query().Get("code") == "" {
		return "", fmt.Errorf("not back at the application with a code but at %.120s", at.target)
	}
	return u.Query().Get("code"), nil
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// mailbox waits for the mail to an address and returns its code.
func (p *Person) mailbox(c *wire.Conn, email string) (string, error) {
	for range 100 {
		answer, err := c.Do(wire.Request("GET", p.server.Host, "/dev/mailbox", "", "Accept: text/html"))
		if err != nil {
			return "", err
		}
		// The newest mail is the first; its code is the first number of six digits after the address.
		if _, after, ok := strings.Cut(string(answer.Body), email); ok {
			if code := sixDigits.FindString(text(after)); code != "" {
				return code, nil
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	return "", errors.New("no mail with a code came to the mailbox")
}

func (p *Person) keep(cookies []string) {
	for _, cookie := range cookies {
		name, value, _ := strings.Cut(cookie, "=")
		if value == "" {
			delete(p.cookies, name)
		} else {
			p.cookies[name] = value
		}
	}
}

func (p *Person) cookieHeader() string {
	var out []string
	for name, value := range p.cookies {
		out = append(out, name+"="+value)
	}
	return strings.Join(out, "; ")
}

func readTokens(a wire.Answer) (token, subject string, err error) {
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(a.Body, &tokens); err != nil || a.Status != 200 {
		return "", "", fmt.Errorf("exchanging the code: %d %.200s", a.Status, a.Body)
	}
	parts := strings.Split(tokens.AccessToken, ".")
	if len(parts) != 3 {
		return "", "", errors.New("exchanging the code: no token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", "", err
	}
	var claims struct {
		Sub string `json:"sub"`
	}
	err = json.Unmarshal(payload, &claims)
	return tokens.AccessToken, claims.Sub, err
}

func random() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails; see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

// Password signs in with a password, in a browser that the server has not seen, up to the code for the application.
func (s *Server) Password(c *wire.Conn, email, password string) error {
	p := &Person{server: s, cookies: map[string]string{}}
	_, at, err := p.begin(c)
	if err != nil {
		return err
	}
	action, fields := formWith(at.body, "email")
	if fields == nil {
		return fmt.Errorf("the page %s has no form with an address", at.target)
	}
	fields.Set("email", email)
	fields.Set("password", password)
	action = strings.Replace(action, "/login/email", "/login/password", 1) // whichever of the two forms comes first
	if at, err = p.follow(c, "POST", "http://"+s.Host+action, fields.Encode()); err != nil {
		return err
	}
	_, err = p.land(at)
	return err
}
