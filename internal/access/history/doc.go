// Package history owns the answers that are read from the database instead of memory: why
// somebody may do something, who may, and what was so at an earlier time.
//
// Owns: the reading of versions (every state of every record, role, group and resource
// configuration, with the time in which it was in force), explanations, and lists of subjects.
//
// Flow: Service judges the caller, reads the versions that can matter for the question at the
// asked time, puts them into a small index with the same editor as the engine's, and asks the
// same pure check of it. There is no second way to decide.
//
// Entry points: Check, Explain, Subjects and ResourceUsers of Service.
//
// Never: an answer about the future, or about a time before the history begins. The name of a
// record or group is told only to who may read it.
package history
