import { VerifyError, malformed } from './errors.js';
import { open } from './jws.js';
import { Keys } from './keys.js';

const leeway = 10; // seconds that the clocks of the issuer and of this machine may be apart
const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Refuses what cannot be an issuer: https (http for this machine only), no slash at the end, no query. */
export function checkIssuer(issuer) {
  const u = new URL(issuer);
  if (u.username || u.password || /[?#]/.test(issuer) || issuer.endsWith('/')) throw new TypeError('the issuer is scheme, host and path only, without a slash at its end');
  if (u.protocol !== 'https:' && !(u.protocol === 'http:' && loopback.has(u.hostname))) throw new TypeError('the issuer must be https; http is for localhost only');
}

/** Verifies access tokens of one issuer. Make one and keep it: it keeps the issuer's keys. */
export class Verifier {
  #issuer;
  #audience;
  #keys;
  #now;
  #revocations;

  constructor({ issuer, audience, revocations, fetch: doFetch = fetch, now = Date.now }) {
    checkIssuer(issuer);
    if (typeof audience !== 'string' || !audience) throw new TypeError('an audience is needed: the account id, or what your applications ask for');
    if (revocations && revocations.issuer !== issuer) throw new TypeError('the revocations are of another issuer');
    this.#issuer = issuer;
    this.#audience = audience;
    this.#revocations = revocations;
    this.#now = now;
    this.#keys = new Keys(`${issuer}/.well-known/openid-configuration/jwks`, doFetch, now);
  }

  /** The claims of a token, the text after "Bearer ". Throws a VerifyError. */
  async verify(token) {
    const { claims, kid } = await open(token, this.#keys, 'at+jwt');
    const audience = [claims.aud].flat();
    const now = this.#now() / 1000;
    if (claims.iss !== this.#issuer) throw new VerifyError('issuer', 'the token has another issuer');
    if (typeof claims.sub !== 'string' || !claims.sub) throw malformed('no sub');
    if (!audience.includes(this.#audience)) throw new VerifyError('audience', 'the token is for another audience');
    for (const name of ['exp', 'nbf', 'iat']) {
      if (name in claims ? !Number.isFinite(claims[name]) : name === 'exp') throw malformed(`no usable ${name}`);
    }
    if (now >= claims.exp + leeway) throw new VerifyError('expired', 'the token has expired');
    if (now + leeway < (claims.nbf ?? 0) || now + leeway < (claims.iat ?? 0)) throw new VerifyError('notYetValid', 'the token is not valid yet');
    if ('cnf' in claims) throw new VerifyError('bound', 'the token is bound to a key or a certificate, which nobody has checked');
    await this.#revocations?.check(claims, kid);
    return claims;
  }
}
