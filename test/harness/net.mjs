// Small things about ports, waiting and temporary folders.

import { createServer } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const given = new Set();

/** A port of 127.0.0.1 that is free, and below those that the system gives to whoever asks for any, so that it stays so. */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (given.has(port)) { continue; }
    given.add(port);
    const server = createServer();
    if (await new Promise(resolve => server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true)))) {
      await new Promise(resolve => server.close(resolve));
      return port;
    }
  }
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
