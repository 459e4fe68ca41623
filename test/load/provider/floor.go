package provider

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // database/sql driver "pgx"
	_ "modernc.org/sqlite"             // database/sql driver "sqlite"

	"github.com/admit-id/admit/test/load/proc"
	"github.com/admit-id/admit/test/load/rig"
	"github.com/admit-id/admit/test/load/wire"
)

// ServeFloor is the least that issuing a token and remembering it costs with net/http: sign one
// with Ed25519, insert its id, and answer when that is durable. Inserts that arrive together share a
// transaction. Everything else is answered with a fixed body. Database is a file for SQLite, or
// postgres://...
func ServeFloor(address, database string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return errors.New("the floor listens on loopback addresses only")
	}
	db, insert, err := openFloor(database)
	if err != nil {
		return err
	}
	defer db.Close()
	rows := make(chan row, 256)
	go keep(db, insert, rows)
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	fixed := []byte(`{"active":true,"access_token":"","sub":"","kty":"","token_endpoint":""}`)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/token", func(w http.ResponseWriter, _ *http.Request) {
		token, id, err := newToken(key)
		if err == nil {
			done := make(chan error, 1)
			rows <- row{id, done}
			err = <-done
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		body, _ := json.Marshal(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 900, "scope": "api"}) // always encodes
		answer(w, body)
	})
	for path, size := range documentSizes {
		document := append(bytes.TrimSuffix(fixed, []byte("}")), `,"padding":"`+strings.Repeat("x", size-len(fixed))+`"}`...)
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { answer(w, document) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { answer(w, fixed) })
	return (&http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 10 * time.Second}).ListenAndServe()
}

// documentSizes are about the lengths of Admit's documents; the floor's are as long.
var documentSizes = map[string]int{"/.well-known/openid-configuration": 3300, "/.well-known/jwks.json": 296}

func answer(w http.ResponseWriter, body []byte) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json; charset=utf-8"}
	h["Cache-Control"] = []string{"no-store"}
	_, _ = w.Write(body) // the caller may be gone
}

type row struct {
	id   string
	done chan error
}

func openFloor(database string) (*sql.DB, string, error) {
	driver, source, insert := "sqlite", "file:"+database+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)", "INSERT INTO tokens (id, made) VALUES (?, ?)"
	if strings.HasPrefix(database, "postgres://") {
		driver, source, insert = "pgx", database, "INSERT INTO tokens (id, made) VALUES ($1, $2)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, "", err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("CREATE TABLE tokens (id TEXT PRIMARY KEY, made BIGINT NOT NULL)"); err != nil {
		return nil, "", errors.Join(err, db.Close())
	}
	return db, insert, nil
}

// keep is the one writer: what waits is written together.
func keep(db *sql.DB, insert string, rows <-chan row) {
	for first := range rows {
		batch := []row{first}
	more:
		for len(batch) < 256 {
			select {
			case next := <-rows:
				batch = append(batch, next)
			default:
				break more
			}
		}
		err := write(db, insert, batch)
		for _, r := range batch {
			r.done <- err
		}
	}
}

func write(db *sql.DB, insert string, batch []row) error {
	t, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	defer t.Rollback()
	statement, err := t.Prepare(insert)
	if err != nil {
		return err
	}
	defer statement.Close()
	for _, r := range batch {
		if _, err := statement.Exec(r.id, time.Now().UnixMicro()); err != nil {
			return err
		}
	}
	return t.Commit()
}

// newToken signs about 300 bytes.
func newToken(key ed25519.PrivateKey) (token, id string, err error) {
	var b [16]byte
	rand.Read(b[:]) // never fails; see crypto/rand
	b64 := base64.RawURLEncoding
	id = b64.EncodeToString(b[:])
	now := time.Now().Unix()
	claims, err := json.Marshal(map[string]any{"iss": "http://localhost", "sub": "client-0001", "aud": "https://api.example", "iat": now, "exp": now + 900,
		"jti": id, "client_id": "client-0001", "scope": "read write"})
	if err != nil {
		return "", "", err
	}
	signed := b64.EncodeToString([]byte(`{"alg":"EdDSA","typ":"at+jwt","kid":"k1"}`)) + "." + b64.EncodeToString(claims)
	return signed + "." + b64.EncodeToString(ed25519.Sign(key, []byte(signed))), id, nil
}

// startFloors starts one floor for each database. The first one's fixed answer is the bare floor.
func (r *run) startFloors(ctx context.Context) error {
	databases := []string{filepath.Join(r.folder, "floor.db")}
	if r.pg != nil {
		made, err := r.pg.Create(ctx)
		if err != nil {
			return err
		}
		databases = append(databases, made)
	}
	for i, database := range databases {
		address, err := rig.FreePort()
		if err != nil {
			return err
		}
		p, err := rig.Self(r.log, "token-floor", address, database)
		if err != nil {
			return err
		}
		t := newTarget("floor", []string{"SQLite", "PostgreSQL"}[i], address)
		t.cpu, t.stop = r.cpuOf(p.PID(), i > 0), func() error { return ended(p) }
		t.rss = func() int64 { return proc.RSS(p.PID()) }
		r.floors = append(r.floors, t)
		if _, err := rig.WaitFor(p, address, "/"); err != nil {
			return fmt.Errorf("the floor: %w", err)
		}
		t.floorRequests(i == 0)
	}
	return nil
}

// floorRequests are those of Admit, sent to the floor.
func (t *target) floorRequests(bare bool) {
	s := &server{host: rig.HostOf(t.address), token: "/oauth/token", service: credential{id: "app_load_service", secret: strings.Repeat("s", 51)}}
	repeat := func(operation string, request []byte, holds string) {
		t.requests[operation] = func(int) (rig.Worker, error) {
			c, err := wire.New(t.address)
			return &repeater{conn: c, request: rig.Request{Bytes: request, Status: 200, Holds: []byte(holds)}}, err
		}
	}
	repeat("cc", s.post(s.token, s.service, url.Values{"grant_type": {"client_credentials"}}), `"access_token"`)
	if !bare {
		return
	}
	token := strings.Repeat("t", 600)
	repeat("introspect", s.post("/oauth/introspect", s.service, url.Values{"token": {token}}), `"active"`)
	repeat("userinfo", wire.Request("GET", s.host, "/oauth/userinfo", "", "Authorization: Bearer "+token), `"sub"`)
	repeat("jwks", wire.Request("GET", s.host, "/.well-known/jwks.json", ""), `"kty"`)
	repeat("discovery", wire.Request("GET", s.host, "/.well-known/openid-configuration", ""), `"token_endpoint"`)
}
