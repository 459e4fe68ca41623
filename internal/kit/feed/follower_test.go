package feed_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/feed"
	"github.com/admit-id/admit/internal/kit/sqldb"
	"github.com/admit-id/admit/internal/kit/sqldb/sqldbtest"
	"github.com/admit-id/admit/internal/kit/tx"
)

var schema = []sqldb.Migration{{ID: "thing/0001", SQL: `CREATE TABLE thing (id TEXT PRIMARY KEY, value BIGINT NOT NULL)`}}

// memory is a subscriber that keeps the table in a map.
type memory struct {
	mu     sync.Mutex
	values map[string]int64
	loads  int
	fail   bool
}

func (m *memory) Load(ctx context.Context, t tx.Tx) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values, m.loads = map[string]int64{}, m.loads+1
	rows, err := sqldb.From(t).Query(ctx, `SELECT id, value FROM thing`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var v int64
		if err := rows.Scan(&id, &v); err != nil {
			return err
		}
		m.values[id] = v
	}
	return rows.Err()
}

func (m *memory) Apply(ctx context.Context, t tx.Tx, changes []feed.Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail {
		return errors.New("cannot apply")
	}
	for _, c := range changes {
		v, err := sqldb.One(ctx, sqldb.From(t), sqldb.Scalar[int64], `SELECT value FROM thing WHERE id = $1`, c.Key)
		if err != nil {
			return err
		}
		m.values[c.Key] = v
	}
	return nil
}

func (m *memory) get(id string) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[id]
}

func set(db *sqldb.DB, id string, v int64) error {
	return db.Write(context.Background(), tx.In("acc_a"), func(ctx context.Context, t tx.Tx) error {
		t.Changed("thing", "acc_a", id)
		_, err := sqldb.From(t).Exec(ctx, `INSERT INTO thing (id, value) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET value = $2`, id, v)
		return err
	})
}

func follow(t *testing.T, db *sqldb.DB, s feed.Subscriber, bound time.Duration) *feed.Follower {
	t.Helper()
	f := feed.NewFollower(db, db, bound)
	f.Subscribe(s, "thing")
	ctx, stop := context.WithCancel(context.Background())
	if err := f.Start(ctx); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { f.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	return f
}

func TestAWriteIsAppliedBeforeItIsAnswered(t *testing.T) {
	sqldbtest.Each(t, schema, func(t *testing.T, db *sqldb.DB, _ *clock.Fake) {
		m := &memory{}
		db.Follow(follow(t, db, m, time.Minute).WaitFor)
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				id := fmt.Sprint(w)
				for v := int64(1); v <= 25; v++ {
					if err := set(db, id, v); err != nil {
						t.Error(err)
					}
					if got := m.get(id); got != v {
						t.Errorf("wrote %d, memory has %d", v, got)
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestAFollowerThatCannotApplyGoesStale(t *testing.T) {
	db, _ := sqldbtest.SQLite(t, schema, nil)
	m := &memory{}
	f := follow(t, db, m, feed.DefaultBound)
	eventually(t, "it to be fresh", f.Fresh)
	m.mu.Lock()
	m.fail = true
	m.mu.Unlock()
	if err := set(db, "x", 1); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it to go stale, because it cannot follow", func() bool { return !f.Fresh() })
	m.mu.Lock()
	m.fail = false
	m.mu.Unlock()
	eventually(t, "it to recover", func() bool { return f.Fresh() && m.get("x") == 1 })
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for", what)
		}
	}
}

func TestAGapLoadsEverythingAgain(t *testing.T) {
	db, clk := sqldbtest.SQLite(t, schema, nil)
	m := &memory{}
	f := feed.NewFollower(db, db, time.Minute)
	f.Subscribe(m, "thing")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if err := f.Start(ctx); err != nil {
		t.Fatal(err)
	}
	for v := range int64(5) {
		if err := set(db, "x", v); err != nil {
			t.Fatal(err)
		}
	}
	clk.Advance(time.Hour)
	if err := db.TrimFeed(ctx, clk.Now()); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { f.Run(ctx); close(done) }()
	if err := f.WaitFor(ctx, 5); err != nil {
		t.Fatal(err)
	}
	if m.get("x") != 4 || m.loads != 2 {
		t.Errorf("value %d after %d loads", m.get("x"), m.loads)
	}
	stop()
	<-done
}

// delayed hands every answer on late, as a node does that was stopped after it came.
type delayed struct {
	feed.Source
	by time.Duration
}

func (d delayed) Since(ctx context.Context, rev int64, limit int) ([]feed.Change, error) {
	changes, err := d.Source.Since(ctx, rev, limit)
	time.Sleep(d.by)
	return changes, err
}

func TestAnAnswerThatIsOldWhenItIsTakenIsNotFresh(t *testing.T) {
	db, _ := sqldbtest.SQLite(t, schema, nil)
	f := feed.NewFollower(delayed{db, 300 * time.Millisecond}, db, 100*time.Millisecond)
	f.Subscribe(&memory{}, "thing")
	ctx, stop := context.WithCancel(context.Background())
	if err := f.Start(ctx); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { f.Run(ctx); close(done) }()
	defer func() { stop(); <-done }()
	time.Sleep(150 * time.Millisecond)
	for end := time.Now().Add(700 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if f.Fresh() {
			t.Fatal("fresh, though what it knows is older than the bound")
		}
	}
}
