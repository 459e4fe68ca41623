// The accounts of the little bank: the three of accounts.json, and those that people open while the process runs.

import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';

const seeds = JSON.parse(readFileSync(new URL('../accounts.json', import.meta.url), 'utf8'));
const accounts = new Map(seeds.map(account => [account.id, account]));

export const all = () => [...accounts.values()];
export const find = id => accounts.get(id);

/** Adds an empty account under a fresh id. */
export function open(name) {
  const account = { id: `a${randomBytes(6).toString('hex')}`, name, currency: 'EUR', balance: 0 };
  accounts.set(account.id, account);
  return account;
}

/** Forgets an account that could not be given to its holder. */
export const close = id => accounts.delete(id);
