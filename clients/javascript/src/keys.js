import { VerifyError } from './errors.js';
import { decode, object } from './jws.js';

const refreshAfter = 5 * 60_000; // keys older than this are fetched again, beside the work
const staleAfter = 24 * 3600_000; // keys older than this are no longer used
const refetchAfter = 60_000; // between fetches that an unknown kid or a failure asks for
const firstRetry = 1000; // the first wait after a failure while there are no keys
const fetchTime = 10_000;
const maxBytes = 256 << 10;
const maxKeys = 256;

/** The text behind a URL, within bounds of time and size, without following redirects. */
export async function get(url, doFetch, time = fetchTime) {
  const response = await doFetch(url, { redirect: 'error', credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(time) });
  if (response.status !== 200) throw new Error(`${new URL(url).pathname} answers ${response.status}`);
  const chunks = [];
  let size = 0;
  for await (const chunk of response.body) {
    if ((size += chunk.length) > maxBytes) throw new Error(`${new URL(url).pathname} is too large`);
    chunks.push(chunk);
  }
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) { all.set(chunk, at); at += chunk.length; }
  return all;
}

/**
 * An issuer's key set. A known key never waits for the network; an unknown one starts a fetch at most once a
 * minute, whoever sends it and however often. All callers share one fetch.
 */
export class Keys {
  #url;
  #fetch;
  #now;
  #keys = new Map();
  #fetched = -Infinity;
  #tried = -Infinity;
  #failures = 0;
  #flight = null;
  #refetchAfter;

  /** `refetch` may be shorter where strangers cannot choose the kid. */
  constructor(url, doFetch, now, refetch = refetchAfter) {
    this.#url = url;
    this.#fetch = doFetch;
    this.#now = now;
    this.#refetchAfter = refetch;
  }

  async find(kid) {
    const now = this.#now();
    let key = this.#known(kid, now);
    if (key && now - this.#fetched < refreshAfter) return key;
    if (!this.#flight && this.#due(now)) this.#flight = this.#refresh(now).finally(() => { this.#flight = null; });
    if (key) return key;
    const failed = await this.#flight;
    key = this.#known(kid, this.#now());
    if (key) return key;
    if (this.#now() - this.#fetched < staleAfter) throw new VerifyError('unknownKey', 'the issuer publishes no key of that kid');
    throw new VerifyError('keysUnavailable', "the issuer's keys cannot be had now", { cause: failed ?? undefined });
  }

  #known(kid, now) {
    return now - this.#fetched < staleAfter ? this.#keys.get(kid) : undefined;
  }

  #due(now) {
    const usable = now - this.#fetched < staleAfter;
    const wait = usable ? this.#refetchAfter : Math.min(this.#refetchAfter, firstRetry << Math.min(this.#failures, 6));
    return now - this.#tried >= wait;
  }

  /** Fetches; returns what went wrong, for those who wait. The first fetch that succeeds does not count against the next. */
  async #refresh(now) {
    const first = this.#fetched === -Infinity;
    this.#tried = now;
    try {
      this.#keys = await read(await get(this.#url, this.#fetch));
      this.#fetched = this.#now();
      this.#failures = 0;
      if (first) this.#tried = -Infinity;
      return null;
    } catch (error) {
      this.#failures++;
      return error;
    }
  }
}

/** The Ed25519 keys of a set (RFC 7517, RFC 8037). Keys of other types are passed over; a kid that is there twice spoils the set. */
async function read(bytes) {
  const set = object(bytes);
  if (!Array.isArray(set.keys) || set.keys.length > maxKeys) throw new Error('not a key set');
  const keys = new Map();
  for (const k of set.keys) {
    if (k?.kty !== 'OKP' || k.crv !== 'Ed25519' || (k.use ?? 'sig') !== 'sig' || (k.alg ?? 'EdDSA') !== 'EdDSA') continue;
    if (typeof k.kid !== 'string' || !k.kid || keys.has(k.kid) || 'd' in k || typeof k.x !== 'string' || decode(k.x).length !== 32) throw new Error('a key of the set cannot be used');
    keys.set(k.kid, await crypto.subtle.importKey('jwk', { kty: 'OKP', crv: 'Ed25519', x: k.x }, 'Ed25519', false, ['verify']));
  }
  return keys;
}
