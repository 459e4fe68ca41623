// Package dev owns two pages that help a developer on their own machine: /try, which
// signs in through the real login box and takes the tokens apart, and /dev/mailbox, which
// shows the mails that would have been sent.
//
// Entry points: routes.go. The pages are mounted in development mode only, and answer
// direct calls from this machine only.
//
// Never: anything that production needs, inline script or style, HTML of a mail.
package dev
