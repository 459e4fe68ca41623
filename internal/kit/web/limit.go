package web

import (
	"net/netip"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ratelimit"
)

// Budgets are what each class gives to one client network per minute. They leave room for an
// office behind one address; what guards secrets is counted per target in the database.
var Budgets = map[LimitClass]ratelimit.Rule{
	LimitDocument: {Count: 120_000, Per: time.Minute},
	LimitPage:     {Count: 3000, Per: time.Minute},
	LimitSession:  {Count: 1200, Per: time.Minute},
	LimitLogin:    {Count: 600, Per: time.Minute},
	LimitGuess:    {Count: 120, Per: time.Minute},
	LimitMail:     {Count: 60, Per: time.Minute},
	LimitBadToken: {Count: 300, Per: time.Minute},
}

type budgets struct{ limiter *ratelimit.Limiter }

// NewLimiter gives the budgets, each times scale.
func NewLimiter(c clock.Clock, scale float64) Limiter {
	rules := make([]ratelimit.Rule, LimitClasses)
	for class, rule := range Budgets {
		rules[class] = rule
	}
	return budgets{ratelimit.New(c, rules, scale)}
}

func (b budgets) Allow(class LimitClass, client netip.Addr) (time.Duration, bool) {
	return b.limiter.Allow(int(class), client)
}
