// The databases under test. SQLite always; PostgreSQL when ADMIT_TEST_POSTGRES names a server on which databases may be made.

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const base = process.env.ADMIT_TEST_POSTGRES || '';
const wanted = (process.env.ADMIT_TEST_DATABASES || (base ? 'sqlite,postgres' : 'sqlite')).split(',');

if (wanted.includes('postgres') && !base) {
  throw new Error('ADMIT_TEST_POSTGRES is not set: give it the postgres:// URL of a server on which databases may be made');
}

/** The databases that each scenario runs on. */
export const databases = wanted;

/** Makes an empty database and answers {url, remove}. `folder` is where a SQLite file goes. */
export async function freshDatabase(kind, folder) {
  if (kind === 'sqlite') { return { url: `sqlite:${join(folder, 'admit.db')}`, remove: async () => {} }; }
  const name = `admit_test_${randomBytes(6).toString('hex')}`;
  const sql = statement => run('psql', ['--no-psqlrc', '--quiet', '--dbname', base, '--command', statement]);
  await sql(`CREATE DATABASE ${name}`);
  const url = new URL(base);
  url.pathname = `/${name}`;
  return { url: url.toString(), remove: () => sql(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}
