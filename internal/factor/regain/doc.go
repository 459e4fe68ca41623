// Package regain owns the delayed recovery: the way back in for a person who can still prove a first
// factor, and has lost every second one.
//
// Flow: Request begins to wait, for as long as the policy says, and tells the person everywhere. Anybody
// who is signed in as the person, or reads their mail, can Cancel. When the time has come, and the person
// proves the first factor once more, Finish ends the waiting: whoever subscribes to its event removes what
// was lost and ends the sessions.
//
// Entry points: Service.
//
// Never: shortening. A recovery that waits is ready when it was said to be, whatever policy holds by then.
package regain
