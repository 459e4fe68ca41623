// Small things about ports, waiting and temporary folders.

import { createServer } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A port that was free a moment ago, on 127.0.0.1. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** How long a test waits for something before it has failed, in milliseconds: never how long that should take. */
export const limit = 60_000;

export const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Asks again and again until the answer is truthy, and returns it; fails with `what` after `timeout` milliseconds. */
export async function eventually(what, ask, { timeout = limit, every = 25 } = {}) {
  const end = Date.now() + timeout;
  let last;
  do {
    try {
      const answer = await ask();
      if (answer) { return answer; }
      last = undefined;
    } catch (error) {
      last = error;
    }
    await pause(every);
  } while (Date.now() < end);
  throw new Error(`${what}: not within ${timeout} ms`, { cause: last });
}

/** A temporary folder and the function that removes it. */
export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'admit-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Closes a node:http(s) server at once, open connections included. */
export async function closeServer(server) {
  server.closeAllConnections?.();
  await new Promise(resolve => server.close(resolve));
}
