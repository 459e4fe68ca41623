package intake

import (
	"strings"
	"testing"
)

const hash = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"

func TestRead(t *testing.T) {
	lines := `{"email":"Ann@X.example","hash":"` + hash + `"}

{"userId":"u_2","hash":"{SSHA}Gc4/7jHPG8TGr/ec06YtzEmak48BAgME"}
{"userId":"u_3","hash":"{MD5}secret-md5"}
{"userId":"u_4","email":"b@x.example","emailVerified":true,"hash":"` + hash + `"}
{"hash":"` + hash + `"}
{"userId":"u_5","password":"open sesame"}
{"userId":"u_6","hash":"$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"}
[1]
{"email":"no address","hash":"` + hash + `"}
{"userId":"u_7","hash":"` + hash + `"} {}
`
	entries, problems, algorithms, err := Read([]byte(lines))
	if err != nil || len(entries) != 3 || len(problems) != 7 || algorithms["bcrypt"] != 2 || algorithms["ssha"] != 1 {
		t.Fatalf("%d entries, %v, %v, %v", len(entries), problems, algorithms, err)
	}
	if e := entries[2]; e.User != "u_4" || e.Email != "b@x.example" || !e.Verified || entries[0].Verified {
		t.Errorf("%+v", entries)
	}
	if e := entries[0]; e.Email != "ann@x.example" || e.Line != 1 || entries[1].User != "u_2" || entries[1].Line != 3 {
		t.Errorf("%+v", entries)
	}
	for _, p := range problems {
		if strings.Contains(p.String(), "sesame") || strings.Contains(p.String(), "secret-md5") || strings.Contains(p.String(), "$2a") || strings.Contains(p.String(), "\n") {
			t.Error("the report quotes a secret:", p)
		}
	}
	table := "\ufeffhash,email\n\"" + hash + "\",c@x.example\n" + hash + "\n,d@x.example\n" + hash + ",e@x.example\n"
	entries, problems, _, err = Read([]byte(table))
	if err != nil || len(entries) != 2 || len(problems) != 2 || entries[1].Email != "e@x.example" || problems[0].Line != 3 {
		t.Fatal(entries, problems, err)
	}
	table = "emailVerified,hash,email\nTRUE," + hash + ",c@x.example\n," + hash + ",d@x.example\nyes," + hash + ",e@x.example\n"
	entries, problems, _, err = Read([]byte(table))
	if err != nil || len(entries) != 2 || len(problems) != 1 || !entries[0].Verified || entries[1].Verified || problems[0].Line != 4 {
		t.Fatal(entries, problems, err)
	}
	for _, bad := range []string{"", "email\nx@x.example\n", "hash\n" + hash, "hash,email,password\n", "hash,emailVerified\n", "hash,hash,email\n"} {
		if _, _, _, err := Read([]byte(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
