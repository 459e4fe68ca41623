package person

import (
	"cmp"
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
	People              int // who were not there, and are now
	// Strangers are the first lines of those who are not there.
	Strangers []int
}

// PasswordIntake says how to import.
type PasswordIntake struct {
	Dry    bool // do the same and undo it
	Create bool // make people who are not there, when they are said to read their address
}

const (
	intakeBatch  = 200
	maxStrangers = 20
)

var errDry = errors.New("nothing is written")

// ImportPasswords gives people of the actor's account the passwords of a file. Whoever has one keeps it, so
// that it can be repeated.
func (f *Features) ImportPasswords(ctx context.Context, by actor.Actor, entries []intake.Entry, how PasswordIntake, progress func(done, total int)) (report PasswordReport, err error) {
	for done := 0; done < len(entries); done += intakeBatch {
		batch, next := entries[done:min(done+intakeBatch, len(entries))], report
		err := f.d.DB.Write(ctx, tx.In(by.Account), func(ctx context.Context, t tx.Tx) error {
			next = report
			for _, e := range batch {
				if err := f.importPassword(ctx, t, by, e, how.Create, &next); err != nil {
					return err
				}
			}
			if how.Dry {
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

func (f *Features) importPassword(ctx context.Context, t tx.Tx, by actor.Actor, e intake.Entry, create bool, r *PasswordReport) error {
	who, err := f.importee(ctx, t, by.Account, e)
	if create && e.Email != "" && e.Verified && errors.Is(err, errStranger) {
		if who, err = f.newcomer(ctx, t, by, e); err == nil {
			r.People++
		}
	}
	if errors.Is(err, errStranger) || errors.Is(err, errAnother) {
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

// errStranger says that the person of an entry is not there, errAnother that the address or the id is somebody else's, or nobody's for good.
var (
	errStranger = errors.New("not there")
	errAnother  = errors.New("another person")
)

// importee is whose an entry is. Where both an address and an id name them, they must be the same person's.
func (f *Features) importee(ctx context.Context, t tx.Tx, account ident.AccountID, e intake.Entry) (who user.User, err error) {
	if e.Email != "" {
		who, err = f.d.Users.Known(ctx, t, account, addressIdentity(string(e.Email)))
	} else {
		who, err = f.d.Users.Find(ctx, t, account, e.User)
	}
	switch {
	case fault.Is(err, fault.NotFound):
		err = errStranger
	case err == nil && e.User != "" && who.ID != e.User:
		err = errAnother
	}
	return who, err
}

// newcomer makes the person of an entry, who signs in with their address from then on. The other system answers for it that
// they read it (LNK-01); an address that somebody can still take back is nobody else's. An id that somebody has, or had, is not given again.
func (f *Features) newcomer(ctx context.Context, t tx.Tx, by actor.Actor, e intake.Entry) (who user.User, err error) {
	if whose, err := f.Links.Reserved(ctx, t, by.Account, string(e.Email)); err != nil || whose != "" {
		return who, cmp.Or(err, errAnother)
	}
	created, identity, profile := false, addressIdentity(string(e.Email)), user.Profile{Email: string(e.Email), EmailVerified: true}
	if e.User == "" {
		who, created, err = f.d.Users.SignIn(ctx, t, by, identity, profile)
	} else {
		who, created, err = f.d.Users.SignUpAs(ctx, t, by, e.User, identity, profile)
	}
	if errors.Is(err, user.ErrUnusable) || err == nil && !created { // another unit of work was faster
		err = errAnother
	}
	return who, err
}

// addressIdentity is the key of the person who has proved that they read an address.
func addressIdentity(address string) user.Identity {
	return user.Identity{Connection: ident.ConnectionID(emailcode.Connection), Issuer: emailcode.Issuer, Subject: address}
}
