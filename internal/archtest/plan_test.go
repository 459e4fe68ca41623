package archtest

// features is the plan: each feature with the features that it may import.
var features = map[string][]string{
	"access":        {},
	"account":       {},
	"application":   {},
	"audit":         {},
	"connection":    {},
	"extension":     {"application", "serviceclient"},
	"factor":        {},
	"issuer":        {"connection"},
	"invite":        {"access", "account", "user"},
	"keyring":       {},
	"login":         {"connection", "factor", "session", "user"},
	"oauth":         {"application", "issuer", "login", "serviceclient", "session", "token", "user"},
	"self":          {"audit", "session"},
	"serviceclient": {},
	"session":       {},
	"signal":        {},
	"token":         {"keyring"},
	"user":          {},
}

// later are features of the plan that have no code yet. They move up with their first file.
var later = map[string][]string{
	"vault":   {"connection"},
	"webhook": {},
}

var surfaces = []string{"authzen", "dev", "hosted", "loginapi", "oidc", "ops", "ssf", "v1"}

var kit = []string{
	"actor", "clock", "config", "consistency", "crypt", "cursor", "egress", "event", "fault", "feed", "ident", "jose", "jwks", "mail", "mtls", "obs", "outbox",
	"place", "ratelimit", "secret", "sqldb", "strictjson", "tx", "web",
}

// top are the other folders of internal.
var top = []string{"app", "archtest"}

// outside are the packages below features that talk to the outside and may use net/http.
var outside = map[string]bool{
	"connection/oauth2": true, "connection/oidc": true, "connection/connectiontest": true,
	"oauth/remote": true, "oauth/logout/deliver": true, "signal/deliver": true, "webhook/deliver": true,
}

// localDecision is what the public client takes of the server, so that both decide with one engine
// (docs/decisions/0009).
var localDecision = []string{"internal/access", "internal/access/check", "internal/access/index", "internal/kit/ident"}

// Sizes: beyond soft a note is printed, beyond hard the test fails.
type limit struct{ soft, hard int }

var (
	fileLines        = limit{300, 500}
	functionLines    = limit{60, 120}
	packageLines     = limit{1500, 2500}
	interfaceMethods = limit{5, 9}
	newParameters    = limit{3, 5}
)
