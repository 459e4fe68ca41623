// An OpenID Connect provider that is not ours: npm oidc-provider on loopback, with its own development login pages.

import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import Provider from 'oidc-provider';
import { closeServer, freePort } from './net.mjs';

/** Starts a provider with one client that may come back to `redirectUri`. Answers {issuer, clientId, clientSecret, stop}. */
export async function startProvider(redirectUri) {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const [clientId, clientSecret] = ['admit', randomBytes(24).toString('base64url')];
  const provider = new Provider(issuer, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: [redirectUri], application_type: 'web' }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'locale'] },
    pkce: { required: () => true },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    findAccount: (_, sub) => ({
      accountId: sub, claims: () => ({ sub, email: `${sub}@provider.example`, email_verified: true, name: `Person ${sub}`, locale: 'en' })
    })
  });
  const server = createServer(provider.callback());
  await new Promise(resolve => server.listen(port, '127.0.0.1', resolve));
  return { issuer, clientId, clientSecret, stop: () => closeServer(server) };
}
