//go:build !linux

package password

const canYield = false

func yield() {}
