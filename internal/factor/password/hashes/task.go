package hashes

// Task is one piece of work: to compare with a hash, or to make one. It is all that somebody needs who does the
// work in another process.
type Task struct {
	Hash      string   // to compare with; empty: a new hash is made
	Costs     Params   // of the new hash
	Passwords []string // tried one after the other until one is right; the first is that of a new hash
}

// Done is what became of a Task.
type Done struct {
	Right bool   // one of the passwords is that of the hash
	Hash  string // the new one
}

// Do does the work. What is out of range is refused before anything is computed; the error wraps ErrFormat.
func (t Task) Do() (Done, error) {
	if t.Hash == "" {
		if !t.Costs.Valid() || len(t.Passwords) == 0 {
			return Done{}, wrong("argon2: costs out of range")
		}
		return Done{Hash: t.Costs.New(t.Passwords[0])}, nil
	}
	h, err := Parse(t.Hash)
	if err != nil {
		return Done{}, err
	}
	for _, p := range t.Passwords {
		if h.Compare(p) {
			return Done{Right: true}, nil
		}
	}
	return Done{}, nil
}
