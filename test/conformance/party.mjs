// A client of the tests' own, which says exactly what it is told to: for what a library would never send.

import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { http } from '../harness/http.mjs';
import { callback, half } from './rig.mjs';

export const random = () => randomBytes(32).toString('base64url');
const sha256 = text => createHash('sha256').update(text).digest('base64url');
export const now = () => Math.floor(Date.now() / 1000);
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** One client at one server. `client` is {clientId, clientSecret}; `method` how it proves itself; `key` what it signs with. */
export class Party {
  constructor(rig, client, { method = 'client_secret_basic', key, alg } = {}) {
    Object.assign(this, { rig, client, method, key, alg: alg || key?.alg, issuer: rig.issuer });
  }

  async metadata() {
    this.rig.metadata ??= (await http(this.rig.server, 'GET', '/.well-known/openid-configuration')).json;
    return this.rig.metadata;
  }

  path = async name => {
    const url = (await this.metadata())[name];
    assert.ok(url?.startsWith(`${this.issuer}/`), `discovery names ${name}: ${url}`);
    return url.slice(this.issuer.length);
  };

  /** A POST of a form to an endpoint that discovery names; the client proves itself unless told otherwise. */
  async post(endpoint, form, { headers = {}, proven = true, assertion } = {}) {
    const fields = new URLSearchParams(form);
    if (proven) {
      switch (this.method) {
        case 'none': if (!fields.has('client_id')) { fields.set('client_id', this.client.clientId); } break;
        case 'client_secret_basic': headers = { Authorization: `Basic ${Buffer.from(`${encodeURIComponent(this.client.clientId)}:${encodeURIComponent(this.client.clientSecret)}`).toString('base64')}`, ...headers }; break;
        case 'client_secret_post': fields.set('client_id', this.client.clientId); fields.set('client_secret', this.client.clientSecret); break;
        case 'private_key_jwt':
          fields.set('client_id', fields.get('client_id') ?? this.client.clientId);
          fields.set('client_assertion_type', assertionType);
          fields.set('client_assertion', await this.assertion(assertion));
      }
    }
    const raw = fields.toString();
    return http(this.rig.server, 'POST', await this.path(endpoint), { raw, headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(raw), ...headers } });
  }

  /** A client assertion (RFC 7523); `claims` replace those of a good one, and undefined ones go. */
  assertion({ claims = {}, key = this.key, alg = this.alg } = {}) {
    const all = { iss: this.client.clientId, sub: this.client.clientId, aud: this.issuer, jti: randomUUID(), iat: now(), exp: now() + 60, ...claims };
    return new SignJWT(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))).setProtectedHeader({ alg, kid: key.kid }).sign(key.key);
  }

  /** A request object (RFC 9101) of the parameters. */
  object(params, { claims = {}, key = this.key, alg = this.alg, typ = 'oauth-authz-req+jwt' } = {}) {
    const all = { ...params, iss: this.client.clientId, aud: this.issuer, iat: now(), nbf: now(), exp: now() + 60, jti: randomUUID(), ...claims };
    return new SignJWT(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))).setProtectedHeader({ alg, kid: key.kid, typ }).sign(key.key);
  }

  /** The parameters of a good request, and what belongs to it. */
  request(more = {}) {
    const verifier = random();
    const params = {
      client_id: this.client.clientId, response_type: 'code', redirect_uri: callback, scope: 'openid', state: random(), nonce: random(),
      code_challenge: sha256(verifier), code_challenge_method: 'S256', ...more
    };
    return { verifier, params: Object.fromEntries(Object.entries(params).filter(([, value]) => value !== undefined)) };
  }

  async url(params) { return `${this.issuer}${await this.path('authorization_endpoint')}?${new URLSearchParams(params)}`; }

  /** Pushes parameters and answers the address that a browser is sent to. */
  async pushed(params, options) {
    const answer = await this.post('pushed_authorization_request_endpoint', params, options);
    assert.equal(answer.status, 201, answer.text);
    return this.url({ client_id: this.client.clientId, request_uri: answer.json.request_uri });
  }

  redeem(code, verifier, { form = {}, ...options } = {}) {
    const fields = { grant_type: 'authorization_code', code, redirect_uri: callback, code_verifier: verifier, ...form };
    return this.post('token_endpoint', Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)), options);
  }

  /** The whole way: answers the tokens, the claims of the ID token as jose verifies it, and the answer to the client. */
  async signIn(person, { params: more, method, ...options } = {}) {
    const { params, verifier } = this.request(more);
    const target = method === 'POST' ? [`${this.issuer}${await this.path('authorization_endpoint')}`, { method, fields: params }] : [await this.url(params)];
    const back = await person.authorize(...target);
    return { ...await this.finish(back, { params, verifier }, options), back };
  }

  /** From the answer of the authorization endpoint to verified tokens. */
  async finish(back, { params, verifier }, options) {
    assert.equal(back.params.get('error'), null, `${back.params.get('error')}: ${back.params.get('error_description')}`);
    assert.equal(back.params.get('iss'), this.issuer, 'iss (RFC 9207)');
    assert.equal(back.params.get('state'), params.state ?? null, 'state');
    const code = back.params.get('code');
    const answer = await this.redeem(code, verifier, options);
    assert.equal(answer.status, 200, answer.text);
    this.rig.secret(answer.json);
    const id = answer.json.id_token && await this.verify(answer.json.id_token, { params, code, access: answer.json.access_token });
    return { ...answer.json, id, code, verifier };
  }

  /** Verifies an ID token by OpenID Connect Core section 3.1.3.7, hashes included. */
  async verify(token, { params, code, access }) {
    const keys = createLocalJWKSet((await http(this.rig.server, 'GET', await this.path('jwks_uri'))).json);
    const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: this.issuer, audience: this.client.clientId, requiredClaims: ['sub', 'iat', 'exp'] });
    assert.equal(payload.nonce, params.nonce, 'nonce');
    assert.equal(payload.aud, this.client.clientId, 'one audience');
    if (access) { assert.equal(payload.at_hash, half(protectedHeader.alg, access), 'at_hash'); }
    if (code) { assert.equal(payload.c_hash, half(protectedHeader.alg, code), 'c_hash'); }
    return { ...payload, header: protectedHeader };
  }

  async userinfo(token, { method = 'GET', headers, form } = {}) {
    const raw = form && new URLSearchParams(form).toString();
    return http(this.rig.server, method, await this.path('userinfo_endpoint'), {
      raw, headers: { ...(token ? { Authorization: `Bearer ${token}` } : {}), ...(raw ? { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(raw) } : {}), ...headers }
    });
  }
}

/** A key that proves possession (RFC 9449). */
export async function possession(alg = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return {
    jwk, jkt: await calculateJwkThumbprint(jwk),
    /** A proof for one request; `claims` and `header` replace parts of it. */
    proof: (htm, htu, { token, nonce, claims = {}, header = {}, key = privateKey } = {}) => {
      const all = { htm, htu, jti: randomUUID(), iat: now(), ...(token ? { ath: sha256(token) } : {}), ...(nonce ? { nonce } : {}), ...claims };
      return new SignJWT(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)))
        .setProtectedHeader(Object.fromEntries(Object.entries({ alg, typ: 'dpop+jwt', jwk, ...header }).filter(([, value]) => value !== undefined))).sign(key);
    }
  };
}
