package history

import (
	"github.com/admit-id/admit/internal/access"
	"github.com/admit-id/admit/internal/kit/tx"
)

// Deps is what the Service works with.
type Deps struct {
	Runner tx.Runner
	Store  Store
	Engine *access.Engine // judges who may ask
}

// Service answers from the database.
type Service struct{ d Deps }

// New returns a Service.
func New(d Deps) *Service { return &Service{d: d} }
