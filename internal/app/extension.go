package app

import (
	"github.com/admit-id/admit/internal/application"
	"github.com/admit-id/admit/internal/application/applicationdb"
	"github.com/admit-id/admit/internal/extension"
	"github.com/admit-id/admit/internal/extension/extensiondb"
	"github.com/admit-id/admit/internal/kit/tx"
)

func newExtensions(db tx.Runner) *extension.Service {
	return extension.New(extension.Deps{
		DB: db, Store: extensiondb.Store{},
		Applications: func(in tx.Runner) extension.Applications { return application.New(in, applicationdb.Store{}) },
		Clients:      func(in tx.Runner) extension.Clients { return newClients(in) },
	})
}
