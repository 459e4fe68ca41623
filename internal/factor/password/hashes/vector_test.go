package hashes

import (
	"errors"
	"strings"
	"testing"
)

const accented = "correct horse é"

// vectors are hashes that other software made of the password, by where they are published.
var vectors = map[string]struct{ hash, password string }{
	// The test program of the reference implementation of Argon2 (phc-winner-argon2, test.c).
	"argon2id, 64 MiB":           {"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"},
	"argon2id, one pass":         {"$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg", "password"},
	"argon2id, four passes":      {"$argon2id$v=19$m=65536,t=4,p=1$c29tZXNhbHQ$kCXUjmjvc5XMqQedpMTsOv+zyJEf5PhtGiUghW9jFyw", "password"},
	"argon2id, another salt":     {"$argon2id$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$vfMrBczELrFdWP0ZsfhWsRPaHppYdP3MVEMIVlqoFBw", "password"},
	"argon2i":                    {"$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", "password"},
	"bcrypt, Openwall":           {"$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
	"bcrypt, another name":       {"$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"},
	"bcrypt, a third":            {"$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"},
	"scrypt, RFC 7914":           {"$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA", "password"},
	"scrypt, Python":             {"$scrypt$ln=14,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$zb2ogutFHVc47mQJ8ZZ0qaC8TcupB3hHYLJ2cFTP1wA", accented},
	"scrypt of Firebase":         {"$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$Bw==$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==", "user1password"},
	"pbkdf2, RFC 6070":           {"$pbkdf2$4096$c2FsdA$SwB5AbdlSJq.rUnZJvch0GWkKcE", "password"},
	"pbkdf2, RFC 6070, as PHC":   {"$pbkdf2-sha1$i=4096,l=20$c2FsdA$SwB5AbdlSJq+rUnZJvch0GWkKcE", "password"},
	"pbkdf2-sha256, RFC 7914":    {"$pbkdf2-sha256$i=80000$TmFDbA$TdzY9guYviGDDO5e8icB+WQaRBjQTAQUrv8Ih2s0q1ah1CWhIlgzVJrbhBtRybMXaicr3ruh0HhHj2Kzl/M8jQ", "Password"},
	"pbkdf2-sha512, Python":      {"$pbkdf2-sha512$i=120000,l=64$c2FsdHNhbHRzYWx0c2FsdA$M136+yG47LPnztsBT3+dGIaFXEE4O4X8a7FNjJ4qHd4QSSTVPIBC6iHtimH1VAZPZG2zl/U4IjUcM/+5nyaUHw", accented},
	"pbkdf2-sha256 of Django":    {"pbkdf2_sha256$10000$s1w0UXDd00XB$+4ORmyvVWAQvoAEWlDgN34vlaJx1ZTZpa1pCSRey2Yk=", "password"},
	"pbkdf2-sha1, Python":        {"pbkdf2_sha1$20000$seasalt2$QLSksOd3FqHvGdlx18ipBvoIEeg=", accented},
	"salted SHA-1, Python":       {"{SSHA}Gc4/7jHPG8TGr/ec06YtzEmak48BAgME", accented},
	"salted SHA-256, Python":     {"{SSHA256}gebmc8iC7kf0yzMyB5ZTayJp7ztiWewLwtk9xt8PURUxMjM0NTY3OA==", accented},
	"salted SHA-512, lower case": {"{ssha512}wnqI46Vcxri5Z12fY0wR3vpRPoJzBuPA0Iv1mlq3oSMe1czVKE1GBi+IxcbI12ehJ5bhcmE/qGkwT63TGBH4lzEyMzQ1Njc4", accented},
}

func TestVectors(t *testing.T) {
	for name, v := range vectors {
		h, err := Parse(v.hash)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !h.Compare(v.password) {
			t.Errorf("%s: the password does not match", name)
		}
		for _, other := range []string{"", v.password + " ", v.password[1:], strings.ToUpper(v.password) + "x"} {
			if h.Compare(other) {
				t.Errorf("%s: %q matches", name, other)
			}
		}
		if h.Algorithm == "" || !h.Weaker(Params{Memory: 128 << 10, Passes: 2, Lanes: 1}) {
			t.Errorf("%s: %+v", name, h)
		}
	}
}

// CRY-02: what would take too long, too much or next to nothing is refused before anything is done.
func TestCRY02_CostsAreBounded(t *testing.T) {
	const salt, sum = "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	bad := []string{
		"", "$", "$$$$", "plain", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "{SSHA}", "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "{MD5}aaaa", "{SSHA",
		"$1$saltsalt$sum", "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWx",
		"$argon2d$v=19$m=65536,t=2,p=1$" + salt + "$" + sum, "$argon2id$v=16$m=65536,t=2,p=1$" + salt + "$" + sum, "$argon2id$m=65536,t=2,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + sum + "\n", strings.Repeat("$", 5000),
	}
	for _, costs := range []string{
		"m=65536,t=0,p=1", "m=8,t=2,p=1", "m=511,t=2,p=1", "m=4194304,t=1,p=1", "m=262145,t=1,p=1", "m=262144,t=5,p=1", "m=65536,t=17,p=1", "m=65536,t=2,p=0",
		"m=65536,t=2,p=17", "m=65536,t=2,p=256", "m=4294967296,t=2,p=1", "m=18446744073709551616,t=2,p=1", "m=-1,t=2,p=1", "m=065536,t=2,p=1", "m=65536,p=1,t=2",
		"m=65536,t=2", "m=65536,t=2,p=1,p=1", "m=65536,t=2,p=1,keyid=aa", "m= 65536,t=2,p=1", "m=+65536,t=2,p=1", "m=6e4,t=2,p=1", "t=2,m=65536,p=1",
	} {
		bad = append(bad, "$argon2id$v=19$"+costs+"$"+salt+"$"+sum, "$argon2i$v=19$"+costs+"$"+salt+"$"+sum)
	}
	for _, parts := range []string{"$" + sum, "YQ$" + sum, salt + "$", salt + "$YWJj", salt + "=$" + sum, salt + "$" + sum + "=", salt + "$" + strings.Repeat(sum, 3), strings.Repeat(salt, 30) + "$" + sum, salt + "$" + sum[:42] + "d"} {
		bad = append(bad, "$argon2id$v=19$m=65536,t=2,p=1$"+parts)
	}
	for _, cost := range []string{"03", "16", "31", "99", "5 ", "-5", "+5", "005"} {
		bad = append(bad, "$2b$"+cost+"$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
	}
	for _, costs := range []string{"ln=9,r=8,p=1", "ln=21,r=8,p=1", "ln=63,r=8,p=1", "ln=64,r=8,p=1", "ln=14,r=0,p=1", "ln=14,r=8,p=0", "ln=14,r=17,p=1", "ln=14,r=8,p=17", "ln=20,r=16,p=1", "ln=18,r=8,p=16", "r=8,ln=14,p=1", "ln=14"} {
		bad = append(bad, "$scrypt$"+costs+"$"+salt+"$"+sum, strings.Replace(vectors["scrypt of Firebase"].hash, "ln=14,r=8,p=1", costs, 1))
	}
	for _, n := range []string{"0", "1", "999", "5000001", "999999999", "9999999999", "-1", "01000"} {
		bad = append(bad, "$pbkdf2-sha256$i="+n+"$"+salt+"$"+sum, "$pbkdf2-sha256$"+n+"$"+salt+"$"+sum, "pbkdf2_sha256$"+n+"$saltsalt$"+sum+"=")
	}
	bad = append(bad, "pbkdf2_md5$10000$saltsalt$"+sum+"=", "$pbkdf2-sha256$i=10000,l=64$"+salt+"$"+sum, "pbkdf2_sha256$10000$$"+sum+"=",
		"$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9A==$Bw==$jxspr8Ki0RYycVU8zykbdA==x")
	allocated := testing.AllocsPerRun(1, func() {
		for _, text := range bad {
			if h, err := Parse(text); !errors.Is(err, ErrFormat) || h.compare != nil {
				t.Errorf("%.80q: %v", text, err)
			}
		}
	})
	if allocated > float64(40*len(bad)) {
		t.Error("allocations:", allocated)
	}
}

func TestOwnHashes(t *testing.T) {
	p := Least
	text := p.New("password of mine")
	h, err := Parse(text)
	if err != nil || !h.Own() || !h.Compare("password of mine") || h.Compare("password of mind") || h.Weaker(p) {
		t.Fatal(text, err)
	}
	if !strings.HasPrefix(text, "$argon2id$v=19$m=19456,t=2,p=1$") || text == p.New("password of mine") {
		t.Error(text)
	}
	if !h.Weaker(Params{Memory: p.Memory + 1, Passes: 2, Lanes: 1}) || !h.Weaker(Params{Memory: p.Memory, Passes: 3, Lanes: 1}) || h.Weaker(Params{Memory: p.Memory, Passes: 2, Lanes: 1}) {
		t.Error("weaker")
	}
	if nobody, err := Parse(p.Nobody()); err != nil || nobody.Compare("") || nobody.Weaker(p) {
		t.Error(err)
	}
	for _, bad := range []Params{{}, {Memory: 19<<10 - 1, Passes: 2, Lanes: 1}, {Memory: 19 << 10, Passes: 1, Lanes: 1}, {Memory: 19 << 10, Passes: 2}, {Memory: 1 << 30, Passes: 2, Lanes: 1}, {Memory: 256 << 10, Passes: 8, Lanes: 1}} {
		if bad.Valid() {
			t.Errorf("%+v", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range vectors {
		f.Add(v.hash)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := Parse(text)
		if (err == nil) != (h.compare != nil) || (err == nil) != (h.Algorithm != "") {
			t.Errorf("%q: %+v, %v", text, h, err)
		}
	})
}
