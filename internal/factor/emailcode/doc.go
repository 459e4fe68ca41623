// Package emailcode owns the proof that somebody reads an e-mail address: a one-time code
// of six digits and a link, sent by mail.
//
// Flow: Send makes a code for one login in one browser; a new one kills the one before.
// Enter counts the attempt in the database, then compares (I-5). Follow takes the link's
// token instead. A code is used once, in the browser that asked for it.
//
// Entry points: Service.
//
// Never: whose address it is. Known and unknown addresses take the same way (I-23).
package emailcode
