package app

import (
	"context"
	"io"

	"github.com/admit-id/admit/internal/access/transfer"
	"github.com/admit-id/admit/internal/access/transfer/apply"
	"github.com/admit-id/admit/internal/app/person"
)

// What the command line knows of imports.
type (
	ImportPlan   = transfer.Plan
	ImportSource = transfer.Source
)

// ReadImport reads the files of another system, in the order that the command line names them. It needs no
// deployment.
func ReadImport(kind, label string, leaves bool, files ...ImportSource) (ImportPlan, error) {
	if err := transfer.ValidLabel(label); err != nil {
		return ImportPlan{}, err
	}
	switch kind {
	case "openfga":
		return transfer.OpenFGA(label, files[0], files[1])
	case "casbin":
		return transfer.Casbin(label, files[0], files[1], leaves)
	case "csv":
		return transfer.CSV(label, files[0])
	}
	return transfer.Admit(label, files[0])
}

// ImportOptions say how to write a plan.
type ImportOptions = apply.Options

// ImportResult counts what was written, or would be.
type ImportResult = apply.Result

func (a *App) transfers() *apply.Service {
	return apply.New(apply.Deps{Runner: a.db, Access: a.f.access, Claims: a.f.claims})
}

// Import writes what a plan says into the chosen account.
func (a *App) Import(ctx context.Context, p *ImportPlan, o ImportOptions) (ImportResult, error) {
	return a.transfers().Import(ctx, a.operator(), p, o)
}

// Export writes the permissions of the chosen account as JSON lines.
func (a *App) Export(ctx context.Context, w io.Writer) error {
	return a.transfers().Export(ctx, a.operator(), w)
}

// ImportPasswords gives people of the chosen account the passwords of a file; how says what else.
func (a *App) ImportPasswords(ctx context.Context, f person.PasswordFile, how person.PasswordIntake, progress func(done, total int)) (person.PasswordReport, error) {
	return a.f.person.ImportPasswords(ctx, a.operator(), f.Entries, how, progress)
}
