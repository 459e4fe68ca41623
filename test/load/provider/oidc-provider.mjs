// The measurement's oidc-provider: node oidc-provider.mjs PORT SECRET REDIRECT. In memory, EdDSA, JWT access tokens.
// GET /load/session answers the cookies of a browser that has signed in.

import { createServer } from 'node:http';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';

const [port, secret, redirect] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const key = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
const api = 'urn:load:api';

// Its own memory store forgets beyond a thousand entries, sessions that are in use among them; this one forgets nothing.
const store = new Map();
class Memory {
  constructor(name) { this.name = name; }
  key(id) { return `${this.name}:${id}`; }
  async upsert(id, payload) {
    store.set(this.key(id), payload);
    if (payload.uid) store.set(`uid:${payload.uid}`, id);
  }
  async find(id) { return store.get(this.key(id)); }
  async findByUid(uid) { return this.find(store.get(`uid:${uid}`)); }
  async findByUserCode() { return undefined; }
  async consume(id) { const found = store.get(this.key(id)); if (found) found.consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { store.delete(this.key(id)); }
  async revokeByGrantId() {}
}

const provider = new Provider(issuer, {
  adapter: Memory,
  jwks: { keys: [{ ...key, alg: 'EdDSA', use: 'sig', kid: 'k1' }] },
  clients: [
    { client_id: 'service', client_secret: secret, grant_types: ['client_credentials'], redirect_uris: [], response_types: [], id_token_signed_response_alg: 'EdDSA' },
    { client_id: 'web', token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'], redirect_uris: [redirect], id_token_signed_response_alg: 'EdDSA' }
  ],
  cookies: { keys: [randomBytes(16).toString('hex')] },
  enabledJWA: { idTokenSigningAlgValues: ['EdDSA', 'RS256'] },
  scopes: ['openid', 'offline_access', 'api'],
  pkce: { required: () => true },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  rotateRefreshToken: true,
  issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
  expiresWithSession: async () => false,
  async loadExistingGrant(ctx) {
    const known = ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId);
    if (known) return ctx.oidc.provider.Grant.find(known);
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid offline_access');
    await grant.save();
    return grant;
  },
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: async () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: async ctx => (ctx.oidc.params?.grant_type === 'client_credentials' ? api : undefined),
      getResourceServerInfo: async () => ({ scope: 'api', audience: api, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'EdDSA' } } })
    }
  }
});

let people = 0;
const server = createServer((request, response) => {
  if (request.url !== '/load/session') return void provider.callback()(request, response);
  signIn(`person-${++people}`).then(
    cookies => response.end(cookies),
    error => { response.statusCode = 500; response.end(String(error)); }
  );
});
server.keepAliveTimeout = 60_000;
server.listen(Number(port), '127.0.0.1');

/** Goes through the development pages as a browser would, and answers the Cookie header. */
async function signIn(name) {
  const cookies = new Map();
  const go = async (url, form) => {
    const answer = await fetch(new URL(url, issuer), {
      method: form ? 'POST' : 'GET', redirect: 'manual', body: form && new URLSearchParams(form),
      headers: { cookie: [...cookies].map(pair => pair.join('=')).join('; ') }
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(';');
      const at = pair.indexOf('=');
      if (pair.slice(at + 1)) cookies.set(pair.slice(0, at), pair.slice(at + 1)); else cookies.delete(pair.slice(0, at));
    }
    await answer.arrayBuffer();
    return answer.headers.get('location');
  };
  const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
  let at = await go(`/auth?client_id=web&redirect_uri=${encodeURIComponent(redirect)}&response_type=code&scope=openid&code_challenge=${challenge}&code_challenge_method=S256`);
  for (let step = 0; step < 8 && at && !at.startsWith(redirect); step++) {
    at = at.includes('/interaction/') ? await go(at, { prompt: 'login', login: name, password: 'x' }) : await go(at);
  }
  if (!at?.startsWith(redirect) || !at.includes('code=')) throw new Error(`the sign-in ended at ${at}`);
  return [...cookies].filter(([key]) => key.startsWith('_session')).map(pair => pair.join('=')).join('; ');
}
