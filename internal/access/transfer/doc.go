// Package transfer owns what comes from other systems and goes to them: how the models of OpenFGA and
// Casbin, tables, and Admit's own export become roles, groups, records and resource configurations.
//
// Owns: the mapping, and the report of what has no place in it. It is pure: what to write is a Plan;
// whoever has a deployment writes it.
//
// Entry points: OpenFGA, Casbin, CSV and Admit read a source into a Plan; Line writes the export.
//
// Never: a grant that is wider than the source's. What cannot be said exactly is left out and
// reported, with its line and the reason. The same source always gives the same Plan, with the same ids.
package transfer
