// Package archtest owns the plan of the house as tests: which folders there are, what may
// import what, how large things may grow, and what may be called where. A change of the plan
// is a change of plan_test.go, with a written decision in docs/decisions.
package archtest
