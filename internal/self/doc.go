// Package self owns what a person may know of themselves: what happened to their account, and everything
// that the account holds about them.
//
// Owns: Act, Export and the parts that it is made of.
//
// Flow: the person's own page asks Activity for pages of acts, newest first, and Export for a download.
//
// Entry points: Service.Activity, Service.Export.
//
// Never: who did it when it was not the person (an administrator's name and address are theirs), secrets,
// changes: those are verbs of the features that own what is changed.
package self
