// The directory: people, accounts, linked issuers, connections, extensions and the limits of service clients, through the unmodified
// @authress/sdk and in the request shapes of the other clients.

import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { rejection, startAdmit, told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { eventually } from '../harness/net.mjs';
import { allowRedirects, claims, Visitor } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';

const back = 'http://localhost:9/back';
const encode = value => Buffer.from(JSON.stringify(value)).toString('base64url');

/** An OpenID Connect issuer on this machine, like that of a pipeline: a discovery document, a key set, and tokens at will. */
async function startIssuer() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = { asked: 0 };
  const listener = createServer((request, response) => {
    issuer.asked++;
    const documents = {
      '/.well-known/openid-configuration': { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` },
      '/jwks': { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'ci-1', alg: 'ES256', use: 'sig' }] }
    };
    response.writeHead(documents[request.url] ? 200 : 404, { 'Content-Type': 'application/json' }).end(JSON.stringify(documents[request.url] ?? {}));
  });
  await new Promise(resolve => listener.listen(0, '127.0.0.1', resolve));
  issuer.url = `http://127.0.0.1:${listener.address().port}`;
  issuer.stop = () => new Promise(resolve => { listener.closeAllConnections(); listener.close(resolve); });
  issuer.token = (changes = {}, header = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const input = `${encode({ alg: 'ES256', kid: 'ci-1', typ: 'JWT', ...header })}.${encode({
      iss: issuer.url, sub: 'repo:acme/shop:ref:refs/heads/main', aud: 'admit', iat: now, exp: now + 300, ...changes })}`;
    return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  };
  return issuer;
}

for (const database of databases) {
  describe(`the directory on ${database}`, () => {
    let server;
    let smtp;
    let issuer;
    let admit;
    let key;
    before(told(async () => {
      smtp = await startSmtp();
      issuer = await startIssuer();
      server = await startAdmit({ database, dev: false, smtp, env: { ADMIT_INSECURE_EGRESS_ALLOW: '127.0.0.0/8' } });
      key = await server.accessKey('directory');
      admit = server.sdk(key);
      await allowRedirects(server, [back]);
    }));
    after(async () => { await server?.stop(); await issuer?.stop(); await smtp?.stop(); });

    const signIn = address => new Visitor(server, smtp).signIn(address, back);
    const ask = (method, path, more = {}) => http(server, method, path, { token: key, ...more });

    describe('users', () => {
      test('carry the claims that an administrator gives them, from the next token on', async () => {
        const { userId } = await signIn('claims@example.com');
        const shown = await admit.users.getUser(userId);
        assert.equal(shown.data.userId, userId);
        assert.deepEqual(shown.data.tokenConfiguration, { defaultClaims: { defaultAccessTokenClaims: {}, defaultUserIdentityClaims: {} } });

        const body = { defaultClaims: { defaultAccessTokenClaims: { plan: 'gold', 'https://shop.example/level': 3 }, defaultUserIdentityClaims: { team: ['a'] } } };
        for (const path of [`/v1/users/${userId}`, `/v1/users/${userId}/token-configuration`]) {
          const answer = await ask('PUT', path, { body });
          assert.equal(answer.status, 200, answer.text);
        }
        assert.deepEqual((await admit.users.getUser(userId)).data.tokenConfiguration, body);
        const next = await signIn('claims@example.com');
        assert.deepEqual([claims(next.accessToken).plan, claims(next.accessToken)['https://shop.example/level'], claims(next.accessToken).sub], ['gold', 3, userId]);
        assert.deepEqual([claims(next.idToken).team, claims(next.idToken).plan], [['a'], undefined]);
        assert.equal((await http(server, 'GET', `/v1/users/${userId}`, { token: next.accessToken })).status, 200);

        for (const reserved of ['sub', 'scope', 'Permissions', 'email', 'aud', 'sid']) {
          const refusal = await ask('PUT', `/v1/users/${userId}`, { body: { defaultClaims: { defaultAccessTokenClaims: { [reserved]: 'x' } } } });
          assert.equal(refusal.status, 400, reserved);
        }
        assert.equal((await http(server, 'PUT', `/v1/users/${userId}`, { token: next.accessToken, body })).status, 403, 'not by the person');
      });

      test('lose one token and keep the others', async () => {
        const [one, two] = [await signIn('tokens@example.com'), await signIn('tokens@example.com')];
        const stranger = await signIn('stranger@example.com');
        const works = token => http(server, 'GET', `/v1/users/${one.userId}/resources`, { token }).then(answer => answer.status);
        assert.deepEqual([await works(one.accessToken), await works(two.accessToken)], [200, 200]);
        const refusal = await rejection(server.sdk(() => stranger.accessToken).userPermissions.disableUserToken(one.userId, claims(one.accessToken).jti));
        assert.equal(refusal.status, 403);
        assert.equal((await admit.userPermissions.disableUserToken(stranger.userId, claims(one.accessToken).jti)).status, 204, 'another person\'s token');
        assert.equal(await works(one.accessToken), 200);

        assert.equal((await server.sdk(() => one.accessToken).userPermissions.disableUserToken(null, claims(one.accessToken).jti)).status, 204, 'by the person');
        assert.deepEqual([await works(one.accessToken), await works(two.accessToken)], [401, 200]);
        assert.equal((await admit.userPermissions.disableUserToken(one.userId, claims(one.accessToken).jti)).status, 204, 'once more');
        await server.restart();
        assert.deepEqual([await works(one.accessToken), await works(two.accessToken)], [401, 200], 'after a restart');
      });

      test('are listed by tenant, as Go, Python and Ruby ask', async () => {
        const inside = await signIn('inside@example.com');
        await signIn('outside@example.com');
        const made = await ask('POST', '/v1/tenants', { body: { tenantId: 'shop', tenantLookupIdentifier: 'shop', data: { name: 'Shop' } } });
        assert.equal(made.status, 201, made.text);
        assert.equal((await ask('PATCH', '/v1/tenants/shop/users', { body: { userId: inside.userId } })).status, 204);
        const of = async query => (await ask('GET', `/v1/users${query}`, { headers: { 'User-Agent': 'Authress SDK; Go; 0.0.0; ' } })).json.users.map(user => user.userId);
        assert.deepEqual(await of('?tenantId=shop'), [inside.userId]);
        assert.deepEqual(await of('?tenantId=none'), []);
        assert.ok((await of('')).length >= 2);
        assert.equal((await ask('DELETE', `/v1/users/${inside.userId}`)).status, 202);
        assert.deepEqual(await of('?tenantId=shop'), []);
      });
    });

    describe('accounts', () => {
      test('are read by the SDK, and in the shape that other clients model', async () => {
        const { data: { accounts } } = await admit.accounts.getAccounts();
        assert.equal(accounts.length, 1);
        const { data: one } = await admit.accounts.getAccount(accounts[0].accountId);
        assert.deepEqual([one.accountId, typeof one.company], [accounts[0].accountId, 'object']);
        assert.ok(Date.parse(one.createdTime));
        for (const [agent, single] of [['Go; 0.0.0', true], ['Python; 3.0.0', true], ['C#; 2.0.0', false], ['Ruby; 1', false], ['Javascript; 2.3.127', false]]) {
          const { json } = await ask('GET', '/v1/accounts', { headers: { 'User-Agent': `Authress SDK; ${agent}; ` } });
          assert.equal(Array.isArray(json.accounts), !single, agent);
        }
        assert.equal((await rejection(admit.accounts.getAccount('acc_other'))).status, 404);
      });
    });

    describe('linked issuers', () => {
      test('let a pipeline in with its own token, as somebody of the issuer\'s namespace', async () => {
        const token = issuer.token();
        const status = async (bearer, path = '/v1/roles') => (await http(server, 'GET', path, { token: bearer })).status;
        assert.equal(await status(token), 401, 'before it is linked');
        for (const body of [{ issuer: issuer.url }, { issuer: issuer.url, preferredAudience: '*' }]) {
          const refusal = await rejection(admit.accounts.linkIdentity(body));
          assert.equal(refusal.status, 400);
          assert.match(refusal.data.title, /audience/i);
        }
        const asked = issuer.asked;
        assert.equal((await admit.accounts.linkIdentity({ issuer: issuer.url, preferredAudience: 'admit' })).status, 201);
        assert.equal((await admit.accounts.linkIdentity({ jwt: token })).status, 201, 'the same again, read from a token');
        const { data: { identities } } = await admit.accounts.getAccountIdentities();
        assert.deepEqual(identities.map(({ issuer: url, audience, userIdExpression }) => [url, audience, userIdExpression]), [[issuer.url, 'admit', '{sub}']]);
        const [{ identityId, userIdPrefix }] = identities;
        assert.equal(issuer.asked, asked, 'nothing is fetched before a token comes');

        const userId = `${userIdPrefix}repo:acme~shop:ref:refs~heads~main`; // no path carries a slash
        assert.match(userId, /^iss_[0-9a-z]{16}\|repo:/);
        assert.equal(await status(token), 403, 'known, and without rights');
        await admit.accessRecords.createRecord({ name: 'pipeline', users: [{ userId }], statements: [{ roles: ['Authress:ReadResource'], resources: [{ resourceUri: 'Authress:Roles/*' }] }] });
        assert.equal(await status(token), 200);
        const pipeline = server.sdk(() => token);
        assert.equal((await pipeline.roles.getRole('Authress:Owner')).status, 200);
        assert.equal((await pipeline.userPermissions.authorizeUser(userId, 'Authress:Roles/x', 'READ')).status, 200);

        const foreign = await startIssuer();
        try {
          for (const [name, bad] of Object.entries({
            'another audience': issuer.token({ aud: 'other' }), 'every audience': issuer.token({ aud: '*' }), 'expired': issuer.token({ exp: Math.floor(Date.now() / 1000) - 60 }),
            'too long': issuer.token({ exp: Math.floor(Date.now() / 1000) + 86_400 * 2 }), 'an answer to a sign-in': issuer.token({ nonce: 'n' }), 'a logout token': issuer.token({}, { typ: 'logout+jwt' }),
            'another signature': foreign.token({ iss: issuer.url }), 'an issuer that is not linked': foreign.token(), 'none': issuer.token({}, { alg: 'none' }), 'a key set of its own': issuer.token({}, { jku: `${foreign.url}/jwks` }),
            'crit': issuer.token({}, { crit: ['b64'] }), 'a name with a star': issuer.token({ sub: '*' })
          })) { assert.equal(await status(bad), 401, name); }
          assert.equal(foreign.asked, 0, 'nobody else was asked for keys');
        } finally { await foreign.stop(); }
        const admin = await http(server, 'GET', '/v1/records', { token: issuer.token({ sub: (await admit.httpClient.tokenProvider(server.url).then(own => claims(own).sub)) }) });
        assert.equal(admin.status, 403, 'a service client\'s name is no service client');

        assert.equal((await ask('DELETE', `/v1/identities/${identityId}`)).status, 204);
        assert.equal(await status(token), 401, 'at once');
        assert.equal((await ask('DELETE', `/v1/identities/${identityId}`)).status, 404);
      });

      test('take the right to give everything', async () => {
        const clerk = (await admit.serviceClients.createClient({ name: 'Clerk' })).data.clientId;
        const clerkKey = (await admit.serviceClients.requestAccessKey(clerk)).data.accessKey;
        server.log.secret('access key', clerkKey.split('.')[3]);
        await admit.roles.createRole({ roleId: 'ro_clerk', name: 'Clerk', permissions: [{ action: '*', allow: true, grant: false, delegate: false }] });
        await admit.accessRecords.createRecord({ name: 'clerk', users: [{ userId: clerk }], statements: [{ roles: ['ro_clerk'], resources: [{ resourceUri: '*' }] }] });
        const refusal = await rejection(server.sdk(clerkKey).accounts.linkIdentity({ issuer: issuer.url, preferredAudience: 'clerk' }));
        assert.equal(refusal.status, 403);
        assert.equal((await server.sdk(clerkKey).accounts.getAccountIdentities()).status, 200);
      });
    });

    describe('connections', () => {
      const spec = { type: 'OAUTH2', issuerUrl: 'https://idp.example', clientId: 'abc', clientSecret: 'secret-of-a-test', data: { name: 'Acme' } };
      test('live their whole life, made by POST or by PUT', async () => {
        const made = await admit.connections.createConnection(spec);
        assert.equal(made.status, 201);
        const { connectionId } = made.data;
        assert.equal((await admit.connections.getConnection(connectionId)).data.data.name, 'Acme');
        assert.ok((await admit.connections.getConnections()).data.connections.some(one => one.connectionId === connectionId));
        const upserted = await admit.connections.updateConnection('con_sso-acme', spec);
        assert.deepEqual([upserted.status, upserted.data.connectionId], [200, 'con_sso-acme']);
        const changed = await admit.connections.updateConnection('con_sso-acme', { ...spec, data: { name: 'Acme 2' } });
        assert.equal(changed.data.data.name, 'Acme 2');
        for (const id of [connectionId, 'con_sso-acme']) { assert.equal((await admit.connections.deleteConnection(id)).status, 204); }
        assert.equal((await rejection(admit.connections.getConnection(connectionId))).status, 404);
      });

      test('have no credentials vault', async () => {
        assert.equal((await rejection(admit.connections.getConnectionCredentials('con_email', 'someone'))).status, 404);
      });
    });

    describe('extensions', () => {
      test('live their whole life, with their application and their client', async () => {
        const made = await admit.extensions.createExtension({ name: 'Reports', application: { redirectUrls: ['https://reports.example/cb'] }, client: { rateLimits: [{ duration: 'PT1H', quota: 100 }] } });
        assert.equal(made.status, 201);
        const { extensionId, application, client } = made.data;
        assert.match(extensionId, /^ext_/);
        assert.deepEqual([application.redirectUrls, client.rateLimits], [['https://reports.example/cb'], [{ duration: 'PT1H', quota: 100 }]]);
        assert.equal((await admit.serviceClients.getClient(client.clientId)).data.name, 'Reports');
        assert.equal((await ask('GET', `/v1/applications/${application.applicationId}`)).status, 200);
        assert.deepEqual((await admit.extensions.getExtension(extensionId)).data, made.data);
        assert.ok((await admit.extensions.getExtensions()).data.extensions.some(one => one.extensionId === extensionId));
        const go = await ask('GET', '/v1/extensions?limit=1', { headers: { Accept: 'application/links+json', 'User-Agent': 'Authress SDK; Go; 0.0.0; ' } });
        assert.ok(go.json.extensions.every(one => one.extensionId && Date.parse(one.createdTime)) && 'self' in go.json.links);
        const changed = await admit.extensions.updateExtension(extensionId, { ...made.data, name: 'Reports 2' });
        assert.deepEqual([changed.data.name, changed.data.application.applicationId], ['Reports 2', application.applicationId]);
        assert.equal((await admit.extensions.deleteExtension(extensionId)).status, 204);
        for (const path of [`/v1/extensions/${extensionId}`, `/v1/applications/${application.applicationId}`, `/v1/clients/${client.clientId}`]) {
          assert.equal((await ask('GET', path)).status, 404, path);
        }
        const terraform = await ask('POST', '/v1/extensions', { raw: JSON.stringify({ name: 'TF' }), headers: { 'User-Agent': 'Authress SDK; Terraform; 1; ' } });
        assert.equal(terraform.status, 200, terraform.text);
      });
    });

    describe('applications', () => {
      test('live their whole life in the documented shape', async () => {
        const made = await ask('POST', '/v1/applications', { body: { name: 'Portal', redirectUrls: ['https://portal.example/cb'] } });
        assert.equal(made.status, 201, made.text);
        const path = `/v1/applications/${made.json.applicationId}`;
        assert.deepEqual([made.json.sessionType, made.json.isActiveApplication], ['MULTI_SESSION', true]);
        assert.equal((await ask('PUT', path, { body: { ...made.json, name: 'Portal 2' } })).json.name, 'Portal 2');
        assert.ok((await ask('GET', '/v1/applications?filter=portal')).json.applications.some(one => one.name === 'Portal 2'));
        assert.equal((await ask('POST', `${path}/users/someone/delegation`)).status, 404, 'no delegation');
        assert.equal((await ask('DELETE', path)).status, 204);
        assert.equal((await ask('GET', path)).status, 404);
      });
    });

    describe('service clients', () => {
      test('are held to their rate limits, which change at once', async () => {
        const limited = (await admit.serviceClients.createClient({ name: 'Busy', rateLimits: [{ duration: 'P1D', quota: 100 }] })).data;
        assert.deepEqual(limited.rateLimits, [{ duration: 'P1D', quota: 100 }]);
        const busyKey = (await admit.serviceClients.requestAccessKey(limited.clientId)).data.accessKey;
        server.log.secret('access key', busyKey.split('.')[3]);
        const statuses = [];
        let last;
        for (let i = 0; i < 102; i++) { last = await http(server, 'GET', '/v1/users/someone/resources/a/permissions/read', { token: busyKey }); statuses.push(last.status); }
        assert.deepEqual([statuses.slice(0, 100).filter(status => status === 429).length, statuses.slice(100)], [0, [429, 429]]);
        assert.ok(Number(last.headers['retry-after']) > 1);
        assert.equal(last.json.errorCode, 'TooManyRequests');
        assert.equal((await admit.roles.getRole('Authress:Owner')).status, 200, 'others are not held');
        await admit.serviceClients.updateClient(limited.clientId, { name: 'Busy', rateLimits: [] });
        await eventually('the limit is gone', async () => (await http(server, 'GET', '/v1/roles', { token: busyKey })).status === 403, { every: 10 });
      });
    });
  });
}
