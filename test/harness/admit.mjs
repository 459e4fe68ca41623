// A running Admit server for one suite: its own ports, data folder and database.

import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import sdk from '@authress/sdk';
import { binary } from './binary.mjs';
import { freshDatabase } from './database.mjs';
import { Log } from './log.mjs';
import { http } from './http.mjs';
import { eventually, freePort, temporaryFolder } from './net.mjs';

const run = promisify(execFile);

/**
 * Starts a server with an empty database and waits until it is ready.
 *
 *   database   'sqlite' or 'postgres'
 *   dev        development mode (default); otherwise pass smtp
 *   publicUrl  default http://localhost:PORT
 *   smtp       an SMTP sink (harness/smtp.mjs)
 *   env        further settings, by their environment names
 *   testClock  the binary whose clock can be moved
 */
export async function startAdmit({ database = 'sqlite', dev = true, publicUrl, smtp, env = {}, testClock = false } = {}) {
  const folder = await temporaryFolder();
  const store = await freshDatabase(database, folder.path);
  const port = await freePort();
  const server = new Admit({ folder, store, port, dev, testClock, publicUrl: publicUrl || `http://localhost:${port}`, env: {
    ...(smtp ? { ADMIT_SMTP_URL: `${smtp.url}?from=no-reply@example.com` } : {}), ...env
  } });
  await server.start();
  return server;
}

class Admit {
  log = new Log();

  constructor({ folder, store, port, dev, testClock, publicUrl, env }) {
    Object.assign(this, { folder, store, port, dev, testClock, url: publicUrl, local: `http://127.0.0.1:${port}` });
    this.env = {
      PATH: process.env.PATH, HOME: folder.path,
      ADMIT_LISTEN: `127.0.0.1:${port}`, ADMIT_PUBLIC_URL: publicUrl, ADMIT_DATABASE: store.url, ADMIT_DATA_DIR: folder.path,
      ADMIT_MASTER_KEY: this.log.secret('master key', randomBytes(32).toString('base64')),
      // Everybody in these tests comes from one address, and faster than people do.
      ADMIT_RATE_LIMIT_SCALE: '20',
      // Two browsers on two processors can leave a server without one for a while, and then it answers 503, as it should.
      ADMIT_STALE_AFTER: '1m', ...env
    };
  }

  /** A second node on the same database, behind the same public URL; harness/http.mjs reaches it by its port. */
  async node() {
    const { folder, dev, testClock, url } = this;
    const port = await freePort();
    const node = new Admit({ folder, store: { ...this.store, remove: async () => {} }, port, dev, testClock, publicUrl: url, env: { ...this.env, ADMIT_LISTEN: `127.0.0.1:${port}` } });
    node.borrowed = true;
    await node.start();
    return node;
  }

  /** Starts the process; `env` is added for this start only. */
  async start(env = {}) {
    const child = spawn(binary({ testClock: this.testClock }), ['serve', ...(this.dev ? ['--dev'] : [])], { env: { ...this.env, ...env }, cwd: this.folder.path });
    this.child = child;
    this.exited = new Promise(resolve => child.once('exit', code => { child.done = true; resolve(code); }));
    this.log.attach(child);
    await eventually('the server is ready', async () => {
      if (child.done) { return true; }
      return (await http(this, 'GET', '/readyz')).status === 200;
    }).catch(error => {
      throw new Error(`the server did not become ready:\n${this.log.text}`, { cause: error });
    });
    if (child.done) { throw new Error(`the server ended at its start:\n${this.log.text}`); }
  }

  async halt() {
    this.child.kill('SIGTERM');
    return this.exited;
  }

  /** Stops the process and starts it again on the same data, e.g. with another clock. */
  async restart(env = {}) {
    await this.halt();
    await this.start(env);
  }

  /** Stops the server, removes its data, and fails when the log holds what it must not. */
  async stop() {
    const code = this.child?.done ? this.child.exitCode : await this.halt();
    await this.store.remove();
    if (!this.borrowed) { await this.folder.remove(); }
    const wrong = this.log.violations();
    if (code !== 0) { wrong.push(`the server ended with ${code}`); }
    if (wrong.length) { throw new Error(`the server's log:\n${wrong.join('\n')}\n\n${this.log.err.slice(-4000)}`); }
  }

  /** Runs a subcommand against the same data and answers what it printed. */
  async command(...args) {
    const { stdout } = await run(binary({ testClock: this.testClock }), args, { env: this.env, cwd: this.folder.path });
    return stdout;
  }

  /** A fresh access key, as the command line prints it. */
  async accessKey(client = 'tests', { admin = true } = {}) {
    const key = (await this.command('access-key', 'create', '--client', client, ...(admin ? ['--admin'] : []))).trim();
    this.log.secret('access key', key.split('.')[3]);
    // The command wrote to the database; the server hears of it a moment later.
    await eventually('the server knows the new access key', async () => (await http(this, 'GET', '/v1/roles', { token: key })).status !== 401, { every: 20 });
    return key;
  }

  /** The unmodified SDK with a fresh administrator's key. */
  async administrator() {
    this.admin ??= this.sdk(await this.accessKey('administrator'));
    return this.admin;
  }

  /** The unmodified SDK; `key` is an access key, or a function that answers a token. */
  sdk(key) {
    return new sdk.AuthressClient({ authressApiUrl: this.url }, key);
  }
}

/** Settles to the error that `promise` rejects with, and fails when it does not. */
export async function rejection(promise) {
  const value = await promise.then(answer => ({ answer }), error => ({ error }));
  if ('answer' in value) { throw new Error(`expected a refusal, got ${JSON.stringify(value.answer?.status ?? value.answer)}`); }
  return value.error;
}

/** Wraps a hook: the SDK rejects with plain objects, which the test runner cannot show. */
export const told = hook => async () => {
  try {
    await hook();
  } catch (error) {
    throw error instanceof Error ? error : new Error(JSON.stringify({ url: error?.url, status: error?.status, data: error?.data }));
  }
};
