// A person without a browser: signs in through the login box by following its forms over plain HTTP, with a cookie jar.

import { createHash, randomBytes } from 'node:crypto';
import assert from 'node:assert/strict';
import { http } from './http.mjs';

/** Adds to the places that people may be sent back to after signing in to the default application. */
export async function allowRedirects(server, redirectUrls, more = {}) {
  const token = await (await server.administrator()).httpClient.tokenProvider(server.url);
  const { json: application } = await http(server, 'GET', '/v1/applications/app_default', { token });
  const body = { ...application, redirectUrls: [...application.redirectUrls, ...redirectUrls], ...more };
  const answer = await http(server, 'PUT', '/v1/applications/app_default', { token, body });
  assert.equal(answer.status, 200, answer.text);
}

class Jar {
  #cookies = new Map();
  keep(headers) {
    for (const line of headers['set-cookie'] || []) {
      const [pair, ...attributes] = line.split(';');
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const gone = !value || attributes.some(attribute => /^\s*max-age=(0|-)/i.test(attribute));
      gone ? this.#cookies.delete(name) : this.#cookies.set(name, value);
    }
  }
  get values() { return [...this.#cookies.values()]; }
  get header() { return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '); }
}

const attribute = (tag, name) => unescape(tag.match(new RegExp(`\\s${name}\\s*=\\s*"([^"]*)"`, 'i'))?.[1]);
const unescape = text => text?.replace(/&#(\d+);/g, (_, n) => String.fromCodePoint(n)).replace(/&quot;/g, '"').replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');

/** The forms of a page: where they go and what is in them. */
export function forms(html) {
  return [...html.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/gi)].map(([text]) => ({
    action: attribute(text.match(/<form\b[^>]*>/i)[0], 'action') || '',
    fields: [...text.matchAll(/<input\b[^>]*>/gi)].map(([tag]) => ({
      name: attribute(tag, 'name'), value: attribute(tag, 'value') || '', type: attribute(tag, 'type') || 'text', complete: attribute(tag, 'autocomplete') || ''
    })),
    buttons: [...text.matchAll(/<button\b[^>]*>/gi)].map(([tag]) => ({ name: attribute(tag, 'name'), value: attribute(tag, 'value') || '' }))
  }));
}

/** A person at one server, who gets mail from `smtp`. */
export class Visitor {
  jar = new Jar();
  constructor(server, smtp) { Object.assign(this, { server, smtp }); }

  async send(method, url, fields) {
    const target = new URL(url, this.server.url);
    const headers = { Cookie: this.jar.header, Accept: 'text/html' };
    let raw;
    if (fields) {
      raw = new URLSearchParams(fields).toString();
      Object.assign(headers, {
        'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(raw), Origin: target.origin, 'Sec-Fetch-Site': 'same-origin'
      });
    }
    const answer = await http(this.server, method, target.pathname + target.search, { headers, raw, host: target.host });
    this.jar.keep(answer.headers);
    return { ...answer, url: target };
  }

  /** Follows redirects as long as they stay at the server. */
  async open(method, url, fields) {
    let answer = await this.send(method, url, fields);
    while ([302, 303].includes(answer.status)) {
      const next = new URL(answer.headers.location, answer.url);
      if (next.host !== answer.url.host) { return { ...answer, left: next }; }
      answer = await this.send('GET', next.href);
    }
    return answer;
  }

  /** Fills the form that has a field of this kind, and sends it. */
  async fill(page, wanted, value) {
    const form = forms(page.text).find(({ fields }) => fields.some(wanted));
    assert.ok(form, `no such form on the page (${page.status}): ${page.text.slice(0, 2000)}`);
    const fields = Object.fromEntries(form.fields.filter(field => field.name && !['checkbox', 'submit'].includes(field.type)).map(field => [field.name, wanted(field) ? value : field.value]));
    for (const { name, value: content } of form.buttons.slice(0, 1)) { if (name) { fields[name] = content; } }
    return this.open('POST', new URL(form.action || page.url.href, page.url).href, fields);
  }

  /** Starts a login, as the browser SDK does, and answers what the server said, with the verifier. */
  async start(redirectUrl, more = {}) {
    const verifier = randomBytes(40).toString('base64url');
    const answer = await http(this.server, 'POST', '/api/authentication', {
      headers: { Origin: new URL(redirectUrl).origin }, body: {
        redirectUrl, codeChallengeMethod: 'S256', codeChallenge: createHash('sha256').update(verifier).digest('base64url'), applicationId: 'app_default', ...more
      }
    });
    assert.equal(answer.status, 200, answer.text);
    return { ...answer.json, verifier, redirectUrl };
  }

  /** The whole way, with what else the login is started with: answers {accessToken, idToken, userId, started, code}. */
  async signIn(email, redirectUrl, more = {}) {
    const started = await this.start(redirectUrl, more);
    const seen = this.smtp.codes(email).length;
    let page = await this.open('GET', started.authenticationUrl);
    if (!page.left) {
      page = await this.fill(page, field => field.type === 'email', email);
      const mail = await this.smtp.next(email, seen);
      page = await this.fill(page, field => field.complete === 'one-time-code', codeIn(mail));
    }
    assert.ok(page.left, `the person did not come back to the application (${page.status}): ${page.text?.slice(0, 2000)}`);
    const code = page.left.searchParams.get('code');
    const exchanged = await this.exchange(started, code);
    assert.equal(exchanged.status, 200, exchanged.text);
    const { access_token: accessToken, id_token: idToken } = exchanged.json;
    for (const token of [accessToken, idToken]) { this.server.log.secret('token', token.split('.')[2]); }
    for (const value of [code, started.verifier, ...this.jar.values]) { this.server.log.secret('code, verifier or cookie', value); }
    return { accessToken, idToken, userId: claims(accessToken).sub, started, code };
  }

  exchange({ authenticationRequestId, redirectUrl, verifier }, code, more = {}) {
    return http(this.server, 'POST', `/api/authentication/${authenticationRequestId}/tokens`, {
      headers: { Origin: new URL(redirectUrl).origin },
      body: { grant_type: 'authorization_code', redirect_uri: redirectUrl, client_id: 'app_default', code, code_verifier: verifier, ...more }
    });
  }
}

/** The six digits in a mail message. */
export function codeIn(mail) {
  const code = mail.text.match(/\b(\d{3})[ \u00a0]?(\d{3})\b/);
  assert.ok(code, `no code in the mail:\n${mail.text}`);
  return code[1] + code[2];
}

/** What is inside a token, unverified. */
export const claims = token => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
export const header = token => JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));
