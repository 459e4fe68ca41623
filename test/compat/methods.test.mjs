// Every method of the unmodified @authress/sdk 2.3.127, each called once in one story with its result judged. The list is the
// SDK's own: a method that the story does not call, and that is not named as absent with a reason, fails.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { rejection, startAdmit, told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { allowRedirects, claims, Visitor } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';

const back = 'http://localhost:9/back';

/** What Admit does not have; it answers 404, and the SDK says so. */
const absent = {
  'connections.getConnectionCredentials': ['there is no vault of other people\'s credentials', admit => admit.connections.getConnectionCredentials('con_x', 'someone')],
  'userPermissions.requestUserToken': ['there are no tokens for other people', admit => admit.userPermissions.requestUserToken('someone', { statements: [] })]
};

/** The SDK's methods, by the objects that a client has. */
function methodsOf(admit) {
  return Object.entries(admit).filter(([name, api]) => /Api$/.test(api?.constructor?.name) && name !== 'httpClient')
    .flatMap(([name, api]) => Object.getOwnPropertyNames(Object.getPrototypeOf(api)).filter(method => method !== 'constructor').map(method => `${name}.${method}`));
}

/** Notes which methods were called and answered. */
function watched(admit, called) {
  for (const name of methodsOf(admit)) {
    const [api, method] = name.split('.');
    const original = admit[api][method];
    admit[api][method] = async function (...args) {
      const answer = await original.apply(this, args);
      called.add(name);
      return answer;
    };
  }
  return admit;
}

const action = (name, flags = {}) => ({ action: name, allow: true, grant: false, delegate: false, ...flags });
const statement = (role, resourceUri) => ({ roles: [role], resources: [{ resourceUri }] });
const status = wanted => answer => { assert.equal(answer.status, wanted, JSON.stringify(answer.data)); return answer.data; };
const gone = async promise => assert.equal((await rejection(promise)).status, 404);

