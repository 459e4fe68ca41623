package user

import (
	"context"
	"regexp"
	"strings"

	"github.com/admit-id/admit/internal/kit/actor"
	"github.com/admit-id/admit/internal/kit/event"
	"github.com/admit-id/admit/internal/kit/fault"
	"github.com/admit-id/admit/internal/kit/ident"
	"github.com/admit-id/admit/internal/kit/tx"
)

// MaxNamedID is how long an id may be that somebody else chose, in bytes.
const MaxNamedID = 64

// ownPrefix begins the ids that this package makes. One that is not there was never given
// out or is gone; either way nobody may choose it.
const ownPrefix = "usr_"

// notPeople begin the ids of subjects that are no people of an account: service clients,
// extensions, and whom a linked issuer names. Case does not matter, so that none can look like one.
var notPeople = []string{"sc_", "ext_", foreignPrefix}

const foreignPrefix = "iss_"

// foreignForm is issuer.Issuer's form of the ids of its people.
var foreignForm = regexp.MustCompile(`^iss_[0-9a-z]{16}\|[a-zA-Z0-9+._|~:@-]{1,107}$`)

// Own tells whether an id is one that this package made. Whoever has another one can be signed in under it by
// who chose it.
func Own(id ident.UserID) bool { return strings.HasPrefix(string(id), ownPrefix) }

// Foreign tells whether an id is of the form that people of linked issuers have. Nothing is kept of
// them but what names them.
func Foreign(id ident.UserID) bool { return foreignForm.MatchString(string(id)) }

// ErrUnusable is every reason why nobody may be signed in under an id; a fault of kind Forbidden.
var ErrUnusable = fault.New(fault.Forbidden, fault.CodeForbidden, "This user id cannot be used.")

// SignInAs returns the person with exactly this id in the actor's account, and makes one
// with it when there is none, inside the caller's unit of work. It is for a caller that may
// sign in as anyone; via names the caller's connection in the audit trail. The profile is
// taken over. It fails with Forbidden for an id that nobody may have: of a person who was
// deleted (I-13), of a service client, or of a form that cannot be used.
func (s *Service) SignInAs(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, via ident.ConnectionID, p Profile) (u User, created bool, err error) {
	if !Usable(id) {
		return User{}, false, ErrUnusable
	}
	p = p.clean()
	u, err = s.store.Get(ctx, t, by.Account, id)
	if fault.Is(err, fault.NotFound) {
		if u, created, err = s.createNamed(ctx, t, by, id, via, p); created && err == nil {
			return u, true, t.Emit(ctx, event.New(by, EventCreated, string(id), "connection", string(via)))
		}
	}
	switch {
	case fault.Is(err, fault.NotFound):
		return User{}, false, ErrUnusable
	case err != nil:
		return User{}, false, fault.Wrap("user.SignInAs", err)
	}
	// Writing holds off a removal of the person until their session is there to be ended, and
	// finds one that was faster.
	if err = s.store.Update(ctx, t, u); err == nil {
		err = s.renew(ctx, t, by, &u, Key{Connection: via}, p)
	}
	if fault.Is(err, fault.NotFound) {
		return User{}, false, ErrUnusable
	}
	return u, false, fault.Wrap("user.SignInAs", err)
}

// createNamed makes a person with an id that nobody ever had. When another unit of work was
// faster, it returns that one's person; NotFound when the id is taken for good.
func (s *Service) createNamed(ctx context.Context, t tx.Tx, by actor.Actor, id ident.UserID, via ident.ConnectionID, p Profile) (User, bool, error) {
	if strings.HasPrefix(strings.ToLower(string(id)), ownPrefix) {
		return User{}, false, ErrUnusable
	}
	u := User{Account: by.Account, ID: id, CreatedAt: t.Now(), UpdatedAt: t.Now()}
	u.apply(p, Key{Connection: via})
	free, err := s.store.Insert(ctx, t, u)
	if err != nil || free {
		return u, free, err
	}
	u, err = s.store.Get(ctx, t, by.Account, id)
	return u, false, err
}

// Usable tells whether an id that somebody else chose has a form that access records, paths
// and logs can carry as it is, and is none of a subject that is no person.
func Usable(id ident.UserID) bool {
	text := string(id)
	if text == "" || len(text) > MaxNamedID {
		return false
	}
	for _, prefix := range notPeople {
		if strings.HasPrefix(strings.ToLower(text), prefix) {
			return false
		}
	}
	for i := range len(text) {
		c := text[i]
		if ('a' > c || c > 'z') && ('A' > c || c > 'Z') && ('0' > c || c > '9') && !strings.ContainsRune("+._|/~:@-", rune(c)) {
			return false
		}
	}
	return true
}
