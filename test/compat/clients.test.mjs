// How the other clients put their requests on the wire, as plain HTTP: Go, Python, C#, Ruby and Terraform.
// Each speaks in its own way about the path, the token, the headers and the answer that it expects.

import assert from 'node:assert/strict';
import { createPrivateKey, sign } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startAdmit, told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';

/** A client JWT as a foreign SDK signs it for itself with the private key inside its access key. */
export function selfSigned(accessKey, issuer, { header = {}, claims = {} } = {}) {
  const [clientId, keyId, account, pkcs8] = accessKey.split('.');
  const now = Math.floor(Date.now() / 1000);
  const encode = value => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = [
    encode({ alg: 'EdDSA', kid: keyId, typ: 'at+jwt', ...header }),
    encode({
      aud: `${account}.accounts.authress.io`, iss: `${issuer}/v1/clients/${encodeURIComponent(clientId)}`, sub: clientId, client_id: clientId,
      iat: now, exp: now + 86_400, scope: 'openid', ...claims
    })
  ].join('.');
  const key = createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' });
  return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`;
}

for (const database of databases) {
  describe(`request shapes of other clients on ${database}`, () => {
    let server;
    let key;
    const user = 'auth0|ann b';
    const uri = 'documents/apples~and.pears@x/1';
    before(told(async () => {
      server = await startAdmit({ database });
      key = await server.accessKey('shapes');
      const admit = server.sdk(key);
      await admit.roles.createRole({ roleId: 'ro_shape', name: 'Shape', permissions: [{ action: 'documents:read', allow: true, grant: false, delegate: false }] });
      await admit.accessRecords.createRecord({
        recordId: 'shape', name: 'Shape', users: [{ userId: user }, { userId: 'auth0|ann+b' }], statements: [{ roles: ['ro_shape'], resources: [{ resourceUri: uri }, { resourceUri: 'folders/*' }] }]
      });
    }));
    after(() => server?.stop());

    /** The members that the Go and Python models insist on. */
    const collection = (answer, name) => {
      assert.equal(answer.status, 200, answer.text);
      assert.match(answer.headers['content-type'], /^(application|text)\/(links\+)?json/);
      assert.ok(Array.isArray(answer.json[name]), name);
      assert.ok(answer.json.links && 'self' in answer.json.links, 'links.self');
      return answer.json[name];
    };

    describe('Go', () => {
      // url.PathEscape: the star is escaped, the colon is not; the access key itself is the bearer.
      const ask = (method, path, more = {}) => http(server, method, path, {
        token: key, ...more, headers: { Accept: 'application/links+json', 'User-Agent': 'Authress SDK; Go; 0.0.0; ', ...more.headers }
      });
      const person = 'auth0%7Cann%20b';

      test('checks a permission with the raw access key', async () => {
        const path = `/v1/users/${person}/resources/documents%2Fapples~and.pears@x%2F1/permissions/documents:read`;
        assert.equal((await ask('GET', path)).status, 200);
        assert.equal((await ask('GET', path.replace(':read', ':edit'))).status, 404);
        assert.equal((await ask('GET', `/v1/users/${person}/resources/folders%2F%2A/permissions/documents:read`)).status, 200);
      });

      test('leaves a plus as it is', async () => {
        const path = '/v1/users/auth0%7Cann+b/resources/documents%2Fapples~and.pears@x%2F1/permissions/documents:read';
        assert.equal((await ask('GET', path)).status, 200);
        assert.equal((await ask('GET', path.replace('ann+b', 'ann%2Bb'))).status, 200);
      });

      test('decodes what is listed', async () => {
        for (const role of collection(await ask('GET', '/v1/roles'), 'roles')) { assert.ok(role.name && Array.isArray(role.permissions)); }
        for (const record of collection(await ask('GET', '/v1/records'), 'records')) { assert.ok(record.name && Array.isArray(record.statements)); }
        for (const client of collection(await ask('GET', '/v1/clients'), 'clients')) { assert.ok(client.clientId && Date.parse(client.createdTime)); }
        collection(await ask('GET', '/v1/users'), 'users');
        collection(await ask('GET', `/v1/users/${person}/resources?resourceUri=documents%2F%2A&permissions=documents%3Aread&collectionConfiguration=INCLUDE_NESTED`), 'resources');
        const account = (await ask('GET', '/v1/accounts')).json.accounts;
        assert.ok(!Array.isArray(account) && account.accountId && account.createdTime && account.company, 'Go models one account');
      });

      test('sends If-Unmodified-Since with whole seconds', async () => {
        const created = await ask('POST', '/v1/records', { body: { recordId: 'go', name: 'Go', users: [{ userId: 'g' }], statements: [{ roles: ['ro_shape'], resources: [{ resourceUri: 'go/1' }] }] } });
        assert.equal(created.status, 201, created.text);
        const seconds = created.json.lastUpdated.replace(/\.\d+/, '');
        const fresh = await ask('PUT', '/v1/records/go', { body: { ...created.json, name: 'Gone' }, headers: { 'If-Unmodified-Since': seconds } });
        assert.ok(fresh.status === 200 || fresh.status === 202, `${fresh.status} ${fresh.text}`);
        const stale = await ask('PUT', '/v1/records/go', { body: created.json, headers: { 'If-Unmodified-Since': '2020-01-01T00:00:00Z' } });
        assert.equal(stale.status, 412, stale.text);
      });
    });

    describe('Python', () => {
      // typ JWT, "scopes" for the scope, quote(value, '') for every segment; it reads the documented status only.
      const ask = (method, path, more = {}) => http(server, method, path, {
        token: selfSigned(key, server.url, { header: { typ: 'JWT' }, claims: { scope: undefined, scopes: 'openid' } }),
        ...more, headers: { Accept: 'application/links+json', 'User-Agent': 'Authress SDK; Python; 3.0.0;', ...more.headers }
      });

      test('checks a permission with a token it signed for itself', async () => {
        const path = '/v1/users/auth0%7Cann%20b/resources/documents%2Fapples~and.pears%40x%2F1/permissions/documents%3Aread';
        assert.equal((await ask('GET', path)).status, 200);
        assert.equal((await ask('GET', path.replace('auth0', 'auth1'))).status, 404);
      });

      test('gets 201 for what it creates', async () => {
        const created = await ask('POST', '/v1/roles', { body: { roleId: 'ro_python', name: 'Python', permissions: [{ action: 'a:b', allow: true, grant: false, delegate: false }] } });
        assert.equal(created.status, 201, created.text);
        assert.equal((await ask('DELETE', '/v1/roles/ro_python')).status, 204);
        const account = (await ask('GET', '/v1/accounts')).json.accounts;
        assert.ok(!Array.isArray(account) && account.accountId, 'Python models one account');
      });
    });

    describe('C#', () => {
      // HttpUtility.UrlEncode: lower-case hex; a list's next page is the link, not the cursor.
      const ask = (method, path) => http(server, method, path, {
        token: selfSigned(key, server.url, { claims: { scope: undefined, scopes: 'openid', nbf: Math.floor(Date.now() / 1000) } }),
        headers: { 'User-Agent': 'Authress SDK; C#; 3.0.0;' }
      });

      test('checks a permission', async () => {
        assert.equal((await ask('GET', '/v1/users/auth0%7cann%2bb/resources/documents%2fapples~and.pears%40x%2f1/permissions/documents%3aread')).status, 200);
        assert.equal((await ask('GET', '/v1/users/auth0%7cann%2bb/resources/documents%2fapples~and.pears%40x%2f1/permissions/documents%3aedit')).status, 404);
      });

      test('pages by links.next.href', async () => {
        const admit = server.sdk(key);
        for (let n = 0; n < 5; n++) {
          await admit.accessRecords.createRecord({ recordId: `cs-${n}`, name: 'Sharp paging', users: [{ userId: 'c' }], statements: [{ roles: ['ro_shape'], resources: [{ resourceUri: `cs/${n}` }] }] });
        }
        const seen = [];
        let path = '/v1/records?limit=2&filter=sharp%20paging';
        while (path) {
          const answer = await ask('GET', path);
          seen.push(...collection(answer, 'records').map(record => record.recordId));
          const next = answer.json.links.next?.href;
          path = next && `${new URL(next, server.url).pathname}${new URL(next, server.url).search}`;
          assert.ok(seen.length <= 5);
        }
        assert.deepEqual(seen.sort(), ['cs-0', 'cs-1', 'cs-2', 'cs-3', 'cs-4']);
      });
    });

    describe('Ruby', () => {
      // Nothing in the path is escaped, so a resource is several segments; the access key itself is the bearer.
      const ask = path => http(server, 'GET', path, { token: key, headers: { 'User-Agent': 'Authress SDK; Ruby; 1.0.0;' } });

      test('sends a resource with raw slashes', async () => {
        assert.equal((await ask('/v1/users/auth0%7Cann%20b/resources/documents/apples~and.pears@x/1/permissions/documents:read')).status, 200);
        assert.equal((await ask('/v1/users/auth0%7Cann%20b/resources/documents/apples~and.pears@x/2/permissions/documents:read')).status, 404);
        const list = await ask('/v1/users/auth0%7Cann%20b/resources/documents/apples~and.pears@x/1/permissions');
        assert.equal(list.status, 200, list.text);
        assert.equal(list.json.permissions[0].action, 'documents:read');
        assert.equal((await ask('/v1/users/auth0%7Cann%20b/resources/documents/apples~and.pears@x/1/roles')).json.roles[0].roleId, 'ro_shape');
      });
    });

    describe('Terraform', () => {
      // JSON without a Content-Type, and every status but 200 is an error to it.
      const ask = (method, path, body) => http(server, method, path, {
        token: key, headers: { 'User-Agent': 'Authress SDK; Terraform; 1.0.0;', ...(body ? { 'Content-Length': Buffer.byteLength(body) } : {}) }, raw: body
      });

      test('creates, reads, changes and removes a role', async () => {
        const role = name => JSON.stringify({ roleId: 'ro_terraform', name, permissions: [{ action: 'docs:read', allow: true, grant: false, delegate: false }] });
        const created = await ask('POST', '/v1/roles', role('One'));
        assert.deepEqual([created.status, created.json?.roleId], [200, 'ro_terraform'], created.text);
        assert.equal((await ask('GET', '/v1/roles/ro_terraform')).json.name, 'One');
        const changed = await ask('PUT', '/v1/roles/ro_terraform', role('Two'));
        assert.deepEqual([changed.status, changed.json?.name], [200, 'Two'], changed.text);
        assert.equal((await ask('DELETE', '/v1/roles/ro_terraform')).status, 200);
        assert.equal((await ask('GET', '/v1/roles/ro_terraform')).status, 404);
      });
    });

    describe('any client', () => {
      const check = '/v1/users/x/resources/y/permissions/z';

      test('is refused with a token that does not hold', async () => {
        const [clientId, keyId, account, pkcs8] = key.split('.');
        const other = await server.accessKey('other');
        const past = { iat: 1_600_000_000, exp: 1_600_086_400 };
        const tokens = {
          none: undefined, rubbish: 'rubbish', empty: '..',
          'an expired token': selfSigned(key, server.url, { claims: past }),
          'a token without an end': selfSigned(key, server.url, { claims: { exp: undefined } }),
          'another issuer': selfSigned(key, 'https://elsewhere.example.com'),
          'another audience': selfSigned(key, server.url, { claims: { aud: 'other.accounts.authress.io' } }),
          'another subject': selfSigned(key, server.url, { claims: { sub: other.split('.')[0], client_id: other.split('.')[0] } }),
          'another algorithm': selfSigned(key, server.url, { header: { alg: 'none' } }),
          'an embedded key': selfSigned(key, server.url, { header: { jwk: { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' } } }),
          'an unknown key': selfSigned(key, server.url, { header: { kid: 'unknown' } }),
          'the private key of another client': [clientId, keyId, account, other.split('.')[3]].join('.'),
          'another account': [clientId, keyId, 'acc_other', pkcs8].join('.'),
          'a key id of another client': [clientId, other.split('.')[1], account, other.split('.')[3]].join('.')
        };
        for (const [name, token] of Object.entries(tokens)) {
          const answer = await http(server, 'GET', check, { token });
          assert.equal(answer.status, 401, `${name}: ${answer.text}`);
          assert.ok(answer.json?.errorCode && answer.json.title, `${name}: the error shape`);
        }
        assert.equal((await http(server, 'GET', check, { token: selfSigned(key, server.url) })).status, 404);
        assert.equal((await http(server, 'GET', check, { token: key })).status, 404);
      });

      test('gets a client\'s public keys without a token', async () => {
        const [clientId, keyId] = key.split('.');
        const { status, json } = await http(server, 'GET', `/v1/clients/${clientId}/.well-known/openid-configuration/jwks`);
        assert.equal(status, 200);
        const jwk = json.keys.find(found => found.kid === keyId);
        assert.deepEqual([jwk.kty, jwk.crv, jwk.alg], ['OKP', 'Ed25519', 'EdDSA']);
        assert.match(jwk.x, /^[A-Za-z0-9_-]{43}$/);
        assert.equal(jwk.d, undefined);
      });

      test('is told what is wrong, never with a 500', async () => {
        const token = selfSigned(key, server.url);
        for (const [method, path, body, statuses] of [
          ['POST', '/v1/roles', '{', [400]], ['POST', '/v1/roles', '[]', [400]], ['POST', '/v1/roles', '', [400]],
          ['POST', '/v1/roles', '{"name":"a","name":"b","permissions":[]}', [400]], ['POST', '/v1/records', `{"name":"${'x'.repeat(300_000)}"}`, [400, 413]],
          ['GET', '/v1/records?cursor=rubbish', undefined, [400]], ['GET', '/v1/records?limit=x', undefined, [400]], ['GET', '/v1/nothing', undefined, [404]],
          ['PATCH', '/v1/roles', undefined, [404, 405]], ['GET', '/v1/users/x/resources/a%2F..%2Fb/permissions/c', undefined, [400]],
          ['GET', '/v1/users/x/resources/a%252Fb/permissions/c', undefined, [400, 404]], ['GET', `/v1/users/x/resources/${'a'.repeat(600)}/permissions/c`, undefined, [400]]
        ]) {
          const answer = await http(server, method, path, { token, body });
          assert.ok(statuses.includes(answer.status), `${method} ${path.slice(0, 60)}: ${answer.status} ${answer.text.slice(0, 200)}`);
          assert.ok(answer.json?.title && answer.json.errorCode && answer.json.errorId, `${method} ${path.slice(0, 60)}: the error shape`);
        }
      });
    });
  });
}
