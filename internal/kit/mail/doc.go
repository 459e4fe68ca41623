// Package mail owns getting a mail out: a durable outbox that is filled in the same
// transaction as the reason for the mail, and a sender that empties it over SMTP with
// back-off. It also owns what an e-mail address is (ParseAddress).
//
// Bodies hold one-time codes, so they are sealed at rest and erased once delivered. In
// development there is no sender; mails stay in the table and are shown at /dev/mailbox.
//
// Never: templates and languages; the caller brings subject, text and HTML.
package mail
