// Package scenario owns tests of a permission model as a team writes them: a YAML file with roles,
// groups, records and public resources, and questions with the answers that are expected.
//
// Owns: the form of the file, and the answers.
//
// Flow: Read parses the file strictly; Run puts what it says into an index of the engine, asks
// every question there, and explains each answer that is not the expected one with access/history.
//
// Entry points: Read and Scenario.Run.
//
// Never: a database, a file, a clock. An unknown key, a role that nobody defines, a line that is no question are
// errors, since a test that asks nothing would pass.
package scenario
