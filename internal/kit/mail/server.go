package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/admit-id/admit/internal/kit/secret"
	gomail "github.com/wneessen/go-mail"
)

const sendTimeout = 30 * time.Second

// Server is the SMTP server that takes our mails.
type Server struct {
	Host     string
	Port     int
	Implicit bool // TLS from the first byte (smtps)
	Plain    bool // no TLS: loopback, or tls=none in the URL
	User     string
	Password secret.Text
	From     netmail.Address
}

// ParseURL reads smtp://user:password@host:port?from=Name%20<address>. The scheme smtps means
// TLS from the start (port 465); smtp means STARTTLS, which is mandatory (port 587) except on
// loopback, or with tls=none for a server that is reached over a private network. Without
// from, the user is the sender if it is an e-mail address; else From stays empty and the caller
// names the sender.
func ParseURL(text secret.Text) (Server, error) {
	u, err := url.Parse(text.Reveal())
	if err != nil {
		return Server{}, errors.New("the SMTP URL cannot be read; write smtp://user:password@host:587?from=admit@example.com")
	}
	s := Server{Host: u.Hostname(), Implicit: u.Scheme == "smtps"}
	if u.Scheme != "smtp" && u.Scheme != "smtps" || s.Host == "" || strings.Trim(u.Path, "/") != "" {
		return Server{}, errors.New("the SMTP URL must be smtp://host or smtps://host, with an optional port and user:password@")
	}
	s.Port = 587
	if s.Implicit {
		s.Port = 465
	}
	if p := u.Port(); p != "" {
		if s.Port, err = strconv.Atoi(p); err != nil || s.Port < 1 || s.Port > 65535 {
			return Server{}, fmt.Errorf("the SMTP URL has the port %q", p)
		}
	}
	if u.User != nil {
		password, _ := u.User.Password()
		s.User, s.Password = u.User.Username(), secret.New(password)
	}
	ip := net.ParseIP(s.Host)
	s.Plain = !s.Implicit && (s.Host == "localhost" || ip != nil && ip.IsLoopback())
	return s, s.options(u.Query())
}

func (s *Server) options(q url.Values) error {
	from := s.User
	for key, values := range q {
		switch {
		case len(values) != 1:
			return fmt.Errorf("the SMTP URL has %s more than once", key)
		case key == "from":
			from = values[0]
		case key == "tls" && values[0] == "none" && !s.Implicit:
			s.Plain = true
		default:
			return fmt.Errorf("the SMTP URL has the option %s=%s, which means nothing here; known are from=ADDRESS and tls=none", key, values[0])
		}
	}
	address, err := netmail.ParseAddress(from)
	if err != nil && !q.Has("from") {
		return nil
	}
	if err != nil {
		return errors.New("the SMTP URL names a sender that is no e-mail address; write ?from=admit@example.com")
	}
	if _, ok := ParseAddress(address.Address); !ok {
		return fmt.Errorf("the sender %s is not a plain e-mail address", address.Address)
	}
	address.Name = headerText(address.Name)
	s.From = *address
	return nil
}

// Deliver sends one message now.
func (s *Server) Deliver(ctx context.Context, k Kept) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(&s.From)
	if err := m.To(string(k.To)); err != nil {
		return fmt.Errorf("recipient: %w", err)
	}
	m.Subject(headerText(k.Subject))
	m.SetDateWithValue(k.CreatedAt)
	_, domain, _ := strings.Cut(s.From.Address, "@")
	// The same id on every attempt, so that a mail that arrives twice is known for one.
	m.SetMessageIDWithValue(k.ID + "@" + domain)
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetBodyString(gomail.TypeTextPlain, k.Text)
	if k.HTML != "" {
		m.AddAlternativeString(gomail.TypeTextHTML, k.HTML)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return client.DialAndSendWithContext(ctx, m)
}

// Check connects and authenticates, and sends nothing.
func (s *Server) Check(ctx context.Context) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	if err := client.DialWithContext(ctx); err != nil {
		return err
	}
	return client.Close()
}

func (s *Server) client() (*gomail.Client, error) {
	options := []gomail.Option{gomail.WithPort(s.Port), gomail.WithTimeout(sendTimeout)}
	switch {
	case s.Implicit:
		options = append(options, gomail.WithSSL())
	case s.Plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.User != "" && !s.Password.Empty() {
		auth := gomail.SMTPAuthAutoDiscover
		if s.Plain {
			auth = gomail.SMTPAuthPlainNoEnc
		}
		options = append(options, gomail.WithSMTPAuth(auth), gomail.WithUsername(s.User), gomail.WithPassword(s.Password.Reveal()))
	}
	return gomail.NewClient(s.Host, options...)
}

// permanent tells whether another attempt cannot help.
func permanent(err error) bool {
	var send *gomail.SendError
	return errors.As(err, &send) && !send.IsTemp() && send.ErrorCode() >= 500
}
