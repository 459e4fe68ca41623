package passkey_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/admit-id/admit/internal/factor/passkey"
	"github.com/admit-id/admit/internal/factor/passkey/passkeytest"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// both tries a bent ceremony as a registration and as a login, with a key that is registered properly.
func (b *bench) both(name string, bend func(*passkeytest.Ceremony), spoil func(*passkeytest.Response), want passkey.Refusal) {
	b.Helper()
	b.key.Bend, b.key.Spoil = bend, spoil
	defer func() { b.key.Bend, b.key.Spoil = nil, nil }()
	if got := b.tryLogin(ofLogin("")); got.Refused != want {
		b.Errorf("login, %s: %q, want %q", name, got.Refused, want)
	}
	held := b.key.Credentials
	got := b.tryRegister(ofSession("ann"))
	b.key.Credentials = held
	if got.Refused != want {
		b.Errorf("registration, %s: %q, want %q", name, got.Refused, want)
	}
	if want == "" {
		b.write(func(ctx context.Context, t tx.Tx) error {
			by := ofSession("ann").By
			by.Account = "a"
			return b.service.Remove(ctx, t, by, "ann", got.Passkey.ID)
		})
	}
}

// TestClientData is WAN-03: answers count only from the account's own pages, for what they were made for.
func TestClientData(t *testing.T) {
	each(t, func(b *bench) {
		b.register("ann")
		set := func(member string, value any) func(*passkeytest.Ceremony) {
			return func(c *passkeytest.Ceremony) {
				if value == nil {
					delete(c.ClientData, member)
					return
				}
				c.ClientData[member] = value
			}
		}
		b.both("the second host", set("origin", second), nil, "")
		b.both("without crossOrigin", set("crossOrigin", nil), nil, "")
		b.both("with a member of a later version", set("new_keys_may_be_added_here", "do not compare"), nil, "")
		b.both("with token binding", set("tokenBinding", map[string]any{"status": "present", "id": "x"}), nil, "")
		for _, bad := range []any{
			"https://evil.example", "https://x.login.example.com", "https://example.com", "http://login.example.com",
			"https://login.example.com:8443", "https://login.example.com:443", "https://login.example.com.evil.example", "https://login.example.com.",
			"https://LOGIN.example.com", "HTTPS://login.example.com", "https://login.example.com/", "https://user@login.example.com", "https://login.example.com#",
			"https://login.example.com?", " https://login.example.com", "null", "", "login.example.com", "https://other.example.net",
			"android:apk-key-hash:AAAA", "https://login.example.com\x00", "https://logın.example.com", 1, []string{origin}, nil,
		} {
			b.both("an origin", set("origin", bad), nil, passkey.RefusedResponse)
		}
		for _, bad := range []any{"webauthn.other", "", "WEBAUTHN.GET", "payment.get", nil} {
			b.both("a type", set("type", bad), nil, passkey.RefusedResponse)
		}
		b.both("in another's frame", set("crossOrigin", true), nil, passkey.RefusedResponse)
		b.both("crossOrigin as text", set("crossOrigin", "false"), nil, passkey.RefusedResponse)
		for _, top := range []any{"https://evil.example", origin, "", 1} {
			b.both("a top origin", set("topOrigin", top), nil, passkey.RefusedResponse)
			b.both("a top origin in a frame", func(c *passkeytest.Ceremony) {
				c.ClientData["crossOrigin"], c.ClientData["topOrigin"] = true, top
			}, nil, passkey.RefusedResponse)
		}
		b.both("the other ceremony", func(c *passkeytest.Ceremony) {
			c.ClientData["type"] = map[any]string{"webauthn.get": "webauthn.create", "webauthn.create": "webauthn.get"}[c.ClientData["type"]]
		}, nil, passkey.RefusedResponse)
		twice := func(member, value string) func(*passkeytest.Ceremony) {
			return func(c *passkeytest.Ceremony) {
				raw, _ := json.Marshal(c.ClientData)
				c.Raw = []byte(strings.Replace(string(raw), "{", `{"`+member+`":`+value+`,`, 1))
			}
		}
		b.both("two origins", twice("origin", `"https://evil.example"`), nil, passkey.RefusedResponse)
		b.both("two spellings of origin", twice("Origin", `"https://login.example.com"`), nil, passkey.RefusedResponse)
		b.both("two types", twice("type", `"webauthn.get"`), nil, passkey.RefusedResponse)
		b.both("crossOrigin twice", twice("crossOrigin", "true"), nil, passkey.RefusedResponse)
		b.both("a byte order mark", func(c *passkeytest.Ceremony) {
			raw, _ := json.Marshal(c.ClientData)
			c.Raw = append([]byte("\xef\xbb\xbf"), raw...)
		}, nil, passkey.RefusedResponse)
		b.both("another challenge", set("challenge", strings.Repeat("A", 43)), nil, passkey.RefusedGone)
		b.both("no challenge", set("challenge", ""), nil, passkey.RefusedResponse)
		b.both("a padded challenge", func(c *passkeytest.Ceremony) {
			c.ClientData["challenge"] = c.ClientData["challenge"].(string) + "="
		}, nil, passkey.RefusedResponse)
	})
}

