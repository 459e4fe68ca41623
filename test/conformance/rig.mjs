// What every client under test needs: a server, its OAuth clients, a person who signs in by following pages, and a resource server.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import * as oauth from 'oauth4webapi';
import { startAdmit } from '../harness/admit.mjs';
import { http } from '../harness/http.mjs';
import { closeServer } from '../harness/net.mjs';
import { codeIn, forms, Visitor } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';

/** Where clients without a page of their own come back to. Nobody listens there: the tests read the address. */
export const callback = 'http://localhost:9/callback';
/** The resource that tokens may be asked for. */
export const resource = 'https://api.example.com/';
/** The clients speak to a server on this machine, which has no certificate. */
export const insecure = { [oauth.allowInsecureRequests]: true };

/** Starts a server, and what the tests make its clients with. `more` goes to startAdmit. */
export async function startRig({ database, env = {}, ...more }) {
  const smtp = await startSmtp();
  const server = await startAdmit({ database, dev: false, smtp, env: { ADMIT_INSECURE_EGRESS_ALLOW: '127.0.0.0/8', ...env }, ...more });
  const rig = new Rig(server, smtp);
  rig.token = await (await server.administrator()).httpClient.tokenProvider(server.url);
  return rig;
}

class Rig {
  constructor(server, smtp) { Object.assign(this, { server, smtp, issuer: server.url, origin: new URL(server.url) }); }

