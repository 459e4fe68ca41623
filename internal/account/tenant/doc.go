// Package tenant owns tenants: the customers of an account's customer. A tenant has its own way
// in (a connection), the e-mail domains whose people are its own, the lives of its people's tokens
// and sessions, and its members.
//
// Owns: Tenant, who is a member of which (the table tenant_users(account_id, tenant_id, user_id),
// read by Service.Members and Service.TenantsOf), and the rule that makes a person who signs in a
// member (admit.go).
//
// Flow: Service writes; Directory follows the change feed (kind "tenant") and answers the login
// from memory; Service.Admit is asked in the unit of work that ends a login.
//
// Never: a membership because of an address that nobody vouches for, or because somebody asked
// for the tenant by name; a domain or a lookup identifier that leads to two tenants.
package tenant
