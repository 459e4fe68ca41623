//go:build !testclock

package clock

import "time"

func testOffset() time.Duration { return 0 }
func testSkew() time.Duration   { return 0 }
