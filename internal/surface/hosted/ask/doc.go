// Package ask owns the pages that ask a person about a client: whether it may have access, whether a device
// is theirs, whether they want to sign out; and the pages by which the authorization server answers a browser
// itself.
//
// Flow: a page shows who asks, for what, and as whom the person is signed in; its form posts the answer; a
// 303 leads on to where the request is looked at again.
//
// Entry points: surface.go (what it needs, routes), consent.go, device.go, logout.go, provider.go.
//
// Never: decisions (packages oauth/authorize, device, logout), a change of state by GET, but for a sign-out
// that proves where it comes from (I-24).
package ask
