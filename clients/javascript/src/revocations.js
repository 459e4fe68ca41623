import { VerifyError } from './errors.js';
import { encode, open } from './jws.js';
import { Keys, get } from './keys.js';
import { checkIssuer } from './verifier.js';

const wait = 20; // seconds for which the issuer may wait for something to tell
const firstPause = 100; // after a failure; each that follows at once doubles it, up to a second
const lastPause = 1000;
const maxEnded = 1 << 20;

const unavailable = (message, cause) => new VerifyError('revocationsUnavailable', message, cause && { cause });

/**
 * Follows what an issuer tells of ended sessions, people, grants and tokens, and of keys that it has withdrawn, so that
 * they bite within a moment although tokens are verified here. `start` keeps it up to date until `stop`.
 */
export class Revocations {
  #keys;
  #fetch;
  #now;
  #staleness;
  #failOpen;
  #ended = new Map();
  #cursor = '';
  #heard = -Infinity;
  #swept = -Infinity;
  #running = null;

  constructor({ issuer, staleness = 60, failOpen = false, fetch: doFetch = fetch, now = Date.now }) {
    checkIssuer(issuer);
    if (!(staleness > 0)) throw new TypeError('staleness is a number of seconds');
    this.issuer = issuer;
    this.#staleness = staleness * 1000;
    this.#failOpen = failOpen;
    this.#fetch = doFetch;
    this.#now = now;
    this.#keys = new Keys(`${issuer}/.well-known/jwks.json`, doFetch, now, firstPause);
  }

  /** Begins to follow. Resolves when the first answer is there, and when the first question failed. */
  start() {
    if (!this.#running) {
      const running = { stopped: false };
      this.#running = running;
      running.first = this.#run(running);
    }
    return this.#running.first;
  }

  stop() {
    if (this.#running) this.#running.stopped = true;
    this.#running = null;
  }

  async #run(running) {
    const once = last => this.follow().then(() => 0, () => Math.min(2 * last || firstPause, lastPause));
    const pause = await once(0);
    (async () => {
      for (let ms = pause; !running.stopped; ms = await once(ms)) {
        if (ms) await new Promise(done => { setTimeout(done, ms).unref?.(); });
      }
    })();
  }

  /** Asks once, waiting until there is something to tell, and takes in the answer. */
  async follow() {
    const since = this.#cursor;
    const query = new URLSearchParams({ since });
    if (this.#heard > -Infinity) query.set('wait', String(wait));
    let claims;
    try {
      const text = new TextDecoder().decode(await get(`${this.issuer}/.well-known/revocations?${query}`, this.#fetch, (wait + 10) * 1000));
      ({ claims } = await open(text, this.#keys, 'revocations+jwt', async kid => {
        if (await this.#told('kid', kid)) throw new VerifyError('revoked', 'the answer is signed by a withdrawn key');
      }));
    } catch (cause) {
      throw unavailable('the issuer does not tell what was revoked', cause);
    }
    if (claims.iss !== this.issuer || claims.since !== since || !Array.isArray(claims.ended) || typeof claims.cursor !== 'string' || !Number.isFinite(claims.iat)) {
      throw unavailable('the answer is to another question');
    }
    for (const { k, h, at, until } of claims.ended) {
      if (typeof k !== 'string' || typeof h !== 'string' || !Number.isFinite(at) || !Number.isFinite(until)) throw unavailable('an ending cannot be read');
      const name = `${k} ${h}`;
      const old = this.#ended.get(name);
      if (!old && this.#ended.size >= maxEnded) {
        this.#heard = -Infinity;
        throw unavailable('it is more than fits here');
      }
      this.#ended.set(name, { at: Math.max(at, old?.at ?? at), until: Math.max(until, old?.until ?? until) });
    }
    this.#cursor = claims.cursor;
    // What was known when the answer was given is known until its iat, and no longer.
    if (!claims.more) this.#heard = Math.min(this.#now(), claims.iat * 1000);
    this.#sweep();
  }

  async #told(kind, name) {
    return this.#ended.get(`${kind} ${await this.#hash(kind, name)}`);
  }

  /** Throws when what the claims are of has ended, or the key that has signed them, or when what is known of that is too old. */
  async check(c, kid) {
    const ended = (kind, name) => this.#told(kind, name);
    const cut = async (kind, name) => {
      const e = await ended(kind, name);
      return e && (c.iat ?? 0) <= e.at;
    };
    const questions = [cut('sub', c.sub), cut('sub', '*')];
    if (kid) questions.push(ended('kid', kid));
    if (c.sid) questions.push(ended('sid', c.sid));
    if (c.jti) questions.push(ended('jti', `${c.sub} ${c.jti}`));
    if (c.gid) questions.push(ended('gid', c.gid), ended('gid', c.jti ?? ''));
    if (c.client_id) questions.push(cut('client', c.client_id));
    if (c.client_id && c.sid) questions.push(cut('client', `${c.client_id} ${c.sid}`));
    if ((await Promise.all(questions)).some(Boolean)) throw new VerifyError('revoked', 'the token was revoked');
    if (!this.#failOpen && this.#now() - this.#heard > this.#staleness) throw unavailable('the issuer has not told lately what was revoked');
  }

  async #hash(kind, name) {
    const text = new TextEncoder().encode(['admit/revocations', this.issuer, kind, name].join('\0'));
    return encode(new Uint8Array(await crypto.subtle.digest('SHA-256', text)).slice(0, 16));
  }

  /** Forgets, once an hour, what no token can be of any more. */
  #sweep() {
    const now = this.#now();
    if (now - this.#swept < 3600_000) return;
    this.#swept = now;
    for (const [name, e] of this.#ended) if (now / 1000 > e.until + 10) this.#ended.delete(name);
  }
}
