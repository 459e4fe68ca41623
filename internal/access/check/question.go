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
	resourceHash [maxResourceDeep + 1]uint64
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
		q.resourceHash[k] = hashOf(q.Resource.path.prefix(k))
	}
}

// Held tells whether the grants answer the question with yes.
func (h *Holding) Held(q *Question, roles Roles) bool {
	for k := range int(q.Resource.path.plain) + 1 {
		hash := q.resourceHash[k]
		lf := h.leafOf(hash)
		if !lf.mayHold(hash) {
			continue
		}
		entries := lf.entries
		for i := h.search(lf, hash); i < len(entries) && entries[i].hash == hash; i++ {
			e := &entries[i]
			if !lf.matches(e, q, k) || !lf.inForce(i, q.During) {
				continue
			}
			if role := roles.at(e.role); role != nil && role.permits(q) {
				return true
			}
		}
	}
	return false
}

// Covers tells whether any of the grants covers the question's resource, whatever its role.
func (h *Holding) Covers(q *Question) bool {
	if h.many == nil && len(h.one.entries) == 0 {
		return false
	}
	for k := range int(q.Resource.path.plain) + 1 {
		hash := q.resourceHash[k]
		lf := h.leafOf(hash)
		if !lf.mayHold(hash) {
			continue
		}
		for i := h.search(lf, hash); i < len(lf.entries) && lf.entries[i].hash == hash; i++ {
			if lf.matches(&lf.entries[i], q, k) && lf.inForce(i, q.During) {
				return true
			}
		}
	}
	return false
}

// Covering calls yield for every grant that covers the question's resource during the
// question's time, from the top of the hierarchy down, until yield returns false.
func (h *Holding) Covering(q *Question, yield func(Held) bool) bool {
	for k := range int(q.Resource.path.plain) + 1 {
		lf := h.leafOf(q.resourceHash[k])
		entries := lf.entries
		for i := h.search(lf, q.resourceHash[k]); i < len(entries) && entries[i].hash == q.resourceHash[k]; i++ {
			if lf.matches(&entries[i], q, k) && lf.inForce(i, q.During) && !yield(lf.held(i)) {
				return false
			}
		}
	}
	return true
}

// matches tells whether an entry, found by the hash of the first k segments, covers the
// question's resource.
func (l *leaf) matches(e *entry, q *Question, k int) bool {
	text := l.text[e.off : int(e.off)+int(e.size)]
	p := &q.Resource.path
	if e.flags&starred != 0 {
		return fixedCovers(text, e.flags&below != 0, p)
	}
	if e.flags&below != 0 && p.depth() <= k {
		return false
	}
	return text == p.prefix(k)
}
