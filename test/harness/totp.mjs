// An authenticator app.

import { createHmac } from 'node:crypto';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** How long a code lasts, in milliseconds. */
export const step = 30_000;

/** A key as people and apps write it (RFC 4648 section 6), without padding. */
export const base32 = bytes => [...bytes].map(b => b.toString(2).padStart(8, '0')).join('').match(/.{5}/g).map(b => letters[parseInt(b, 2)]).join('');

function bytes(text) {
  const bits = [...text.replace(/\s/g, '')].map(letter => letters.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g).map(b => parseInt(b, 2)));
}

/** The six digits that an app shows for a seed (RFC 6238). */
export function totp(seed, at = Date.now()) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / step)));
  const mac = createHmac('sha1', bytes(seed)).update(counter).digest();
  const offset = mac.at(-1) & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** Six digits that are none of the codes of around now. */
export function wrongTotp(seed) {
  const near = [-2, -1, 0, 1, 2].map(steps => totp(seed, Date.now() + steps * step));
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find(code => !near.includes(code));
}
