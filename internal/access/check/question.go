package check

// Question is one check: may the action be done to the resource? It is made once and asked
// of every set of grants that bears on it. It lives on the caller's stack.
type Question struct {
	Resource Resource
	Action   Action
	Flag     Flag // all of these flags on one permission
	// During is when: a grant counts if it is in force during all of it. A question about now
	// has At(now); the zero Window asks for always, which only grants without bounds answer.
	During       Window
	resourceHash [maxResourceDeep + 1]uint32
	actionHash   [maxSegments + 1]uint64
}

// Ask prepares a question.
func (q *Question) Ask(r *Resource, a *Action, f Flag) {
	q.AskAbout(r)
	q.AskFor(a, f)
}

// AskFor changes what the question asks of its resource.
func (q *Question) AskFor(a *Action, f Flag) {
	q.Action, q.Flag = *a, f
	for k := range int(a.path.plain) + 1 {
		q.actionHash[k] = hashOf(a.path.prefix(k))
	}
}

// AskAbout changes the resource that the question is about. It is all that Covering needs.
func (q *Question) AskAbout(r *Resource) {
	q.Resource = *r
	for k := range int(q.Resource.path.plain) + 1 {
		q.resourceHash[k] = shortHash(q.Resource.path.prefix(k))
	}
}

// Held tells whether the grants answer the question with yes.
func (h *Holding) Held(q *Question, roles Roles) bool {
	for k := range int(q.Resource.path.plain) + 1 {
		hash := q.resourceHash[k]
		if !h.one.mayHold(hash) {
			continue
		}
		l, i := h.find(hash)
		if l == nil {
			continue
		}
		for ; i < len(l.entries) && l.entries[i].hash == hash; i++ {
			if !l.matches(i, q, k) {
				continue
			}
			if role := roles.at(l.role(i)); role != nil && role.permits(q) {
				return true
			}
		}
	}
	return false
}

// Covers tells whether any of the grants covers the question's resource, whatever its role.
func (h *Holding) Covers(q *Question) bool {
	return h.one.filter != [4]uint64{} && !h.Covering(q, func(Held) bool { return false })
}

// Covering calls yield for every grant that covers the question's resource during the
// question's time, from the top of the hierarchy down, until yield returns false.
func (h *Holding) Covering(q *Question, yield func(Held) bool) bool {
	for k := range int(q.Resource.path.plain) + 1 {
		hash := q.resourceHash[k]
		if !h.one.mayHold(hash) {
			continue
		}
		l, i := h.find(hash)
		if l == nil {
			continue
		}
		for ; i < len(l.entries) && l.entries[i].hash == hash; i++ {
			if l.matches(i, q, k) && !yield(l.held(i)) {
				return false
			}
		}
	}
	return true
}

// matches tells whether an entry, found by the hash of the first k segments, covers the
// question's resource during its time.
func (l *leaf) matches(at int, q *Question, k int) bool {
	e := &l.entries[at]
	text, p := l.fixed(e), &q.Resource.path
	switch {
	case e.shape&starred != 0:
		if !fixedCovers(text, e.shape&below != 0, p) {
			return false
		}
	case e.shape&below != 0 && p.depth() <= k || text != p.prefix(k):
		return false
	}
	return l.inForce(at, q.During)
}
