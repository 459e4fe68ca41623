package attack

import (
	"context"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/test/process"
)

// exec changes the database beside the server.
func (w *world) exec(statement string) {
	w.t.Helper()
	conn := w.connect()
	defer conn.Close()
	if _, err := conn.ExecContext(context.Background(), statement); err != nil {
		w.t.Fatal(err)
	}
}

// breaking is a server whose database can be taken from it, and be given back.
func breaking(t *testing.T, attack func(t *testing.T, w *world, broken func(bool))) {
	o := process.Options{Clock: true, Env: []string{"ADMIT_MASTER_KEY=" + masterKey, "ADMIT_RATE_LIMIT_SCALE=1000"}}
	run := func(t *testing.T, o process.Options, own string, broken func(bool)) {
		w := &world{Server: process.Start(t, o), t: t, database: own}
		if own == "" {
			w.database = "sqlite:" + w.DataDir + "/admit.db"
		}
		w.public = w.URL
		w.key = w.AdminKey()
		w.hear()
		if broken == nil { // nobody else may write
			var held opened
			broken = func(on bool) {
				if on {
					held = w.connect()
					if _, err := held.ExecContext(context.Background(), "BEGIN IMMEDIATE"); err != nil {
						t.Fatal(err)
					}
					return
				}
				held.ExecContext(context.Background(), "ROLLBACK")
				held.Close()
			}
		}
		w.honest("before")
		attack(t, w, broken)
		w.honest("after")
		if strings.Contains(w.Log(), `"msg":"panic"`) {
			t.Error("a panic")
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		run(t, o, "", nil)
	})
	if os.Getenv("ADMIT_TEST_POSTGRES") == "" {
		return
	}
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		o, own := o, process.Database(t)
		u, err := url.Parse(own)
		if err != nil {
			t.Fatal(err)
		}
		cable := newWire(t, u.Host)
		u.Host = cable.Addr().String()
		o.Database = u.String()
		run(t, o, own, func(on bool) {
			if !on {
				cable.drop()
			}
			cable.set(on)
		})
	})
}

// ready waits until the server answers that it is.
func (w *world) ready() {
	w.t.Helper()
	for limit := time.Now().Add(30 * time.Second); w.send("GET", "/readyz", "").status != 200 || w.send("GET", "/v1/roles", "", "Authorization", "Bearer "+w.key).status != 200; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(limit) {
			w.t.Fatal("not ready again after 30 s")
		}
	}
}

// MFA-09: when what a person has, or what the policy wants, cannot be read, nobody gets past it: neither while the
// database is gone between the factors, nor when what it holds does not open.
func TestMFA09_WhatCannotBeRead(t *testing.T) {
	breaking(t, func(t *testing.T, w *world, broken func(bool)) {
		w.allowPasswords()
		seeds := map[string]string{}
		for _, address := range []string{"ann@x.example", "bob@x.example"} {
			p := w.signIn(address)
			p.id = subject(p.access)
			if a := p.settle("/settings/security/password", "/settings/password", url.Values{"password": {strongPassword}, "again": {strongPassword}}); went(a) != "done=password" {
				t.Fatalf("%d %q", a.status, a.header.Get("Location"))
			}
			seeds[address] = p.enrol(t)
		}
		ahead := time.Duration(0)
		signsIn := func(what, seed string, want bool) {
			t.Helper()
			p, a := w.enter("ann@x.example", strongPassword)
			if p.through(a) {
				t.Fatalf("%s: a password alone signs in", what)
			}
			a = p.step("/login/totp", "code", codeOf(t, seed, time.Now().Add(ahead)))
			if got := p.through(a); got != want || !want && p.cookies[sessionCookie] != "" {
				t.Errorf("%s: signed in: %t (%d)", what, got, a.status)
			}
			if a.status >= 500 && a.status != 503 {
				t.Errorf("%s: %d %.300s", what, a.status, a.body)
			}
		}
		later := func() { // a code is good once
			ahead += 2 * time.Minute
			w.RestartAt(ahead)
			w.ready()
		}
		later()
		signsIn("the honest way", seeds["ann@x.example"], true)

		later()
		waits, _ := w.enter("ann@x.example", strongPassword)
		fresh := w.person()
		fresh.start(nil)
		form := fields(fresh.browse("GET", "/login?state="+fresh.request, "").body)
		form.Set("state", fresh.request)
		form.Set("email", "ann@x.example")
		form.Set("password", strongPassword)
		broken(true)
		var both sync.WaitGroup // each waits until the server gives up
		for name, one := range map[string]struct {
			*person
			ask func() answer
		}{
			"the second factor": {waits, func() answer {
				return waits.step("/login/totp", "code", codeOf(t, seeds["ann@x.example"], time.Now().Add(ahead)))
			}},
			"the first factor": {fresh, func() answer { return fresh.browse("POST", "/login/password?state="+fresh.request, form.Encode()) }},
		} {
			both.Go(func() {
				got := one.ask()
				if got.status == 200 || strings.HasPrefix(got.header.Get("Location"), application) || one.cookies[sessionCookie] != "" || got.status >= 500 && got.status != 503 {
					t.Errorf("without a database, %s: %d %q after %v", name, got.status, got.header.Get("Location"), got.took)
				}
			})
		}
		both.Wait()
		broken(false)
		w.ready()
		if a := fresh.browse("GET", "/login?state="+fresh.request, ""); fresh.cookies[sessionCookie] != "" || strings.HasPrefix(a.header.Get("Location"), application) {
			t.Error("what was refused has happened")
		}
		later()
		signsIn("with the database again", seeds["ann@x.example"], true)

		ann, bob := w.rows(`SELECT user_id FROM user_identities WHERE subject = 'ann@x.example'`), w.rows(`SELECT user_id FROM user_identities WHERE subject = 'bob@x.example'`)
		if len(ann) != 1 || len(bob) != 1 {
			t.Fatal(ann, bob)
		}
		w.exec(`CREATE TABLE kept AS SELECT seed FROM totp_devices WHERE user_id = '` + ann[0] + `'`)
		for what, seed := range map[string]string{"another person's seed": `(SELECT seed FROM totp_devices WHERE user_id = '` + bob[0] + `')`, "no seed": `''`, "a seed by another key": `substr(seed, 1, 4) || seed`} {
			w.exec(`UPDATE totp_devices SET seed = ` + seed + ` WHERE user_id = '` + ann[0] + `'`)
			signsIn(what+", her code", seeds["ann@x.example"], false)
			signsIn(what+", the other's code", seeds["bob@x.example"], false)
			if !strings.Contains(w.Log(), `"level":"ERROR"`) {
				t.Errorf("%s: nobody is alerted", what)
			}
			w.exec(`UPDATE totp_devices SET seed = (SELECT seed FROM kept) WHERE user_id = '` + ann[0] + `'`)
		}
		later()
		signsIn("with her seed again", seeds["ann@x.example"], true)
	})
}
