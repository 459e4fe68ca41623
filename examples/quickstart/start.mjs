// Starts the page, the Node API and the Go API, and stops all three together.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { config, requireAccessKey } from './config.mjs';

requireAccessKey();
const here = fileURLToPath(new URL('.', import.meta.url));
const children = [];
let stopping = false;

function stop(code) {
  if (stopping) { return; }
  stopping = true;
  for (const child of children) { child.kill('SIGTERM'); }
  process.exitCode = code;
}

function run(name, command, args, env = {}) {
  const child = spawn(command, args, { cwd: here, stdio: 'inherit', env: { ...process.env, ...env } });
  child.on('exit', code => {
    if (!stopping) { console.error(`${name} stopped (${code}).`); }
    stop(code || 0);
  });
  children.push(child);
}

process.on('SIGINT', () => stop(0));
process.on('SIGTERM', () => stop(0));

// The Go API is built first, because `go run` does not pass signals on.
if (existsSync(`${here}go-api`)) {
  const build = spawnSync('go', ['build', '-o', '.build/go-api', './go-api'], { cwd: here, stdio: 'inherit' });
  if (build.status === 0) {
    run('go-api', './.build/go-api', [], { ADMIT_URL: config.admitUrl, LISTEN: `127.0.0.1:${config.goPort}` });
  } else {
    console.error('The Go API was not built (is Go installed?). The rest works without it.');
  }
}
run('node-api', process.execPath, ['node-api/server.mjs']);
run('web', process.execPath, ['web/server.mjs']);