// TestAuthenticatorData is WAN-05: the flags go together, and what was demanded is what the server keeps.
func TestAuthenticatorData(t *testing.T) {
	each(t, func(b *bench) {
		b.register("ann")
		flags := func(clear, set byte) func(*passkeytest.Ceremony) {
			return func(c *passkeytest.Ceremony) { c.Flags = c.Flags&^clear | set }
		}
		const up, uv, be, bs, at, ed = passkeytest.UP, passkeytest.UV, passkeytest.BE, passkeytest.BS, passkeytest.AT, passkeytest.ED
		b.both("nobody there", flags(up, 0), nil, passkey.RefusedResponse)
		b.both("not verified", flags(uv, 0), nil, passkey.RefusedUnproved)
		b.both("backed up though it cannot be", flags(be, 0), nil, passkey.RefusedResponse)
		b.both("extensions without data", flags(0, ed), nil, passkey.RefusedResponse)
		b.both("data without the flag", func(c *passkeytest.Ceremony) { c.Extensions = []byte{0xa0} }, nil, passkey.RefusedResponse)
		b.both("extensions", func(c *passkeytest.Ceremony) {
			c.Flags |= ed
			c.Extensions = []byte{0xa1, 0x6b, 'c', 'r', 'e', 'd', 'P', 'r', 'o', 't', 'e', 'c', 't', 0x02}
		}, nil, "")
		b.both("bytes after extensions", func(c *passkeytest.Ceremony) {
			c.Flags |= ed
			c.Extensions = []byte{0xa0, 0x00}
		}, nil, passkey.RefusedResponse)
		b.both("another RP id", func(c *passkeytest.Ceremony) { c.Party = "example.com" }, nil, passkey.RefusedResponse)
		b.both("the second host's RP id", func(c *passkeytest.Ceremony) { c.Party = "login.example.org" }, nil, passkey.RefusedResponse)
		b.both("backed up no more", flags(bs, 0), nil, "")
		b.key.Bend = flags(at, 0)
		if got := b.tryRegister(ofSession("bob")); got.Refused != passkey.RefusedResponse {
			b.Errorf("a registration without a key: %+v", got)
		}
		b.key.Credentials = b.key.Credentials[:1]
		b.key.Bend = func(c *passkeytest.Ceremony) {
			c.Flags |= at
			c.PublicKey, _ = passkeytest.COSE(-7, b.key.Credentials[0].Key.Public())
		}
		if got := b.tryLogin(ofLogin("")); got.Refused != passkey.RefusedResponse {
			b.Errorf("a login with a key: %+v", got)
		}
		// A second factor need not be verified, and then it is not said to be.
		b.key.Bend = flags(uv, 0)
		if got := b.tryLogin(ofLogin("ann")); got.Refused != "" || got.Verified {
			b.Errorf("a second factor: %+v", got)
		}
		// What the browser makes of the options does not count.
		c := ofLogin("")
		options := b.beginLogin(c)
		c.UserVerification = false
		response, err := b.key.Get([]byte(strings.Replace(string(options), `"required"`, `"discouraged"`, 1)))
		if err != nil {
			b.Fatal(err)
		}
		if got := b.finishLogin(c, response); got.Refused != passkey.RefusedUnproved {
			b.Errorf("the browser discouraged verification: %+v", got)
		}
	})
}