for (const database of databases) {
  describe(`every method of the SDK on ${database}`, () => {
    const called = new Set();
    let server;
    let smtp;
    let admit;
    before(told(async () => {
      smtp = await startSmtp();
      server = await startAdmit({ database, dev: false, smtp });
      admit = watched(await server.administrator(), called);
      await allowRedirects(server, [back]);
    }));
    after(async () => { await server?.stop(); await smtp?.stop(); });

    const as = person => watched(server.sdk(() => person.accessToken), called);
    const signIn = address => new Visitor(server, smtp).signIn(address, back);

    test('roles', async () => {
      const role = { roleId: 'ro_story', name: 'Story', permissions: [action('story:read'), action('story:tell', { grant: true })] };
      assert.deepEqual(status(201)(await admit.roles.createRole(role)).permissions, role.permissions);
      assert.equal(status(200)(await admit.roles.getRole('ro_story')).name, 'Story');
      assert.equal(status(200)(await admit.roles.updateRole('ro_story', { ...role, name: 'Tale' })).name, 'Tale');
      await admit.roles.createRole({ ...role, roleId: 'ro_short' });
      status(204)(await admit.roles.deleteRole('ro_short'));
      await gone(admit.roles.getRole('ro_short'));
    });

    test('access records', async () => {
      const made = status(201)(await admit.accessRecords.createRecord({ recordId: 'story', name: 'Story', users: [{ userId: 'ann/of green|gables' }], statements: [statement('ro_story', 'books/1')] }));
      assert.deepEqual([made.recordId, made.status], ['story', 'ACTIVE']);
      const read = status(200)(await admit.accessRecords.getRecord('story'));
      assert.deepEqual(read.statements, [statement('ro_story', 'books/1')]);
      assert.ok(status(200)(await admit.accessRecords.getRecords(10, null, 'Story', 'ACTIVE')).records.some(({ recordId }) => recordId === 'story'));
      const changed = status(200)(await admit.accessRecords.updateRecord('story', { ...read, name: 'Longer story' }, read.lastUpdated));
      assert.ok(changed.name === 'Longer story' && Date.parse(changed.lastUpdated) > Date.parse(read.lastUpdated));
      await admit.accessRecords.createRecord({ recordId: 'short', name: 'Short', users: [{ userId: 'x' }], statements: [statement('ro_story', 'books/2')] });
      assert.equal(await admit.accessRecords.deleteRecord('short'), undefined);
      assert.equal((await admit.accessRecords.getRecord('short')).data.status, 'DELETED');
    });

    test('permissions of people, whose ids may hold a slash', async () => {
      const user = 'ann/of green|gables';
      const of = admit.userPermissions;
      status(200)(await of.authorizeUser(user, 'books/1', 'story:read'));
      assert.equal((await rejection(of.authorizeUser(user, 'books/2', 'story:read'))).name, 'UnauthorizedError');
      assert.equal((await rejection(of.authorizeUser('ann', 'books/1', 'story:read'))).name, 'UnauthorizedError');
      assert.deepEqual(status(200)(await of.getUserPermissionsForResource(user, 'books/1')).permissions.map(one => one.action).sort(), ['story:read', 'story:tell']);
      assert.deepEqual(status(200)(await of.getUserRolesForResource(user, 'books/1')).roles.map(({ roleId }) => roleId), ['ro_story']);
      for (const collection of [undefined, 'INCLUDE_NESTED']) {
        const { resources } = status(200)(await of.getUserResources(user, 'books/*', 10, null, 'story:read', collection));
        assert.deepEqual(resources.map(({ resourceUri }) => resourceUri), ['books/1'], collection);
      }
    });

    test('resources, claims and their users', async () => {
      const put = status(200)(await admit.resources.updateResourcePermissions('shelves', { permissions: [{ action: 'CLAIM', allow: true }] }));
      assert.ok(put.permissions.some(one => one.action === 'CLAIM' && one.allow));
      assert.deepEqual(status(200)(await admit.resources.getResourcePermissions('shelves')).permissions, put.permissions);
      assert.ok(status(200)(await admit.resources.getResources()).resources.some(({ resourceUri }) => resourceUri === 'shelves'));
      const beth = await signIn('beth@example.com');
      status(201)(await as(beth).accessRecords.createClaim({ collectionResource: 'shelves', resourceId: 'first' }));
      assert.equal((await rejection(admit.accessRecords.createClaim({ collectionResource: 'shelves', resourceId: 'first' }))).status, 409);
      const { users } = status(200)(await admit.resources.getResourceUsers('shelves/first'));
      assert.deepEqual(users.find(({ userId }) => userId === beth.userId)?.roles, [{ roleId: 'Authress:Owner' }]);
    });

    test('people, and single tokens', async () => {
      const carl = await signIn('carl@example.com');
      const read = status(200)(await admit.users.getUser(carl.userId));
      assert.deepEqual([read.userId, read.email], [carl.userId, 'carl@example.com']);
      assert.equal(status(200)(await as(carl).users.getUser(carl.userId)).userId, carl.userId);
      status(204)(await admit.userPermissions.disableUserToken(carl.userId, claims(carl.accessToken).jti));
      assert.equal((await rejection(as(carl).users.getUser(carl.userId))).status, 401);
    });

    test('invites', async () => {
      const made = status(201)(await admit.invites.createInvite({ statements: [statement('ro_story', 'books/3')] }));
      assert.deepEqual(status(200)(await admit.invites.getInvite(made.inviteId)).statements, [statement('ro_story', 'books/3')]);
      const dora = await signIn('dora@example.com');
      status(200)(await as(dora).invites.respondToInvite(made.inviteId));
      status(200)(await admit.userPermissions.authorizeUser(dora.userId, 'books/3', 'story:read'));
      const { inviteId } = (await admit.invites.createInvite({ statements: [statement('ro_story', 'books/4')] })).data;
      assert.equal(await admit.invites.deleteInvite(inviteId), undefined);
      await gone(admit.invites.getInvite(inviteId));
    });

    test('service clients and their keys', async () => {
      const { clientId } = status(201)(await admit.serviceClients.createClient({ name: 'Library' }));
      assert.equal(status(200)(await admit.serviceClients.getClient(clientId)).name, 'Library');
      assert.equal(status(200)(await admit.serviceClients.updateClient(clientId, { name: 'Archive' })).name, 'Archive');
      assert.ok(status(200)(await admit.serviceClients.getClients()).clients.some(one => one.clientId === clientId));
      const { accessKey, keyId } = status(201)(await admit.serviceClients.requestAccessKey(clientId));
      server.log.secret('access key', accessKey.split('.')[3]);
      assert.equal((await rejection(server.sdk(accessKey).roles.getRole('ro_story'))).status, 403);
      status(204)(await admit.serviceClients.deleteAccessKey(clientId, keyId));
      assert.equal((await rejection(server.sdk(accessKey).roles.getRole('ro_story'))).status, 401);
      status(204)(await admit.serviceClients.deleteClient(clientId));
      await gone(admit.serviceClients.getClient(clientId));
    });

    test('accounts and linked issuers', async () => {
      const { accounts: [account] } = status(200)(await admit.accounts.getAccounts());
      assert.equal(status(200)(await admit.accounts.getAccount(account.accountId)).accountId, account.accountId);
      status(201)(await admit.accounts.linkIdentity({ issuer: 'https://pipelines.example', preferredAudience: 'library' }));
      assert.deepEqual(status(200)(await admit.accounts.getAccountIdentities()).identities.map(({ issuer, audience }) => [issuer, audience]), [['https://pipelines.example', 'library']]);
    });

    test('connections', async () => {
      const spec = { type: 'OAUTH2', issuerUrl: 'https://idp.example', clientId: 'abc', clientSecret: 'secret-of-a-test', data: { name: 'Acme' } };
      const { connectionId } = status(201)(await admit.connections.createConnection(spec));
      const read = status(200)(await admit.connections.getConnection(connectionId));
      assert.ok(read.data.name === 'Acme' && !JSON.stringify(read).includes('secret-of-a-test'));
      assert.ok(status(200)(await admit.connections.getConnections()).connections.some(one => one.connectionId === connectionId));
      assert.equal(status(200)(await admit.connections.updateConnection(connectionId, { ...spec, data: { name: 'Acme 2' } })).data.name, 'Acme 2');
      status(204)(await admit.connections.deleteConnection(connectionId));
      await gone(admit.connections.getConnection(connectionId));
    });

    test('extensions', async () => {
      const made = status(201)(await admit.extensions.createExtension({ name: 'Reports', application: { redirectUrls: ['https://reports.example/cb'] } }));
      assert.equal(status(200)(await admit.extensions.getExtension(made.extensionId)).name, 'Reports');
      assert.ok(status(200)(await admit.extensions.getExtensions()).extensions.some(one => one.extensionId === made.extensionId));
      assert.equal(status(200)(await admit.extensions.updateExtension(made.extensionId, { ...made, name: 'Charts' })).name, 'Charts');
      status(204)(await admit.extensions.deleteExtension(made.extensionId));
      await gone(admit.extensions.getExtension(made.extensionId));
    });

    test('tenants', async () => {
      const tenant = { tenantId: 'press', tenantLookupIdentifier: 'press', data: { name: 'Press' } };
      assert.equal(status(201)(await admit.tenants.createTenant(tenant)).tenantId, 'press');
      assert.equal(status(200)(await admit.tenants.getTenant('press')).data.name, 'Press');
      assert.ok(status(200)(await admit.tenants.getTenants()).tenants.some(one => one.tenantId === 'press'));
      assert.equal(status(200)(await admit.tenants.updateTenant('press', { ...tenant, data: { name: 'Printers' } })).data.name, 'Printers');
      await admit.tenants.deleteTenant('press');
      await gone(admit.tenants.getTenant('press'));
    });

    for (const [name, [reason, call]] of Object.entries(absent)) {
      test(`${name} is absent: ${reason}`, () => gone(call(admit)));
    }

    test('that is all of it', () => {
      const all = methodsOf(admit);
      assert.ok(all.length >= 45, `the SDK has only ${all.length} methods: they are looked for in the wrong place`);
      assert.deepEqual(all.filter(name => !called.has(name) && !absent[name]), [], 'not called');
      assert.deepEqual(Object.keys(absent).filter(name => !all.includes(name) || called.has(name)), [], 'named as absent');
    });

    test('every list of the new nouns pages by links.next.href, as C# does', async () => {
      const key = await server.accessKey('pages');
      const sharp = path => http(server, 'GET', path, { token: key, headers: { 'User-Agent': 'Authress SDK; C#; 3.0.0;' } });
      for (let n = 0; n < 5; n++) {
        await admit.tenants.createTenant({ tenantId: `page-${n}`, tenantLookupIdentifier: `page-${n}`, data: { name: `Page ${n}` } });
        await admit.extensions.createExtension({ name: `Page ${n}` });
        await admit.connections.createConnection({ type: 'OAUTH2', issuerUrl: 'https://idp.example', clientId: 'abc', clientSecret: 'x', data: { name: `Page ${n}` } });
        await admit.resources.updateResourcePermissions(`pages/${n}`, { permissions: [{ action: 'PUBLIC', allow: true }] });
        await admit.roles.createRole({ roleId: `ro_page${n}`, name: `Page ${n}`, permissions: [action('a:b')] });
        await admit.accessRecords.createRecord({ name: `Page ${n}`, users: [{ userId: `reader-${n}` }, { userId: 'reader' }], statements: [statement(`ro_page${n}`, 'library'), statement(`ro_page${n}`, `library/${n}`)] });
        assert.equal((await http(server, 'POST', '/v1/groups', { token: key, body: { name: `Page ${n}`, users: [{ userId: 'reader' }] } })).status, 201);
        assert.equal((await http(server, 'POST', '/v1/requests', { token: key, body: { access: { users: [{ userId: 'reader' }], statements: [statement(`ro_page${n}`, 'library')] } } })).status, 201);
      }
      for (const [list, member, id] of [
        ['/v1/tenants?', 'tenants', 'tenantId'], ['/v1/extensions?', 'extensions', 'extensionId'], ['/v1/connections?', 'connections', 'connectionId'], ['/v1/resources?', 'resources', 'resourceUri'],
        ['/v1/roles?', 'roles', 'roleId'], ['/v1/groups?', 'groups', 'groupId'], ['/v1/requests?', 'records', 'requestId'], ['/v1/records?', 'records', 'recordId'], ['/v1/clients?', 'clients', 'clientId'],
        ['/v1/users?', 'users', 'userId'], ['/v1/resources/library/users?', 'users', 'userId'], ['/v1/resources/library/subjects?permission=a:b&', 'subjects', 'userId'],
        ['/v1/users/reader/resources?resourceUri=library/*&permissions=a:b&', 'resources', 'resourceUri']
      ]) {
        const whole = await sharp(`${list}limit=100`);
        assert.equal(whole.status, 200, whole.text);
        const seen = [];
        let pages = 0;
        for (let path = `${list}limit=2`; path; pages++) {
          const page = await sharp(path);
          assert.equal(page.status, 200, `${path}: ${page.text}`);
          assert.ok(page.json[member].length <= 2, `${list} ignores its limit`);
          seen.push(...page.json[member].map(one => one[id]));
          const next = page.json.links.next?.href;
          path = next && `${new URL(next, server.url).pathname}${new URL(next, server.url).search}`;
          assert.ok(pages < 60, `${list} never ends`);
        }
        assert.deepEqual(seen.sort(), whole.json[member].map(one => one[id]).sort(), `${list} in ${pages} pages`);
      }
    });

    test('Terraform takes 200 only, from every noun that it may manage', async () => {
      const key = await server.accessKey('terraform');
      const ask = async (method, path, body) => {
        const answer = await http(server, method, path, { token: key, raw: body && JSON.stringify(body), headers: { 'User-Agent': 'Authress SDK; Terraform; 1.0.0;', ...(body ? { 'Content-Length': Buffer.byteLength(JSON.stringify(body)) } : {}) } });
        assert.equal(answer.status, 200, `${method} ${path}: ${answer.status} ${answer.text}`);
        return answer.json;
      };
      for (const [noun, id, body] of [
        ['tenants', 'tenantId', { tenantId: 'tf', tenantLookupIdentifier: 'tf', data: { name: 'TF' } }], ['extensions', 'extensionId', { name: 'TF' }], ['applications', 'applicationId', { name: 'TF', redirectUrls: ['https://tf.example/cb'] }],
        ['groups', 'groupId', { name: 'TF', users: [] }], ['clients', 'clientId', { name: 'TF' }],
        ['records', 'recordId', { recordId: 'tf', name: 'TF', users: [{ userId: 'x' }], statements: [statement('Authress:ReadResource', 'tf')] }],
        ['connections', 'connectionId', { type: 'OAUTH2', issuerUrl: 'https://idp.example', clientId: 'abc', clientSecret: 'x', data: { name: 'TF' } }]
      ]) {
        const made = await ask('POST', `/v1/${noun}`, body);
        const path = `/v1/${noun}/${made[id]}`;
        assert.equal((await ask('GET', path))[id], made[id]);
        await ask('PUT', path, { ...body, [id]: made[id] });
        await ask('DELETE', path);
      }
    });
  });
}
