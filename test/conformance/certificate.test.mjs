// npm openid-client as clients that hold a certificate (RFC 8705), behind a proxy that passes it on; and proofs with the server's nonces.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { exportJWK, importX509 } from 'jose';
import * as oidc from 'openid-client';
import { told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { temporaryFolder } from '../harness/net.mjs';
import { claims as inside } from '../harness/signin.mjs';
import { callback, startRig } from './rig.mjs';

for (const database of databases) {
  describe(`openid-client, certificates and nonces, on ${database}`, () => {
    let rig;
    let folder;
    let mine;
    let others;
    before(told(async () => {
      folder = await temporaryFolder();
      [mine, others] = ['mine', 'others'].map(name => {
        const [key, pem] = [join(folder.path, `${name}.key`), join(folder.path, `${name}.pem`)];
        execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', key, '-out', pem], { stdio: 'ignore' });
        const text = readFileSync(pem, 'utf8');
        const { raw } = new X509Certificate(text);
        return { pem, text, header: `:${raw.toString('base64')}:`, thumbprint: createHash('sha256').update(raw).digest('base64url') };
      });
      rig = await startRig({ database, env: {
        ADMIT_TRUSTED_PROXIES: '127.0.0.1/32', ADMIT_CLIENT_CERT_HEADER: 'client-cert', ADMIT_MTLS_CA: mine.pem, ADMIT_DPOP_REQUIRE_NONCE: 'true'
      } });
    }));
    after(async () => { await rig?.stop(); await folder?.remove(); });

    /** The library with a proxy before the server that passes the certificate on. */
    async function configured(clientId, certificate, auth = oidc.TlsClientAuth()) {
      const config = await oidc.discovery(rig.origin, clientId, undefined, auth, { execute: [oidc.allowInsecureRequests] });
      config[oidc.customFetch] = (url, options) => fetch(url, { ...options, headers: { ...options.headers, 'X-Forwarded-For': '192.0.2.1', ...(certificate ? { 'Client-Cert': certificate.header } : {}) } });
      return config;
    }
    const machine = { grantTypes: ['client_credentials'], scopes: ['read'], tlsClientCertificateBoundAccessTokens: true };

    for (const [name, settings] of Object.entries({
      tls_client_auth: async () => ({ tlsSubject: { dn: 'CN=mine' } }),
      self_signed_tls_client_auth: async () => ({ jwks: { keys: [{ ...await exportJWK(await importX509(mine.text, 'ES256', { extractable: true })), kid: 'mine' }] } })
    })) {
      test(`${name}: the certificate proves the client, and the token is bound to it`, async () => {
        const { clientId } = await rig.client({ ...machine, tokenEndpointAuthMethod: name, ...await settings() });
        const { access_token: token } = await oidc.clientCredentialsGrant(await configured(clientId, mine), { scope: 'read' });
        assert.equal(inside(token).cnf['x5t#S256'], mine.thumbprint);
        for (const wrong of [others, undefined]) {
          await assert.rejects(oidc.clientCredentialsGrant(await configured(clientId, wrong), { scope: 'read' }));
        }
      });
    }

    test('a public client\'s tokens bound to a certificate: userinfo and refresh with it only', async () => {
      const { clientId } = await rig.client({ tlsClientCertificateBoundAccessTokens: true });
      const [own, foreign] = [await configured(clientId, mine, oidc.None()), await configured(clientId, others, oidc.None())];
      const verifier = oidc.randomPKCECodeVerifier();
      const url = oidc.buildAuthorizationUrl(own, { redirect_uri: callback, scope: 'openid offline_access', code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' });
      const { answer } = await rig.person('ann@example.com').authorize(url);
      const tokens = await oidc.authorizationCodeGrant(own, answer, { pkceCodeVerifier: verifier, idTokenExpected: true });
      assert.ok((await oidc.fetchUserInfo(own, tokens.access_token, tokens.claims().sub)).sub);
      await assert.rejects(oidc.fetchUserInfo(foreign, tokens.access_token, tokens.claims().sub));
      await assert.rejects(oidc.refreshTokenGrant(foreign, tokens.refresh_token));
      assert.ok((await oidc.refreshTokenGrant(own, tokens.refresh_token)).access_token);
    });

    test('DPoP where the server demands its nonce: the library asks again with it, at PAR, for tokens and at userinfo', async () => {
      const { clientId } = await rig.client({});
      const config = await configured(clientId, undefined, oidc.None());
      const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
      const verifier = oidc.randomPKCECodeVerifier();
      const url = await oidc.buildAuthorizationUrlWithPAR(config, { redirect_uri: callback, scope: 'openid', code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' }, { DPoP });
      const { answer } = await rig.person('bob@example.com').authorize(url);
      const tokens = await oidc.authorizationCodeGrant(config, answer, { pkceCodeVerifier: verifier, idTokenExpected: true }, undefined, { DPoP });
      assert.ok((await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })).sub);
    });
  });
}