// TestCopiedKeys holds that a counter that goes back, or a key that changes its nature, ends in an event.
func TestCopiedKeys(t *testing.T) {
	each(t, func(b *bench) {
		b.key.Counts = true
		b.key.Flags &^= passkeytest.BE | passkeytest.BS
		p := b.register("ann")
		key := b.key.Credentials[0]
		for range 3 {
			if got := b.tryLogin(ofLogin("")); got.User != "ann" || got.Synced {
				b.Fatalf("got %+v", got)
			}
		}
		b.types()
		for _, count := range []uint32{3, 2, 1, 0} {
			b.key.Bend = func(c *passkeytest.Ceremony) { c.Count = count }
			if got := b.tryLogin(ofLogin("")); got.Refused != passkey.RefusedCloned {
				b.Errorf("the counter at %d after 3: %+v", count, got)
			}
			if got := b.types(); got != passkey.EventSuspicious {
				b.Errorf("events %q", got)
			}
		}
		if got := b.list("ann")[0]; got.SignCount != 3 {
			b.Errorf("the counter became %d", got.SignCount)
		}
		key.Count = 7
		b.key.Bend = func(c *passkeytest.Ceremony) { c.Flags |= passkeytest.BE }
		if got := b.tryLogin(ofLogin("")); got.Refused != passkey.RefusedCloned || b.types() != passkey.EventSuspicious {
			b.Errorf("became eligible: %+v", got)
		}
		b.key.Bend = func(c *passkeytest.Ceremony) { c.Count = 1<<32 - 1 }
		if got := b.tryLogin(ofLogin("")); got.ID != p.ID {
			b.Errorf("the largest counter: %+v", got)
		}
		if got := b.tryLogin(ofLogin("")); got.Refused != passkey.RefusedCloned {
			b.Errorf("the largest counter twice: %+v", got)
		}
	})
}

// TestWhoseKey holds that a key speaks for its person only, and only with the handle it was given.
func TestWhoseKey(t *testing.T) {
	each(t, func(b *bench) {
		b.register("ann")
		b.register("bob")
		anns, bobs := b.key.Credentials[0], b.key.Credentials[1]
		if string(anns.Handle) == string(bobs.Handle) {
			b.Fatal("two people have one handle")
		}
		try := func(name string, c passkey.Ceremony, key *passkeytest.Credential, handle []byte) {
			b.Helper()
			var o struct{ Challenge, RPID string }
			if err := json.Unmarshal(b.beginLogin(c), &o); err != nil {
				b.Fatal(err)
			}
			b.key.Credentials = []*passkeytest.Credential{key}
			b.key.Spoil = func(r *passkeytest.Response) { r.Response.UserHandle = base64.RawURLEncoding.EncodeToString(handle) }
			response, err := b.key.Get([]byte(`{"challenge":"` + o.Challenge + `","rpId":"` + o.RPID + `"}`))
			if err != nil {
				b.Fatal(err)
			}
			if got := b.finishLogin(c, response); got.Refused != passkey.RefusedUnknown {
				b.Errorf("%s: %+v", name, got)
			}
		}
		try("bob's handle with ann's key", ofLogin(""), anns, bobs.Handle)
		try("no handle", ofLogin(""), anns, nil)
		try("the person's id", ofLogin(""), anns, []byte("ann"))
		try("bob's key for ann", ofLogin("ann"), bobs, bobs.Handle)
		try("bob's key with ann's handle for ann", ofLogin("ann"), bobs, anns.Handle)
		// A signature of another key under a registered id.
		forged := *anns
		forged.Key = bobs.Key
		b.key.Credentials, b.key.Spoil = []*passkeytest.Credential{&forged}, nil
		if got := b.tryLogin(ofLogin("")); got.Refused != passkey.RefusedResponse {
			b.Errorf("another key's signature: %+v", got)
		}
	})
}

