// Package intake owns the files in which the passwords of another system come: JSON lines or CSV with
// somebody's address or user id and the hash.
package intake

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/admit-id/admit/internal/factor/password"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/mail"
	"github.com/admit-id/admit/internal/kit/secret"
)

// Entry is one person's hash. Email or User names the person, or both do.
type Entry struct {
	Line     int
	Email    mail.Address
	Verified bool // the other system knows that the person reads that address
	User     ident.UserID
	Hash     secret.Text
}

// Problem is a line that cannot be taken over, and why. It never holds the hash.
type Problem struct {
	Line int
	Why  string
}

func (p Problem) String() string { return fmt.Sprintf("line %d: %s", p.Line, p.Why) }

type row struct {
	Email, UserID, Hash string
	EmailVerified       bool
}

// Read reads a file. An error means that it is not of one of the two forms at all.
func Read(data []byte) (entries []Entry, problems []Problem, algorithms map[string]int, err error) {
	algorithms = map[string]int{}
	read := readCSV
	if trimmed := bytes.TrimLeft(data, " \t\r\n\ufeff"); len(trimmed) > 0 && trimmed[0] == '{' {
		read = readJSON
	}
	err = read(data, func(line int, r row, problem error) {
		e, algorithm, err := r.entry(line)
		if err = errors.Join(problem, err); err != nil {
			problems = append(problems, Problem{line, strings.ReplaceAll(err.Error(), "\n", "; ")})
			return
		}
		entries = append(entries, e)
		algorithms[algorithm]++
	})
	return entries, problems, algorithms, err
}

func (r row) entry(line int) (Entry, string, error) {
	e := Entry{Line: line, User: ident.UserID(r.UserID), Hash: secret.New(r.Hash), Verified: r.EmailVerified}
	switch {
	case r.Email == "" && r.UserID == "":
		return Entry{}, "", errors.New("give email, userId, or both")
	case r.Email != "":
		var ok bool
		if e.Email, ok = mail.ParseAddress(r.Email); !ok {
			return Entry{}, "", errors.New("no e-mail address")
		}
	}
	algorithm, err := password.CheckImport(e.Hash)
	return e, algorithm, err
}

func readJSON(data []byte, take func(int, row, error)) error {
	line := 0
	for text := range bytes.Lines(data) {
		line++
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		var r row
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		err := d.Decode(&r)
		if err == nil && d.More() {
			err = errors.New("more than one object")
		}
		if err != nil {
			err = errors.New("no JSON object with email or userId, and hash") // the decoder's text may quote the hash
		}
		take(line, r, err)
	}
	return nil
}

var columns = []string{"email", "userId", "hash", "emailVerified"}

func readCSV(data []byte, take func(int, row, error)) error {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	header, err := r.Read()
	if err != nil {
		return errors.New("the file is neither JSON lines nor CSV with a first row that names its columns: email, userId, hash, emailVerified")
	}
	at := map[string]int{}
	for i, name := range header {
		if !slices.Contains(columns, name) {
			return fmt.Errorf("the column %q is not known; there are email, userId, hash and emailVerified", name)
		}
		at[name] = i
	}
	_, hash := at["hash"]
	_, email := at["email"]
	_, id := at["userId"]
	if !hash || !email && !id || len(at) != len(header) {
		return errors.New("the columns must be hash, and email or userId, each once")
	}
	for {
		fields, err := r.Read()
		if err == io.EOF {
			return nil
		}
		line, _ := r.FieldPos(0)
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			take(parse.Line, row{}, errors.New("not as many columns as in the first row, or a stray quote"))
			continue
		}
		if err != nil {
			return err
		}
		get := func(name string) string {
			if i, ok := at[name]; ok {
				return fields[i]
			}
			return ""
		}
		verified := strings.ToLower(get("emailVerified"))
		if verified != "" && verified != "true" && verified != "false" {
			take(line, row{}, errors.New("emailVerified must be true or false"))
			continue
		}
		take(line, row{Email: get("email"), UserID: get("userId"), Hash: get("hash"), EmailVerified: verified == "true"}, nil)
	}
}
