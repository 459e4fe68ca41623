// A single-page application with nothing in it but the browser SDK, for the tests that drive the SDK by hand.

import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { closeServer } from './net.mjs';

/** The published SDK of before 2.6, whose calls differ in places. */
export const older = 'authress-login-2-5';

/** What a page loads of a published SDK, as it is in the package. */
const script = sdk => readFileSync(new URL(`../node_modules/${sdk}/dist/authress.min.js`, import.meta.url));

const page = (admitUrl, applicationId) => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Application</title>
<link rel="icon" href="data:,"><h1>Application</h1><script src="/sdk.js"></script><script>
const { LoginClient } = window.Authress || window.authress; // the name changed with 2.6
window.login = new LoginClient({ authressApiUrl: ${JSON.stringify(admitUrl)}, applicationId: ${JSON.stringify(applicationId)}, skipBackgroundCredentialsCheck: true });
</script>`;

/** A request handler that serves the application on every path. */
export function application(admitUrl, applicationId = 'app_default', sdk = '@authress/login') {
  const source = script(sdk);
  return (request, response) => {
    const wanted = request.url === '/sdk.js';
    response.writeHead(200, { 'Content-Type': wanted ? 'text/javascript' : 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
    response.end(wanted ? source : page(admitUrl, applicationId));
  };
}

/** The same on a free port over plain HTTP, for localhost. */
export async function startApplication(admitUrl, applicationId, sdk) {
  const server = createServer(application(admitUrl, applicationId, sdk));
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  return { port, origin: `http://localhost:${port}`, twin: `http://127.0.0.1:${port}`, stop: () => closeServer(server) };
}
