// A single-page application with nothing in it but the browser SDK, for the tests that drive the SDK by hand.

import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { closeServer } from './net.mjs';

const sdk = readFileSync(createRequire(import.meta.url).resolve('@authress/login'));

const page = (admitUrl, applicationId) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Application</title>
<link rel="icon" href="data:,"><h1>Application</h1><script src="/sdk.js"></script><script>
window.login = new Authress.LoginClient({ authressApiUrl: ${JSON.stringify(admitUrl)}, applicationId: ${JSON.stringify(applicationId)}, skipBackgroundCredentialsCheck: true });
</script>`;

/** A request handler that serves the application on every path. */
export function application(admitUrl, applicationId = 'app_default') {
  return (request, response) => {
    const script = request.url === '/sdk.js';
    response.writeHead(200, { 'Content-Type': script ? 'text/javascript' : 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
    response.end(script ? sdk : page(admitUrl, applicationId));
  };
}

/** The same on a free port over plain HTTP, for localhost. */
export async function startApplication(admitUrl, applicationId) {
  const server = createServer(application(admitUrl, applicationId));
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return { port, origin: `http://localhost:${port}`, twin: `http://127.0.0.1:${port}`, stop: () => closeServer(server) };
}