  /** A call of the API as administrator. */
  async api(method, path, body, expected = [200, 201]) {
    const answer = await http(this.server, method, path, { token: this.token, body });
    assert.ok(expected.includes(answer.status), `${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json;
  }

  /** Registers an application. Answers {clientId, clientSecret}; the secret is there for the methods that have one. */
  async client(settings = {}, { name = 'Conformance', redirectUrls = [callback] } = {}) {
    const oauthSettings = { scopes: ['openid', 'profile', 'email', 'offline_access', 'read', 'write'], resources: [resource], ...settings };
    const { applicationId: clientId } = await this.api('POST', '/v1/applications', { name, redirectUrls, oauth: oauthSettings });
    if (!/^client_secret_/.test(settings.tokenEndpointAuthMethod)) { return { clientId }; }
    const { clientSecret } = await this.api('POST', `/v1/applications/${clientId}/secrets`, {});
    return { clientId, clientSecret: this.server.log.secret('client secret', clientSecret) };
  }

  /** Remembers tokens, which the log must not hold. */
  secret(tokens) {
    for (const name of ['access_token', 'refresh_token', 'id_token']) { this.server.log.secret(name, tokens[name]); }
    return tokens;
  }

  person(email) { return new Person(this.server, this.smtp, email); }

  async stop() {
    await this.server.stop();
    await this.smtp.stop();
  }
}

/** Lets anybody register clients. */
export async function allowRegistration(rig) {
  const { accounts: [{ accountId }] } = await rig.api('GET', '/v1/accounts');
  await rig.api('PUT', `/v1/accounts/${accountId}`, { settings: { oauth: { dynamicRegistration: 'open' } } });
}

const isEmail = field => field.type === 'email';
const isCode = field => field.complete === 'one-time-code';

/** A person with a browser that runs no scripts. */
export class Person extends Visitor {
  logins = 0;
  consents = 0;
  constructor(server, smtp, email) { super(server, smtp); this.email = email; }

  /** Opens an address and does what the pages ask, until the browser leaves the server or nothing is asked any more. */
  async visit(url, { method = 'GET', fields, deny = false } = {}) {
    let page = await this.open(method, url.toString(), fields);
    for (let pages = 0; !page.left && pages < 6; pages++) {
      const all = forms(page.text);
      const has = wanted => all.some(form => form.fields.some(wanted));
      if (has(isEmail)) {
        this.logins++;
        const seen = this.smtp.codes(this.email).length;
        page = await this.fill(page, isEmail, this.email);
        const mail = await this.smtp.next(this.email, seen);
        page = await this.fill(page, isCode, codeIn(mail));
        continue;
      }
      const away = all.find(form => form.action && new URL(form.action, page.url).host !== page.url.host);
      if (away) { return { ...page, posted: { url: away.action, fields: Object.fromEntries(away.fields.map(({ name, value }) => [name, value])) } }; }
      const asks = all.find(form => form.buttons.some(button => ['allow', 'yes'].includes(button.value)));
      const next = all.find(form => ['/device', '/oauth/logout/confirm'].includes(new URL(form.action || page.url, page.url).pathname));
      if (!asks && !next) { return page; }
      if (!asks) {
        page = await this.open('POST', new URL(next.action || page.url.href, page.url).href, Object.fromEntries(next.fields.filter(({ name }) => name).map(({ name, value }) => [name, value])));
        continue;
      }
      this.consents++;
      page = await this.press(page, asks, deny ? ['deny', 'no'] : ['allow', 'yes']);
    }
    return page;
  }

  /** Sends a form by one of its buttons. */
  press(page, form, values) {
    const button = form.buttons.find(({ value }) => values.includes(value));
    assert.ok(button, `no button ${values.join(' or ')}: ${JSON.stringify(form)}`);
    const fields = Object.fromEntries(form.fields.filter(({ name }) => name).map(({ name, value }) => [name, value]));
    return this.open('POST', new URL(form.action || page.url.href, page.url).href, { ...fields, [button.name]: button.value });
  }

  /**
   * An authorization request to its end. Answers what a client library is given: a URL with the answer in its query, or a
   * Request that a browser would have posted. `as` says where the answer was: query, fragment or form_post.
   */
  async authorize(url, options) {
    const back = await this.answered(url, options);
    for (const value of [back.params.get('code'), back.params.get('response'), ...this.jar.values]) { this.server.log.secret('code or cookie', value); }
    return back;
  }

  async answered(url, options) {
    const page = await this.visit(url, options);
    if (page.posted) {
      const body = new URLSearchParams(page.posted.fields);
      return { as: 'form_post', url: new URL(page.posted.url), params: body, answer: new Request(page.posted.url, { method: 'POST', body }) };
    }
    assert.ok(page.left, `the person did not come back to the client (${page.status}): ${page.text?.slice(0, 3000)}`);
    if (page.left.hash) { // a page of the client takes it from there
      const answer = new URL(page.left);
      answer.search = page.left.hash.slice(1);
      answer.hash = '';
      return { as: 'fragment', url: page.left, params: answer.searchParams, answer };
    }
    return { as: 'query', url: page.left, params: page.left.searchParams, answer: page.left };
  }
}

const digests = { EdDSA: 'sha512', RS256: 'sha256', ES256: 'sha256', PS256: 'sha256' };

/** at_hash and c_hash: the left half of the hash that belongs to the algorithm (OpenID Connect Core section 3.3.2.11). */
export function half(alg, value) {
  const hash = createHash(digests[alg]).update(value).digest();
  return hash.subarray(0, hash.length / 2).toString('base64url');
}

/**
 * An API that takes JWT access tokens as oauth4webapi judges them (RFC 9068, RFC 9449). It answers the claims. `as` is the
 * server's metadata; `audience` is what the tokens must be for.
 */
export async function startResource(as, audience) {
  const seen = [];
  const api = createServer(async (incoming, response) => {
    const request = new Request(`http://${incoming.headers.host}${incoming.url}`, { method: incoming.method, headers: incoming.headers });
    let status = 200;
    let body;
    try {
      body = await oauth.validateJwtAccessToken(as, request, audience, { ...insecure, signingAlgorithms: Object.keys(digests) });
    } catch (error) {
      [status, body] = [401, { code: error.code, message: error.message }];
    }
    seen.push(body);
    response.writeHead(status, { 'Content-Type': 'application/json', ...(status === 401 ? { 'WWW-Authenticate': 'Bearer error="invalid_token"' } : {}) }).end(JSON.stringify(body));
  });
  await new Promise(resolve => api.listen(0, '127.0.0.1', resolve));
  return { url: new URL(`http://127.0.0.1:${api.address().port}/things`), seen, stop: () => closeServer(api) };
}
