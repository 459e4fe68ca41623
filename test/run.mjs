// Runs the suites: node run.mjs [compat] [conformance] [e2e] [-- options of node --test]
//
//   ADMIT_BIN, ADMIT_BIN_TESTCLOCK   server binaries, without and with the build tag testclock; built from this tree when unset
//   ADMIT_TEST_POSTGRES              postgres:// URL of a server on which databases may be made; unset: SQLite only
//   ADMIT_TEST_DATABASES             sqlite, postgres, or both with a comma
//   SLOW                             MS[,RATE]: how long each request of a page waits at most, and how much slower the page itself is
//   CHROMIUM                         path of the browser, /usr/bin/chromium by default
//   CHROMIUM_SHELL                   path of its engine alone, /usr/bin/chromium-headless-shell by default; without it, the browser

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { check } from './conformance/document.mjs';
import { build, repository } from './harness/binary.mjs';

const [mine, passed] = process.argv.includes('--')
  ? [process.argv.slice(2, process.argv.indexOf('--')), process.argv.slice(process.argv.indexOf('--') + 1)]
  : [process.argv.slice(2), []];
const suites = mine.length ? mine : ['compat', 'conformance', 'e2e'];
const here = fileURLToPath(new URL('.', import.meta.url));

const browsers = suites.includes('e2e') || suites.includes('conformance');
if (browsers && !existsSync(process.env.CHROMIUM || '/usr/bin/chromium')) {
  console.error('The browser tests need Chromium: apt-get install chromium, or set CHROMIUM to its path.');
  process.exit(2);
}
if (suites.includes('e2e') && !existsSync(`${repository}examples/quickstart/node_modules`)) {
  console.error('The browser tests run the quickstart: npm ci in examples/quickstart first.');
  process.exit(2);
}

const env = {
  ...process.env,
  ADMIT_BIN: process.env.ADMIT_BIN || build(),
  ADMIT_BIN_TESTCLOCK: process.env.ADMIT_BIN_TESTCLOCK || build({ testClock: true })
};
const files = suites.flatMap(suite => readdirSync(`${here}${suite}`).filter(name => name.endsWith('.test.mjs')).map(name => `${suite}/${name}`));
// What passed goes into docs/reference/conformance.md, which must say the same.
const report = `${here}artifacts/conformance.jsonl`;
mkdirSync(`${here}artifacts`, { recursive: true });
const reporters = ['--test-reporter=spec', '--test-reporter-destination=stdout',
  ...(suites.includes('conformance') ? [`--test-reporter=${here}conformance/report.mjs`, `--test-reporter-destination=${report}`] : [])];
const { status } = spawnSync(process.execPath, ['--test', ...reporters, '--test-concurrency=3', '--test-timeout=900000', ...passed, ...files], { cwd: here, env, stdio: 'inherit' });
if (status === 0 && suites.includes('conformance') && !passed.length) { await check(report); }
process.exit(status ?? 1);
