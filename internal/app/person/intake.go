package person

import (
	"context"
	"errors"

	"github.com/admit-id/admit/internal/factor/emailcode"
	"github.com/admit-id/admit/internal/factor/password/intake"
	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
	"github.com/admit-id/admit/internal/user"
)

// PasswordFile is what a file of passwords holds.
type PasswordFile struct {
	Entries    []intake.Entry
	Problems   []intake.Problem
	Algorithms map[string]int
}

// ReadPasswords reads a file. It needs no deployment.
func ReadPasswords(data []byte) (f PasswordFile, err error) {
	f.Entries, f.Problems, f.Algorithms, err = intake.Read(data)
	return f, err
}

// PasswordReport tells what came of an import, or would.
type PasswordReport struct {
	Made, Held, Unknown int
	// Strangers are the first lines of those who are not there.
	Strangers []int
}

const (
	intakeBatch  = 200
	maxStrangers = 20
)

var errDry = errors.New("nothing is written")

// ImportPasswords gives people of the actor's account the passwords of a file. Whoever has one keeps it, so
// that it can be repeated. A dry run does the same and undoes it.
func (f *Features) ImportPasswords(ctx context.Context, by actor.Actor, entries []intake.Entry, dry bool, progress func(done, total int)) (report PasswordReport, err error) {
	for done := 0; done < len(entries); done += intakeBatch {
		batch, next := entries[done:min(done+intakeBatch, len(entries))], report
		err := f.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
			next = report
			for _, e := range batch {
				if err := f.importPassword(ctx, t, by, e, &next); err != nil {
					return err
				}
			}
			if dry {
				return errDry
			}
			return nil
		})
		if err != nil && !errors.Is(err, errDry) {
			return report, err
		}
		report = next
		progress(done+len(batch), len(entries))
	}
	return report, nil
}

func (f *Features) importPassword(ctx context.Context, t tx.Tx, by actor.Actor, e intake.Entry, r *PasswordReport) error {
	var who user.User
	var err error
	if e.User != "" {
		who, err = f.d.Users.Find(ctx, t, by.Account, e.User)
	} else {
		who, err = f.d.Users.Known(ctx, t, by.Account, addressIdentity(string(e.Email)))
	}
	if fault.Is(err, fault.NotFound) {
		r.Unknown++
		if len(r.Strangers) < maxStrangers {
			r.Strangers = append(r.Strangers[:len(r.Strangers):len(r.Strangers)], e.Line)
		}
		return nil
	}
	if err != nil {
		return err
	}
	made, err := f.Passwords.Import(ctx, t, by, who.ID, e.Hash)
	switch {
	case err != nil:
		return err
	case made:
		r.Made++
	default:
		r.Held++
	}
	return nil
}

// addressIdentity is the key of the person who has proved that they read an address.
func addressIdentity(address string) user.Identity {
	return user.Identity{Connection: ident.ConnectionID(emailcode.Connection), Issuer: emailcode.Issuer, Subject: address}
}
