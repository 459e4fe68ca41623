// User tokens as the unmodified SDK verifies them, who may ask what, and the quickstart's two APIs.

import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { rejection, startAdmit, told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { startQuickstart } from '../harness/quickstart.mjs';
import { allowRedirects, claims, codeIn, header, Visitor } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';

const { TokenVerifier } = createRequire(import.meta.url)('@authress/sdk');
const back = 'http://localhost:9/back';

const encode = value => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token with the same claims, signed with a key that nobody published. */
function resigned(token, { head = {}, payload = {} } = {}) {
  const { privateKey } = generateKeyPairSync('ed25519');
  const input = `${encode({ ...header(token), ...head })}.${encode({ ...claims(token), ...payload })}`;
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`;
}

/** Tokens that nobody may accept, made from a good one. */
function bad(token, server) {
  const [head, payload, signature] = token.split('.');
  const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
  return {
    'a changed signature': `${head}.${payload}.${flipped}`,
    'no signature': `${encode({ ...header(token), alg: 'none' })}.${payload}.`,
    'changed claims': `${head}.${encode({ ...claims(token), sub: 'someone-else' })}.${signature}`,
    'a key of one\'s own': resigned(token),
    'a key of one\'s own under an unknown id': resigned(token, { head: { kid: 'unknown' } }),
    'another issuer': resigned(token, { payload: { iss: 'http://localhost:1' } }),
    'an issuer below this one': resigned(token, { payload: { iss: `${server.url}/v1/clients/sc_unknown`, sub: 'sc_unknown' } }),
    'a public key as a shared secret': resigned(token, { head: { alg: 'HS256' } })
  };
}

for (const database of databases) {
  describe(`tokens of people on ${database}`, () => {
    let server;
    let smtp;
    let ann;
    let annVisits;
    let admit;
    before(told(async () => {
      smtp = await startSmtp();
      server = await startAdmit({ database, dev: false, smtp });
      admit = await server.administrator();
      await allowRedirects(server, [back]);
      annVisits = new Visitor(server, smtp);
      ann = await annVisits.signIn('ann@example.com', back);
    }));
    after(async () => { await server?.stop(); await smtp?.stop(); });

    test('have the shape that the contract gives them', async () => {
      const access = claims(ann.accessToken);
      assert.deepEqual({ ...header(ann.accessToken), kid: '' }, { alg: 'EdDSA', typ: 'at+jwt', kid: '' });
      assert.equal(access.iss, server.url);
      assert.equal(access.client_id, 'app_default');
      assert.equal(access.azp, 'con_email');
      assert.ok(Array.isArray(access.aud) && access.aud.length > 0);
      assert.equal(access.scope, 'openid profile email');
      assert.equal(access.exp - access.iat, 86_400);
      assert.ok(access.jti && access.sub);
      const id = claims(ann.idToken);
      assert.equal(id.sub, access.sub);
      assert.equal(id.iss, server.url);
      assert.deepEqual([id.email, id.email_verified], ['ann@example.com', true]);
      assert.notEqual(header(ann.idToken).kid, header(ann.accessToken).kid);
    });

    test('are verified by the SDK, in each way it is configured', async () => {
      const expected = claims(ann.accessToken);
      assert.deepEqual(await admit.verifyToken(ann.accessToken), expected);
      assert.deepEqual(await TokenVerifier(server.url, ann.accessToken), expected);
      assert.deepEqual(await TokenVerifier(server.url.replace('http://', ''), ann.accessToken), expected);
    });

    test('that do not hold are refused by the SDK', async () => {
      for (const [name, token] of Object.entries({ ...bad(ann.accessToken, server), 'an ID token': ann.idToken, rubbish: 'rubbish', nothing: '' })) {
        const error = await rejection(TokenVerifier(server.url, token));
        assert.ok(error.code === 'TokenVerificationError' || error.response?.status === 404, `${name}: ${error.message}`);
      }
    });

    test('of service clients are verified by the SDK as well', async () => {
      const key = await server.accessKey('verified');
      const token = await server.sdk(key).httpClient.tokenProvider(server.url);
      assert.equal((await admit.verifyToken(token)).sub, key.split('.')[0]);
      assert.equal((await admit.verifyToken(key)).sub, key.split('.')[0], 'a raw access key');
    });

    test('that do not hold are refused by the server', async () => {
      for (const [name, token] of Object.entries({ ...bad(ann.accessToken, server), 'an ID token': ann.idToken })) {
        const answer = await http(server, 'GET', `/v1/users/${ann.userId}/resources/x/permissions/y`, { token });
        assert.equal(answer.status, 401, `${name}: ${answer.text}`);
      }
    });

    test('let a person ask about that person only: 200, 404, 403, 401', async () => {
      const path = (user, resource, action) => `/v1/users/${encodeURIComponent(user)}/resources/${encodeURIComponent(resource)}/permissions/${action}`;
      const ask = async (token, ...question) => (await http(server, 'GET', path(...question), { token })).status;
      await admit.accessRecords.createRecord({ recordId: 'ann', name: 'Ann', users: [{ userId: ann.userId }], statements: [{ roles: ['Authress:ReadResource'], resources: [{ resourceUri: 'diary' }] }] });
      assert.equal(await ask(ann.accessToken, ann.userId, 'diary', 'READ'), 200);
      assert.equal(await ask(ann.accessToken, ann.userId, 'diary', 'WRITE'), 404);
      assert.equal(await ask(ann.accessToken, 'someone-else', 'diary', 'READ'), 403);
      assert.equal(await ask(undefined, ann.userId, 'diary', 'READ'), 401);
      assert.equal((await http(server, 'GET', '/v1/roles/Authress%3AOwner', { token: ann.accessToken })).status, 403);
      assert.equal((await http(server, 'GET', '/v1/records/ann', { token: ann.accessToken })).status, 403);

      const self = server.sdk(() => ann.accessToken);
      assert.equal((await self.userPermissions.authorizeUser(null, 'diary', 'READ')).status, 200, 'the SDK fills in the person itself');
    });

    test('a service client without the option may not ask about people', async () => {
      const { data: { clientId } } = await admit.serviceClients.createClient({ name: 'Plain' });
      const { data: { accessKey } } = await admit.serviceClients.requestAccessKey(clientId);
      server.log.secret('access key', accessKey.split('.')[3]);
      const plain = server.sdk(accessKey);
      assert.equal((await rejection(plain.userPermissions.authorizeUser(ann.userId, 'diary', 'READ'))).status, 403);
      await admit.serviceClients.updateClient(clientId, { name: 'Plain', options: { grantUserPermissionsAccess: true } });
      assert.equal((await plain.userPermissions.authorizeUser(ann.userId, 'diary', 'READ')).status, 200);
    });

    test('an administrator reads who the person is', async () => {
      const { data } = await admit.users.getUser(ann.userId);
      assert.deepEqual([data.userId, data.email], [ann.userId, 'ann@example.com']);
      const listed = await http(server, 'GET', '/v1/users?filter=ANN@', { token: await admit.httpClient.tokenProvider(server.url) });
      assert.deepEqual(listed.json.users.map(user => user.userId), [ann.userId]);
    });

    test('login equals sign-up: the same person comes back as the same user', async () => {
      const again = await new Visitor(server, smtp).signIn('ann@example.com', back);
      assert.equal(again.userId, ann.userId);
      const other = await new Visitor(server, smtp).signIn('bea@example.com', back);
      assert.notEqual(other.userId, ann.userId);
    });

    test('a code is exchanged once', async () => {
      const visitor = new Visitor(server, smtp);
      const { started, code, accessToken, userId } = await visitor.signIn('cleo@example.com', back);
      const second = await visitor.exchange(started, code);
      assert.deepEqual([second.status, second.json.error], [400, 'invalid_request'], second.text);
      const after = await http(server, 'GET', `/v1/users/${userId}/resources/x/permissions/y`, { token: accessToken });
      assert.equal(after.status, 401, 'what the reused code had given is withdrawn');
    });

    test('a code is bound to its verifier, redirect and application', async () => {
      for (const change of [{ code_verifier: 'x'.repeat(50) }, { redirect_uri: `${back}?x` }, { client_id: 'app_other' }, { code_verifier: undefined }]) {
        const visitor = new Visitor(server, smtp);
        const started = await visitor.start(back);
        const left = await completed(visitor, smtp, started, `bound-${Object.keys(change)[0]}-${Object.values(change)[0] ? 'set' : 'unset'}@example.com`);
        const answer = await visitor.exchange(started, left.searchParams.get('code'), change);
        assert.equal(answer.status, 400, `${JSON.stringify(change)}: ${answer.text}`);
      }
    });

    test('a verifier as long as the browser SDK makes it is accepted', async () => {
      const verifier = Buffer.from(Array.from({ length: 16 }, () => 4_294_967_295).join(',')).toString('base64url');
      const visitor = new Visitor(server, smtp);
      const started = await visitor.start(back, { codeChallenge: createHash('sha256').update(verifier).digest('base64url') });
      const left = await completed(visitor, smtp, started, 'long@example.com');
      assert.equal((await visitor.exchange(started, left.searchParams.get('code'), { code_verifier: verifier })).status, 200);
    });

    test('end with the session', async () => {
      const visitor = new Visitor(server, smtp);
      const { accessToken, userId } = await visitor.signIn('dora@example.com', back);
      const path = `/v1/users/${userId}/resources/x/permissions/y`;
      assert.equal((await http(server, 'GET', path, { token: accessToken })).status, 404);
      const ended = await visitor.send('GET', `/logout?client_id=app_default&redirect_uri=${encodeURIComponent(back)}`);
      assert.ok([302, 303].includes(ended.status), ended.text);
      assert.equal((await http(server, 'GET', path, { token: accessToken })).status, 401);
    });

    test('the published keys are the access-token keys, for everybody', async () => {
      const answer = await http(server, 'GET', '/.well-known/openid-configuration/jwks', { headers: { Origin: 'https://anywhere.example' } });
      assert.equal(answer.headers['access-control-allow-origin'], '*');
      const key = answer.json.keys.find(({ kid }) => kid === header(ann.accessToken).kid);
      assert.deepEqual([key.kty, key.crv, key.alg, key.d], ['OKP', 'Ed25519', 'EdDSA', undefined]);
      assert.ok(!answer.json.keys.some(({ kid }) => kid === header(ann.idToken).kid));
      const discovery = await http(server, 'GET', '/.well-known/openid-configuration');
      assert.equal(discovery.json.issuer, server.url);
      const idKeys = await http(server, 'GET', new URL(discovery.json.jwks_uri).pathname);
      assert.ok(idKeys.json.keys.some(({ kid }) => kid === header(ann.idToken).kid) || discovery.json.jwks_uri.endsWith('/jwks'), 'the ID-token keys are named');
    });

    test('outlive a rotation of the keys', async () => {
      await server.command('keys', 'rotate');
      assert.ok(await TokenVerifier(server.url, ann.accessToken));
      const next = await new Visitor(server, smtp).signIn('eve@example.com', back);
      assert.ok(await TokenVerifier(server.url, next.accessToken));
      assert.ok(await TokenVerifier(server.url, ann.accessToken));
    });
  });

  describe(`the quickstart's APIs on ${database}`, () => {
    let server;
    let smtp;
    let quickstart;
    let expired;
    let good;
    before(told(async () => {
      smtp = await startSmtp();
      // A day and an hour ago, by its own clock: what it signs now has expired for everybody else.
      server = await startAdmit({ database, dev: false, smtp, testClock: true, env: { ADMIT_TEST_CLOCK_OFFSET: '-25h' } });
      await server.restart({ ADMIT_TEST_CLOCK_OFFSET: '0s' });
      await allowRedirects(server, [back]);
      await server.restart({ ADMIT_TEST_CLOCK_OFFSET: '-25h' });
      expired = await new Visitor(server, smtp).signIn('late@example.com', back);
      await server.restart({ ADMIT_TEST_CLOCK_OFFSET: '0s' });
      good = await new Visitor(server, smtp).signIn('good@example.com', back);
      quickstart = await startQuickstart(server, await server.accessKey('quickstart'));
    }));
    after(async () => { await quickstart?.stop(); await server?.stop(); await smtp?.stop(); });

    const get = async (api, path, token) => (await fetch(quickstart.apis[api] + path, { headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } })).status;

    for (const api of ['node', 'go']) {
      test(`${api}: 401 to a token that does not hold`, async t => {
        if (!quickstart.apis[api]) { return t.skip('not built'); }
        assert.equal(await get(api, '/api/accounts'), 401);
        assert.equal(await get(api, '/api/accounts', expired.accessToken), 401);
        assert.equal(await get(api, '/api/accounts', good.idToken), 401);
        for (const [name, token] of Object.entries(bad(good.accessToken, server))) { assert.equal(await get(api, '/api/accounts', token), 401, name); }
        return undefined;
      });

      test(`${api}: 404 without the permission, 200 with it, 404 when it is taken back`, async t => {
        if (!quickstart.apis[api]) { return t.skip('not built'); }
        const admit = await server.administrator();
        assert.equal(await get(api, '/api/accounts', good.accessToken), 200);
        assert.equal(await get(api, '/api/accounts/harbour', good.accessToken), 404);
        const record = { recordId: `harbour-${api}`, name: 'Harbour', users: [{ userId: good.userId }], statements: [{ roles: ['ro_quickstart_holder'], resources: [{ resourceUri: 'accounts/harbour' }] }] };
        await admit.accessRecords.createRecord(record);
        assert.equal(await get(api, '/api/accounts/harbour', good.accessToken), 200);
        assert.equal(await get(api, '/api/accounts/lantern', good.accessToken), 404);
        await admit.accessRecords.deleteRecord(record.recordId);
        assert.equal(await get(api, '/api/accounts/harbour', good.accessToken), 404);
        return undefined;
      });
    }

    test('node: 403 to opening an account without the permission', async () => {
      const open = () => fetch(`${quickstart.apis.node}/api/accounts`, {
        method: 'POST', headers: { Authorization: `Bearer ${good.accessToken}`, 'Content-Type': 'application/json' }, body: '{"name":"Rainy days"}'
      });
      assert.equal((await open()).status, 403);
      await quickstart.operate('grant', good.userId);
      const opened = await open();
      assert.equal(opened.status, 201);
      assert.equal(await get('node', `/api/accounts/${(await opened.json()).id}`, good.accessToken), 200);
      await quickstart.operate('revoke', good.userId);
      assert.equal((await open()).status, 403);
    });
  });
}

/** Takes a visitor through the box and answers the address that they come back to. */
async function completed(visitor, smtp, started, email) {
  let page = await visitor.open('GET', started.authenticationUrl);
  page = await visitor.fill(page, field => field.type === 'email', email);
  page = await visitor.fill(page, field => field.complete === 'one-time-code', codeIn(await smtp.next(email)));
  assert.ok(page.left, `the person did not come back (${page.status}): ${page.text?.slice(0, 1000)}`);
  return page.left;
}
