// npm openid-client as a client that registers itself (RFC 7591, RFC 7592).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as oidc from 'openid-client';
import { told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { Party } from './party.mjs';
import { allowRegistration, callback, startRig } from './rig.mjs';

for (const database of databases) {
  describe(`registration on ${database}`, () => {
    let rig;
    let path;
    before(told(async () => {
      rig = await startRig({ database });
      await allowRegistration(rig);
      path = new URL((await new Party(rig, {}).metadata()).registration_endpoint).pathname;
    }));
    after(() => rig?.stop());

    const register = metadata => http(rig.server, 'POST', path, { body: { redirect_uris: [callback], ...metadata } });
    async function registered(metadata) {
      const answer = await register(metadata);
      assert.equal(answer.status, 201, answer.text);
      return new Party(rig, { clientId: answer.json.client_id, clientSecret: answer.json.client_secret }, { method: answer.json.token_endpoint_auth_method });
    }

    test('a client registers itself, signs a person in after consent, reads and ends its registration', async () => {
      const metadata = { redirect_uris: [callback], client_name: 'Self-made', id_token_signed_response_alg: 'RS256', grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'client_secret_post' };
      const config = await oidc.dynamicClientRegistration(rig.origin, metadata, undefined, { execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] });
      const made = config.clientMetadata();
      const verifier = oidc.randomPKCECodeVerifier();
      const ann = rig.person('ann@example.com');
      const url = oidc.buildAuthorizationUrl(config, { redirect_uri: callback, scope: 'openid email', code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' });
      const tokens = await oidc.authorizationCodeGrant(config, (await ann.authorize(url)).answer, { pkceCodeVerifier: verifier, idTokenExpected: true });
      assert.equal(ann.consents, 1);
      assert.equal(tokens.claims().aud, made.client_id);
      const own = new URL(made.registration_client_uri).pathname;
      const read = await http(rig.server, 'GET', own, { token: made.registration_access_token });
      assert.deepEqual([read.status, read.json.client_name, read.json.client_id], [200, 'Self-made', made.client_id]);
      assert.equal((await http(rig.server, 'GET', own, { token: 'wrong' })).status, 401);
      assert.equal((await http(rig.server, 'DELETE', own, { token: made.registration_access_token })).status, 204);
      await assert.rejects(oidc.refreshTokenGrant(config, 'art_x'), /./);
    });

    test('two redirect addresses: one must be named', async () => {
      const client = await registered({ redirect_uris: [callback, `${callback}/two`] });
      const page = await rig.person('ann@example.com').visit(await client.url(client.request({ redirect_uri: undefined }).params));
      assert.deepEqual([page.status, page.left], [400, undefined]);
    });

    test('a redirect address with a query is taken as it is', async () => {
      const client = await registered({ redirect_uris: [`${callback}?foo=bar`] });
      const ann = rig.person('ann@example.com');
      const back = await ann.authorize(await client.url(client.request({ redirect_uri: `${callback}?foo=bar` }).params));
      assert.deepEqual([back.params.get('foo'), Boolean(back.params.get('code'))], ['bar', true]);
      const page = await ann.visit(await client.url(client.request({ redirect_uri: `${callback}?foo=baz` }).params));
      assert.deepEqual([page.status, page.left], [400, undefined]);
    });

    test('the consent page links to the policy and the terms', async () => {
      const client = await registered({ policy_uri: 'https://client.example/policy', tos_uri: 'https://client.example/terms' });
      const ann = rig.person('ann@example.com');
      const own = new Party(rig, await rig.client({}), { method: 'none' });
      await own.signIn(ann);
      const page = await ann.open('GET', await client.url(client.request().params));
      for (const link of ['https://client.example/policy', 'https://client.example/terms']) { assert.ok(page.text.includes(link), page.text); }
    });

    test('what is not taken', async () => {
      for (const [metadata, code] of [
        [{ redirect_uris: [`${callback}#fragment`] }, 'invalid_redirect_uri'], [{ redirect_uris: [] }, 'invalid_redirect_uri'],
        [{ id_token_signed_response_alg: 'none' }, 'invalid_client_metadata'], [{ response_types: ['token'], grant_types: ['implicit'] }, 'invalid_client_metadata']
      ]) {
        const answer = await register(metadata);
        assert.deepEqual([answer.status, answer.json.error], [400, code], JSON.stringify(metadata));
      }
    });
  });
}
