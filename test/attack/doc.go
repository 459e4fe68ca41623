// Package attack attacks a running server from outside, over HTTP and raw sockets, on each
// database. Tests are named after the ids of the project's list of adversarial checks;
// register.yaml says for every id where it is tested, or why it cannot be met yet. An honest
// request is made before and after each attack, because what refuses everybody is no defence.
package attack
