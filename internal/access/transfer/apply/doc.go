// Package apply owns how permissions that were read from another system are written, and how an account's
// are exported.
//
// Flow: Import compares every role, group, record and resource configuration of a transfer.Plan with what is
// there, and writes what is not, many in one unit of work, through the verbs of access and
// access/claim: the actor must be able to give it, and every write is audited.
//
// Entry points: Service.Import and Service.Export.
//
// Never: something replaced that no import with the same label made, or adopted that has admins of its own,
// unless it was asked for.
package apply
