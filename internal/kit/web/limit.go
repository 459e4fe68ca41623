package web

import (
	"net/netip"
	"time"

	"github.com/admit-id/admit/internal/kit/clock"
	"github.com/admit-id/admit/internal/kit/ratelimit"
)

// Budgets are what each class gives to one client network per minute. They leave room for an
// office behind one address; what guards secrets is counted per target in the database.
var Budgets = map[LimitClass]ratelimit.Rate{
	LimitPage:     {Burst: 3000, Window: time.Minute},
	LimitSession:  {Burst: 1200, Window: time.Minute},
	LimitLogin:    {Burst: 600, Window: time.Minute},
	LimitGuess:    {Burst: 120, Window: time.Minute},
	LimitMail:     {Burst: 60, Window: time.Minute},
	LimitBadToken: {Burst: 300, Window: time.Minute},
}

type budgets struct{ limiter *ratelimit.Limiter }

// NewLimiter gives the budgets, each times scale.
func NewLimiter(c clock.Clock, scale float64) Limiter {
	rates := make([]ratelimit.Rate, LimitClasses)
	for class, rate := range Budgets {
		rates[class] = rate
	}
	return budgets{ratelimit.New(c, rates, scale)}
}

func (b budgets) Allow(class LimitClass, client netip.Addr) (time.Duration, bool) {
	return b.limiter.Allow(int(class), client)
}