// TestCredentialIDs is WAN-07: an id is registered once in an account, and is neither empty nor long.
func TestCredentialIDs(t *testing.T) {
	each(t, func(b *bench) {
		b.register("ann")
		first := b.key.Credentials[0]
		as := func(id []byte) func(*passkeytest.Ceremony) {
			return func(c *passkeytest.Ceremony) { c.ID = id }
		}
		b.key.Bend = as(first.ID)
		for _, user := range []ident.UserID{"ann", "bob"} {
			if got := b.tryRegister(ofSession(user)); got.Refused != passkey.RefusedTaken {
				b.Errorf("%s registers it again: %+v", user, got)
			}
		}
		b.key.Bend = nil
		b.key.Credentials = []*passkeytest.Credential{first}
		if got := b.tryLogin(ofLogin("")); got.User != "ann" {
			b.Errorf("whose is it now: %+v", got)
		}
		for size, want := range map[int]passkey.Refusal{0: passkey.RefusedResponse, 1: "", 1023: "", 1024: passkey.RefusedResponse, 65535: passkey.RefusedResponse} {
			b.key.Bend = as([]byte(strings.Repeat("x", size)))
			if got := b.tryRegister(ofSession("ann")); got.Refused != want {
				b.Errorf("an id of %d bytes: %q, want %q", size, got.Refused, want)
			}
		}
		// The id that is told is not the one that is signed.
		b.key.Bend, b.key.Spoil = nil, func(r *passkeytest.Response) { r.ID, r.RawID = "AAAA", "AAAA" }
		if got := b.tryRegister(ofSession("ann")); got.Refused != passkey.RefusedResponse {
			b.Errorf("two ids: %+v", got)
		}
		b.key.Spoil = func(r *passkeytest.Response) { r.RawID = "AAAA" }
		if got := b.tryRegister(ofSession("ann")); got.Refused != passkey.RefusedResponse {
			b.Errorf("two spellings of the id: %+v", got)
		}
	})
}

// TestRegistrationRace lets several people register one id at once, and one person more than fit.
func TestRegistrationRace(t *testing.T) {
	each(t, func(b *bench) {
		id := []byte("one id for all")
		b.key.Bend = func(c *passkeytest.Ceremony) { c.ID = id }
		users := []ident.UserID{"u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7"}
		responses := map[ident.UserID][]byte{}
		for _, u := range users {
			b.key.Credentials = nil
			response, err := b.key.Create(b.beginRegistration(ofSession(u)))
			if err != nil {
				b.Fatal(err)
			}
			responses[u] = response
		}
		if n := b.race(users, responses); n != 1 {
			b.Errorf("%d people registered one id", n)
		}
		b.key.Bend = nil
		for range passkey.MaxPerPerson - 1 {
			b.register("ann")
		}
		var sessions []ident.UserID
		for _, s := range []string{"s0", "s1", "s2", "s3"} {
			u := ident.UserID("ann")
			b.key.Credentials = nil
			c := ofSession(u)
			c.Session = ident.SessionID(s)
			response, err := b.key.Create(b.beginRegistration(c))
			if err != nil {
				b.Fatal(err)
			}
			sessions = append(sessions, ident.UserID(s))
			responses[ident.UserID(s)] = response
		}
		if n := b.race(sessions, responses); n != 1 {
			b.Errorf("%d of 4 took the last place", n)
		}
	})
}

// race finishes registrations at once. The sessions "s.." are ann's.
func (b *bench) race(who []ident.UserID, responses map[ident.UserID][]byte) (won int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for _, u := range who {
		wg.Go(func() {
			c := ofSession(u)
			if u[0] == 's' {
				c = ofSession("ann")
				c.Session = ident.SessionID(u)
			}
			var got passkey.Registered
			err := b.db.Write(context.Background(), tx.In("a"), func(ctx context.Context, t tx.Tx) (err error) {
				got, err = b.service.FinishRegistration(ctx, t, c, "", responses[u])
				return err
			})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				b.Error(err)
			} else if got.Refused == "" {
				won++
			}
		})
	}
	wg.Wait()
	return won
}
