// What the plans ask about time and about keys that change: codes and pushed requests that are too old, the server's next keys, and
// a client's next key at its jwks_uri.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decodeProtectedHeader } from 'jose';
import { told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { closeServer, eventually, temporaryFolder } from '../harness/net.mjs';
import { keyPair } from './keys.mjs';
import { Party } from './party.mjs';
import { allowRegistration, callback, startRig } from './rig.mjs';

for (const database of databases) {
  describe(`time and keys on ${database}`, () => {
    let rig;
    let folder;
    let host;
    let published = [];
    before(told(async () => {
      folder = await temporaryFolder();
      const [key, pem] = ['host.key', 'host.pem'].map(name => join(folder.path, name));
      execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', pem], { stdio: 'ignore' });
      host = createServer({ key: readFileSync(key), cert: readFileSync(pem) }, (_, response) =>
        response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ keys: published.map(one => one.public) })));
      await new Promise(resolve => host.listen(0, '127.0.0.1', resolve));
      rig = await startRig({ database, testClock: true, env: { SSL_CERT_FILE: pem } });
      await allowRegistration(rig);
    }));
    after(async () => {
      await rig?.stop();
      if (host) { await closeServer(host); }
      await folder?.remove();
    });

    test('the keys of a client at its jwks_uri: it proves itself, and goes on with its next key', async () => {
      const [first, second] = await Promise.all([keyPair('ES256'), keyPair('ES256')]);
      second.kid = second.public.kid = 'next';
      published = [first];
      const path = new URL((await new Party(rig, {}).metadata()).registration_endpoint).pathname;
      const made = await http(rig.server, 'POST', path, { body: {
        redirect_uris: [callback], token_endpoint_auth_method: 'private_key_jwt', grant_types: ['authorization_code', 'refresh_token'],
        jwks_uri: `https://localhost:${host.address().port}/keys`
      } });
      assert.equal(made.status, 201, made.text);
      const client = new Party(rig, { clientId: made.json.client_id }, { method: 'private_key_jwt', key: first });
      const tokens = await client.signIn(rig.person('ann@example.com'), { params: { scope: 'openid offline_access', prompt: 'consent' } });
      const refresh = key => client.post('token_endpoint', { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }, { assertion: { key } });
      const stranger = await keyPair('ES256');
      assert.equal((await refresh({ ...stranger, kid: first.kid })).json.error, 'invalid_client', 'another key by the name of the first');
      published = [second];
      const renewed = await refresh(second);
      assert.equal(renewed.status, 200, renewed.text);
      rig.secret(renewed.json);
      assert.equal((await refresh(first)).json.error, 'invalid_client', 'a key that is gone');
    });

    test('the next keys of the server: tokens of before and after verify with what is published', async () => {
      const client = new Party(rig, await rig.client({ tokenEndpointAuthMethod: 'client_secret_basic' }));
      const ann = rig.person('ann@example.com');
      const keys = async () => (await http(rig.server, 'GET', await client.path('jwks_uri'))).json.keys.map(({ kid }) => kid);
      const kids = tokens => [tokens.id_token, tokens.access_token].map(token => decodeProtectedHeader(token).kid);
      const old = await client.signIn(ann);
      await rig.server.command('keys', 'rotate', '--after', '1s');
      let next;
      await eventually('the server signs with its next keys', async () => {
        next = await client.signIn(ann);
        return kids(next).every(kid => !kids(old).includes(kid));
      }, { every: 200 });
      const all = await keys();
      for (const kid of [...kids(old).slice(0, 1), ...kids(next).slice(0, 1)]) { assert.ok(all.includes(kid), `${kid} of ${all}`); }
      await client.verify(old.id_token, { params: { nonce: old.id.nonce }, access: old.access_token });
      for (const { access_token: token } of [old, next]) { assert.equal((await client.userinfo(token)).status, 200); }
    });

    test('a code after a minute, and a pushed request after two, are too old', async () => {
      const client = new Party(rig, await rig.client({ tokenEndpointAuthMethod: 'client_secret_basic', requirePushedAuthorizationRequests: true }));
      const ann = rig.person('ann@example.com');
      const pushed = async () => { const { params, verifier } = client.request(); return { url: await client.pushed(params), verifier }; };
      const asked = async () => { const { url, verifier } = await pushed(); return { code: (await ann.authorize(url)).params.get('code'), verifier }; };
      const redeem = async ({ code, verifier }) => client.redeem(code, verifier);
      assert.equal((await redeem(await asked())).status, 200);
      const [code, waiting] = [await asked(), await pushed()];
      await rig.server.restart({ ADMIT_TEST_CLOCK_OFFSET: '2m' });
      assert.equal((await redeem(code)).json.error, 'invalid_grant');
      const page = await ann.visit(waiting.url);
      assert.deepEqual([page.status, page.left, page.posted], [400, undefined, undefined]);
      assert.equal((await redeem(await asked())).status, 200, 'a fresh one, by the same clock');
    });
  });
}
