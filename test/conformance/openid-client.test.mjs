// npm openid-client: every way to ask for a code, and what becomes of it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as oidc from 'openid-client';
import { told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { clientKeys } from './keys.mjs';
import { callback, half, resource, startResource, startRig } from './rig.mjs';

const methods = {
  public: { settings: { tokenEndpointAuthMethod: 'none' }, auth: () => oidc.None() },
  'secret in the header': { settings: { tokenEndpointAuthMethod: 'client_secret_basic' }, auth: client => oidc.ClientSecretBasic(client.clientSecret) },
  'secret in the body': { settings: { tokenEndpointAuthMethod: 'client_secret_post' }, auth: client => oidc.ClientSecretPost(client.clientSecret) },
  'private key': { settings: { tokenEndpointAuthMethod: 'private_key_jwt' }, auth: (_, keys, alg) => oidc.PrivateKeyJwt({ key: keys[alg].key, kid: keys[alg].kid }) }
};
const modes = ['query', 'fragment', 'form_post', 'jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt'];
const where = { jwt: 'query' };
/** What ID tokens are made of: each combination of a client meets each of them in turn. */
const forms = [{ alg: 'EdDSA' }, { alg: 'RS256' }, { alg: 'ES256' }, { alg: 'PS256' }, { alg: 'EdDSA', enc: 'RSA-OAEP-256' }, { alg: 'RS256', enc: 'ECDH-ES' }];

for (const database of databases) {
  describe(`openid-client on ${database}`, () => {
    let rig;
    let ann;
    let keys;
    let api;
    const clients = new Map();
    before(told(async () => {
      rig = await startRig({ database });
      [ann, keys] = [rig.person('ann@example.com'), await clientKeys()];
      for (const alg of ['EdDSA', 'RS256', 'ES256', 'PS256']) { await configured('public', { alg }); } // whose keys are published from now on
      const discovered = await oidc.discovery(rig.origin, 'app_default', undefined, oidc.None(), { execute: [oidc.allowInsecureRequests] });
      api = await startResource(discovered.serverMetadata(), resource);
    }));
    after(async () => { await api?.stop(); await rig?.stop(); });

    /** The client of that method and form of ID token, and the library's configuration for it. */
    async function configured(method, form, more = {}) {
      const { alg, enc } = form;
      const name = JSON.stringify([method, form, more]);
      if (!clients.has(name)) {
        clients.set(name, await rig.client({
          ...methods[method].settings, jwks: keys.jwks, idTokenSignedResponseAlg: alg, authorizationSignedResponseAlg: alg, accessTokenSignedResponseAlg: alg,
          ...(enc ? { idTokenEncryptedResponseAlg: enc } : {}), ...more
        }));
      }
      const client = clients.get(name);
      const metadata = { id_token_signed_response_alg: alg, authorization_signed_response_alg: alg, require_auth_time: true };
      const config = await oidc.discovery(rig.origin, client.clientId, metadata, methods[method].auth(client, keys, alg), {
        execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks]
      });
      if (enc) { oidc.enableDecryptingResponses(config, undefined, { key: keys[enc].key, alg: enc, kid: keys[enc].kid }); }
      return { config, client, alg };
    }

    /** A sign-in as the library does it. Answers the tokens and what was said on the way. */
    async function signIn({ config, alg }, { par, signed, DPoP, mode = 'query', person = ann, more = {} }) {
      const [verifier, nonce, state] = [oidc.randomPKCECodeVerifier(), oidc.randomNonce(), oidc.randomState()];
      let params = {
        redirect_uri: callback, scope: 'openid profile email offline_access read', resource, response_mode: mode, nonce, state, max_age: '3600',
        acr_values: 'urn:admit:aal1', code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more
      };
      if (!params.resource) { delete params.resource; }
      if (signed) { params = (await oidc.buildAuthorizationUrlWithJAR(config, params, { key: keys[alg].key, kid: keys[alg].kid })).searchParams; }
      const url = par ? await oidc.buildAuthorizationUrlWithPAR(config, params, { DPoP }) : oidc.buildAuthorizationUrl(config, params);
      if (mode.includes('jwt')) { oidc.useJwtResponseMode(config); } // only now: it would ask for response_mode=jwt instead
      const back = await person.authorize(url);
      const tokens = await oidc.authorizationCodeGrant(config, back.answer, { pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: state, maxAge: 3600, idTokenExpected: true }, undefined, { DPoP });
      rig.secret(tokens);
      return { tokens, back, verifier, nonce, state };
    }

    /** What the library leaves to its user. */
    function checkID(claims, alg, tokens) {
      assert.equal(claims.at_hash, half(alg, tokens.access_token), 'at_hash');
      assert.equal(typeof claims.c_hash, 'string', 'c_hash');
      assert.equal(claims.acr, 'urn:admit:aal1');
      assert.ok(Array.isArray(claims.amr) && claims.amr.length > 0, 'amr');
      assert.equal(typeof claims.auth_time, 'number');
      assert.ok(claims.sid, 'sid');
      assert.equal(claims.email, 'ann@example.com');
    }

    let turn = 0;
    for (const method of Object.keys(methods)) {
      for (const par of [false, true]) {
        for (const signed of [false, true]) {
          for (const dpop of [false, true]) {
            test(`${method}; ${par ? 'pushed' : 'not pushed'}; ${signed ? 'signed request' : 'plain request'}; ${dpop ? 'DPoP' : 'bearer'}: all response modes`, async () => {
              for (const [index, mode] of modes.entries()) {
                const ours = index % 2 === 0; // a token for the server itself, or for another resource
                const form = forms[turn++ % forms.length];
                const setup = await configured(method, form);
                const DPoP = dpop ? oidc.getDPoPHandle(setup.config, await oidc.randomDPoPKeyPair('ES256')) : undefined;
                const { tokens, back } = await signIn(setup, { par, signed, DPoP, mode, more: ours ? { resource: '' } : {} });
                assert.equal(back.as, where[mode] || mode.replace('.jwt', ''));
                assert.equal(back.params.has('response'), mode.includes('jwt'));
                checkID(tokens.claims(), form.alg, tokens);
                if (!mode.includes('jwt')) { assert.equal(tokens.claims().c_hash, half(form.alg, back.params.get('code'))); }
                assert.equal(tokens.token_type.toLowerCase(), dpop ? 'dpop' : 'bearer');
                const info = await oidc.fetchUserInfo(setup.config, tokens.access_token, tokens.claims().sub, { DPoP }).catch(error => error);
                if (ours) {
                  assert.equal(info.email, 'ann@example.com', info.message);
                  continue;
                }
                assert.ok(info instanceof Error, 'a token for another resource opens no userinfo');
                const answer = await oidc.fetchProtectedResource(setup.config, tokens.access_token, api.url, 'GET', undefined, undefined, { DPoP });
                const access = await answer.json();
                assert.equal(access.aud, resource);
                assert.equal(access.scope.split(' ').includes('read'), true);
                assert.equal(Boolean(access.cnf?.jkt), dpop);
              }
            });
          }
        }
      }
    }
  });
}
