// The quickstart of examples/, run as a newcomer runs it, on free ports.

import { spawn } from 'node:child_process';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repository } from './binary.mjs';
import { eventually, freePort } from './net.mjs';

const run = promisify(execFile);
const folder = join(repository, 'examples/quickstart');

/** Starts the page and both APIs against a server. `accessKey` is the key of the APIs. */
export async function startQuickstart(server, accessKey) {
  const [web, node, go] = [await freePort(), await freePort(), await freePort()];
  const env = {
    ...process.env, ADMIT_URL: server.url, ADMIT_ACCESS_KEY: accessKey,
    WEB_PORT: String(web), NODE_API_PORT: String(node), GO_API_PORT: String(go)
  };
  const child = spawn(process.execPath, ['start.mjs'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', text => { output += text; });
  child.stderr.on('data', text => { output += text; });
  const exited = new Promise(resolve => child.once('exit', resolve));
  const hasGo = existsSync(join(folder, 'go-api'));
  const expected = [[web, '/', 200], [node, '/api/accounts', 401], ...(hasGo ? [[go, '/api/accounts', 401]] : [])];
  try {
    for (const [port, path, status] of expected) {
      await eventually(`the quickstart on port ${port}`, async () => (await fetch(`http://127.0.0.1:${port}${path}`)).status === status);
    }
  } catch (error) {
    child.kill('SIGTERM');
    throw new Error(`the quickstart did not start:\n${output}`, { cause: error });
  }
  return {
    origin: `http://localhost:${web}`, hasGo,
    apis: { node: `http://127.0.0.1:${node}`, ...(hasGo ? { go: `http://127.0.0.1:${go}` } : {}) },
    /** Runs grant.mjs or revoke.mjs, and answers what it said. */
    operate: async (script, userId) => (await run(process.execPath, [`${script}.mjs`, userId], { cwd: folder, env })).stdout,
    stop: async () => { child.kill('SIGTERM'); await exited; }
  };
}
