// Package egress owns the one HTTP client that talks to hosts which a customer named:
// identity providers, key sets, webhooks (I-20). Whatever such a host does, and wherever its
// name points, it cannot reach into the network of the deployment and cannot hold back
// requests to other hosts:
//
//   - https only, certificates verified, no way to switch that off. Plain http is for
//     loopback addresses that an allowed prefix names, that is for development.
//   - The address is judged when the connection is made, on the address that was chosen, so
//     a name that changes its answer gains nothing.
//   - No redirects, no cookies, no proxy from the environment, no transparent decompression.
//   - 10 s for a whole exchange, 1 MiB of body, 64 KiB of header.
//   - A bound on exchanges at once and a breaker, both per host.
package egress
