// Where the server binary comes from: ADMIT_BIN, or a build of this source tree.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { resolve } from 'node:path';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const repository = root;

const built = name => fileURLToPath(new URL(`../.bin/${name}`, import.meta.url));

/** Paths of the binaries. run.mjs sets both variables before any test starts; a single file run by hand builds when asked. */
export function binary({ testClock = false } = {}) {
  const given = process.env[testClock ? 'ADMIT_BIN_TESTCLOCK' : 'ADMIT_BIN'];
  return given ? resolve(root, given) : build({ testClock });
}

/** Builds the server, with the test clock or without, and answers its path. */
export function build({ testClock = false } = {}) {
  const path = built(testClock ? 'admit-testclock' : 'admit');
  const tags = testClock ? ['-tags', 'testclock'] : [];
  execFileSync('go', ['build', ...tags, '-o', path, './cmd/admit'], { cwd: root, stdio: 'inherit', env: { ...process.env, CGO_ENABLED: '0' } });
  return path;
}
