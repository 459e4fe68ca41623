package check

// Overlaps tells whether there is anything that a grant on r and a grant on other both cover. It
// is so when one lies at, above or below the other; stars count for what they stand for.
func (r *Resource) Overlaps(other *Resource) bool { return r.path.overlaps(&other.path) }

// overlaps compares what both spell out. What follows is covered by the shorter one, since a grant covers
// all that is below it.
func (p *path) overlaps(q *path) bool {
	for i := range int(min(p.n, q.n)) {
		if _, ok := segmentMeet(p.segment(i), q.segment(i)); !ok {
			return false
		}
	}
	return true
}
