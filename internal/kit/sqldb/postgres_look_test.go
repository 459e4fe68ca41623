package sqldb

import "testing"

func TestOnlyAQueryThatLeavesNothingIsApart(t *testing.T) {
	for query, want := range map[string]bool{
		"SELECT a FROM b WHERE c = $1":                               true,
		"SELECT formed, for_user FROM information WHERE fortune = 1": true,
		"SELECT a FROM b FOR UPDATE":                                 false,
		"SELECT a FROM b\n\tFOR\n\tSHARE":                            false,
		"SELECT a FROM b for update":                                 false,
		"SELECT a FROM b FOR NO KEY UPDATE":                          false,
		"SELECT pg_advisory_xact_lock(1)":                            false,
		"SELECT set_config('a', 'b', true)":                          false,
		"UPDATE a SET b = 1 RETURNING c":                             false,
		"WITH a AS (DELETE FROM b RETURNING c) SELECT c FROM a":      false,
		"INSERT INTO a (b) VALUES (1) RETURNING b":                   false,
	} {
		if leavesNothing(query) != want {
			t.Errorf("%q: %v", query, !want)
		}
	}
}
