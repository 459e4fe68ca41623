// Command passkey is a relying party and an authenticator for tests in other languages: it reads one JSON
// command a line from its input and answers one line each. The relying party is package passkey on an empty
// database; the authenticator is the software one of its tests.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/passkey/passkeydb"
	"github.com/admit-id/admit/internal/factor/passkey/passkeytest"
	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/tx"
)

const (
	account ident.AccountID = "acc_default"
	origin  string          = "https://login.example.com"
)

type command struct {
	Op        string          // "registration", "register", "request", "login", "create", "get"
	User      ident.UserID    // whose; empty in request and login: whoever holds a passkey
	Options   json.RawMessage // of create and get
	Response  json.RawMessage // of register and login
	Algorithm int64           // of create
	Bend      string          // what create and get do wrong; see bends
}

type answer struct {
	Options  json.RawMessage `json:"options,omitempty"`
	Response json.RawMessage `json:"response,omitempty"`
	Refused  passkey.Refusal `json:"refused,omitempty"`
	User     ident.UserID    `json:"user,omitempty"`
	Error    string          `json:"error,omitempty"`
}

// bends are what an authenticator or a browser in between can do wrong.
var bends = map[string]func(*passkeytest.Ceremony){
	"":             nil,
	"nobody there": func(c *passkeytest.Ceremony) { c.Flags &^= passkeytest.UP },
	"not verified": func(c *passkeytest.Ceremony) { c.Flags &^= passkeytest.UV },
	"backed up, not eligible": func(c *passkeytest.Ceremony) {
		c.Flags = c.Flags&^passkeytest.BE | passkeytest.BS
	},
	"origin": func(c *passkeytest.Ceremony) { c.ClientData["origin"] = "https://evil.example" },
	"type":   func(c *passkeytest.Ceremony) { c.ClientData["type"] = "payment.get" },
	"challenge": func(c *passkeytest.Ceremony) {
		c.ClientData["challenge"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	},
	"RP id":         func(c *passkeytest.Ceremony) { c.Party = "evil.example" },
	"trailing byte": func(c *passkeytest.Ceremony) { c.Extensions = []byte{0} },
	"counter back":  func(c *passkeytest.Ceremony) { c.Count = 0 },
}

type world struct {
	db      *sqldb.DB
	service *passkey.Service
	key     *passkeytest.Authenticator
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	dir, err := os.MkdirTemp("", "passkey-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	db, err := sqldb.Open(ctx, sqldb.Options{URL: "sqlite:" + filepath.Join(dir, "test.db"), Clock: clock.NewSystem(), Bus: &tx.Bus{}})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx, passkeydb.Migrations()); err != nil {
		return err
	}
	w := &world{db: db, key: passkeytest.NewAuthenticator(origin)}
	w.key.Counts = true
	w.service = passkey.New(passkey.Deps{Store: passkeydb.Store{}, Challenges: passkeydb.Store{}, Party: func(ident.AccountID) (passkey.Party, bool) {
		return passkey.NewParty(origin, "Example", nil)
	}})
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var c command
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			return err
		}
		a, err := w.do(ctx, c)
		if err != nil {
			a.Error = err.Error()
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
	return in.Err()
}

func (w *world) do(ctx context.Context, c command) (a answer, err error) {
	bend, ok := bends[c.Bend]
	if !ok {
		return a, errors.New("no such bend")
	}
	w.key.Bend, w.key.Algorithm = bend, c.Algorithm
	switch c.Op {
	case "create":
		a.Response, err = w.key.Create(c.Options)
		return a, err
	case "get":
		a.Response, err = w.key.Get(c.Options)
		return a, err
	}
	y := passkey.Ceremony{Account: account, User: c.User, UserVerification: true, Label: string(c.User), Name: string(c.User)}
	if c.Op == "registration" || c.Op == "register" {
		y.Session = ident.SessionID("ses_" + c.User)
	} else {
		y.Login, y.Browser = "log_1", []byte("browser")
	}
	err = w.db.Write(ctx, tx.In(account), func(ctx context.Context, t tx.Tx) (err error) {
		a = answer{}
		switch c.Op {
		case "registration":
			a.Options, err = w.service.BeginRegistration(ctx, t, y)
		case "request":
			a.Options, err = w.service.BeginLogin(ctx, t, y)
		case "register":
			var got passkey.Registered
			got, err = w.service.FinishRegistration(ctx, t, y, "", c.Response)
			a.Refused, a.User = got.Refused, got.Passkey.User
		case "login":
			var got passkey.Proof
			got, err = w.service.FinishLogin(ctx, t, y, c.Response)
			a.Refused, a.User = got.Refused, got.User
		default:
			err = errors.New("no such command")
		}
		return err
	})
	return a, err
}
