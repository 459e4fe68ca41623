// A TLS front for several host names on one port, as a proxy in front of Admit and of applications would be.
// One port for all, because the browser SDK compares host names together with their ports.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { request as forward } from 'node:http';
import { join } from 'node:path';
import { closeServer, freePort, temporaryFolder } from './net.mjs';

/**
 * Starts the front. `sites` maps a host name to a port of 127.0.0.1 or to a request handler, and may be filled later.
 * Answers {port, sites, origin(host), certificate, stop}.
 */
export async function startFront(sites = {}) {
  const folder = await temporaryFolder();
  const [key, certificate] = ['key.pem', 'certificate.pem'].map(name => join(folder.path, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=example.test',
    '-addext', 'subjectAltName=DNS:*.example.test,DNS:*.other.test,DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', certificate], { stdio: 'ignore' });
  const port = await freePort();
  const server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) }, (request, response) => {
    const site = sites[(request.headers.host || '').split(':')[0]];
    if (typeof site === 'function') { return site(request, response); }
    if (!site) { return response.writeHead(404).end(); }
    const upstream = forward({
      host: '127.0.0.1', port: site, method: request.method, path: request.url,
      headers: { ...request.headers, 'x-forwarded-for': request.socket.remoteAddress, 'x-forwarded-proto': 'https' }
    }, answer => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => { response.headersSent ? response.destroy() : response.writeHead(502).end(); });
    return request.pipe(upstream);
  });
  await new Promise(resolve => server.listen(port, '127.0.0.1', resolve));
  return {
    port, sites, certificate, origin: host => `https://${host}:${port}`,
    stop: async () => { await closeServer(server); await folder.remove(); }
  };
}
