// Package device owns the device authorization grant (RFC 8628): a device without a browser asks, a
// person says yes with another one.
//
// Flow: Start makes a device code, which the device keeps, and a user code, which it shows. The
// person types the user code (Enter), signs in, sees who asks (View) and decides (Decide). Meanwhile
// the device asks again and again (Poll); the first time after the yes it takes the authorization,
// once (Take).
//
// Entry points: service.go (the device's side), person.go (the person's side).
//
// Never: an approval by GET, an approval without the person's living session, a code twice. A guess at
// a user code is counted in the database before it is compared (I-5).
package device
