// The unmodified @authress/sdk 2.3.127 against a running server: what it creates, reads, lists, changes and removes.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { rejection, startAdmit, told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { eventually } from '../harness/net.mjs';

test('the SDK is the published one', () => {
  const { version } = createRequire(import.meta.url)('@authress/sdk/package.json');
  assert.equal(version, '2.3.127');
});

const action = (name, flags = {}) => ({ action: name, allow: true, grant: false, delegate: false, ...flags });
const statement = (roles, ...resources) => ({ roles, resources: resources.map(resourceUri => ({ resourceUri })) });

/** A refusal of Admit's API: the status, and a body with the three members of the error shape. */
function refused(error, status, code) {
  assert.equal(error.status, status, JSON.stringify(error.data ?? error.message));
  assert.equal(typeof error.data.title, 'string');
  assert.match(error.data.errorCode, /^[A-Z][A-Za-z]+$/);
  assert.ok(error.data.errorId);
  if (code) { assert.equal(error.data.errorCode, code); }
}

for (const database of databases) {
  describe(`the JavaScript SDK on ${database}`, () => {
    let server;
    let admit;
    before(told(async () => {
      server = await startAdmit({ database });
      admit = await server.administrator();
    }));
    after(() => server?.stop());

    describe('service clients and access keys', () => {
      test('live their whole life', async () => {
        const created = await admit.serviceClients.createClient({ name: 'Invoices' });
        assert.equal(created.status, 201);
        const { clientId } = created.data;
        assert.match(clientId, /^sc_/);
        assert.ok(Date.parse(created.data.createdTime));

        const read = await admit.serviceClients.getClient(clientId);
        assert.deepEqual([read.status, read.data.name], [200, 'Invoices']);
        const listed = await admit.serviceClients.getClients();
        assert.ok(listed.data.clients.some(client => client.clientId === clientId));
        assert.ok(listed.data.links.self !== undefined);

        const updated = await admit.serviceClients.updateClient(clientId, { name: 'Bills', options: { grantUserPermissionsAccess: true } });
        assert.deepEqual([updated.status, updated.data.name], [200, 'Bills']);
        assert.equal((await admit.serviceClients.getClient(clientId)).data.options.grantUserPermissionsAccess, true);

        assert.equal((await admit.serviceClients.deleteClient(clientId)).status, 204);
        refused(await rejection(admit.serviceClients.getClient(clientId)), 404, 'NotFound');
      });

      test('a key works until it is removed', async () => {
        const { data: { clientId } } = await admit.serviceClients.createClient({ name: 'Keys', options: { grantUserPermissionsAccess: true } });
        const requested = await admit.serviceClients.requestAccessKey(clientId);
        assert.equal(requested.status, 201);
        const { accessKey, keyId } = requested.data;
        server.log.secret('requested access key', accessKey.split('.')[3]);
        assert.match(accessKey, new RegExp(`^${clientId}\\.${keyId}\\.[^.]+\\.[A-Za-z0-9+/]+=*$`));
        assert.ok(Date.parse(requested.data.generationDate));

        const own = server.sdk(accessKey);
        assert.equal((await rejection(own.userPermissions.authorizeUser('nobody', 'things/1', 'read'))).name, 'UnauthorizedError');
        const read = await admit.serviceClients.getClient(clientId);
        assert.deepEqual(read.data.verificationKeys.map(key => key.keyId), [keyId]);
        assert.ok(!JSON.stringify(read.data).includes(accessKey.split('.')[3]), 'the private key is shown once');

        assert.equal((await admit.serviceClients.deleteAccessKey(clientId, keyId)).status, 204);
        await eventually('the removed key is refused', async () => {
          const error = await rejection(server.sdk(accessKey).userPermissions.authorizeUser('nobody', 'things/1', 'read'));
          return error.status === 401;
        });
      });

      test('a client has at most five keys', async () => {
        const { data: { clientId } } = await admit.serviceClients.createClient({ name: 'Five' });
        const keys = [];
        for (let n = 0; n < 5; n++) { keys.push((await admit.serviceClients.requestAccessKey(clientId)).data.keyId); }
        const error = await rejection(admit.serviceClients.requestAccessKey(clientId));
        assert.ok(error.status >= 400 && error.status < 500, `status ${error.status}`);
        await admit.serviceClients.deleteAccessKey(clientId, keys[0]);
        assert.equal((await admit.serviceClients.requestAccessKey(clientId)).status, 201);
      });

      test('a client may bring its own public key', async () => {
        const { data: { clientId } } = await admit.serviceClients.createClient({ name: 'Own key', options: { grantUserPermissionsAccess: true } });
        const pair = generateKeyPairSync('ed25519');
        const publicKey = pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
        const stored = await admit.httpClient.post(`/v1/clients/${clientId}/access-keys`, { publicKey });
        assert.equal(stored.status, 201);
        const account = (await admit.accounts.getAccounts()).data.accounts[0].accountId;
        const key = [clientId, stored.data.keyId, account, pair.privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')].join('.');
        assert.equal((await rejection(server.sdk(key).userPermissions.authorizeUser('nobody', 'things/1', 'read'))).name, 'UnauthorizedError');
      });
    });

    test('roles live their whole life', async () => {
      const role = { roleId: 'ro_editor', name: 'Editor', description: 'Edits', permissions: [action('documents:read'), action('documents:edit', { grant: true })] };
      const created = await admit.roles.createRole(role);
      assert.equal(created.status, 201);
      assert.deepEqual(created.data.permissions, role.permissions);
      refused(await rejection(admit.roles.createRole(role)), 409, 'RoleAlreadyExists');
      assert.equal((await admit.roles.getRole('ro_editor')).data.name, 'Editor');
      const updated = await admit.roles.updateRole('ro_editor', { ...role, name: 'Senior editor' });
      assert.deepEqual([updated.status, updated.data.name], [200, 'Senior editor']);
      assert.equal((await admit.roles.deleteRole('ro_editor')).status, 204);
      refused(await rejection(admit.roles.getRole('ro_editor')), 404, 'NotFound');
    });

    test('built-in roles are read and not changed', async () => {
      const { data: owner } = await admit.roles.getRole('Authress:Owner');
      assert.deepEqual(owner.permissions, [{ action: '*', allow: true, grant: true, delegate: true }]);
      const error = await rejection(admit.roles.updateRole('Authress:Owner', { ...owner, permissions: [] }));
      assert.ok(error.status >= 400 && error.status < 500, `status ${error.status}`);
      const removal = await rejection(admit.roles.deleteRole('Authress:Owner'));
      assert.ok(removal.status >= 400 && removal.status < 500, `status ${removal.status}`);
    });

    describe('access records', () => {
      const record = (recordId, more = {}) => ({
        recordId, name: `Record ${recordId}`, users: [{ userId: 'rita' }], statements: [statement(['Authress:ReadResource'], `archive/${recordId}`)], ...more
      });

      test('live their whole life', async () => {
        const created = await admit.accessRecords.createRecord(record('rec-life'));
        assert.equal(created.status, 201);
        assert.deepEqual([created.data.recordId, created.data.status], ['rec-life', 'ACTIVE']);
        refused(await rejection(admit.accessRecords.createRecord(record('rec-life'))), 409, 'AccessRecordAlreadyExists');

        const { data } = await admit.accessRecords.getRecord('rec-life');
        assert.deepEqual(data.statements, record('rec-life').statements);
        assert.ok(Date.parse(data.lastUpdated));

        const updated = await admit.accessRecords.updateRecord('rec-life', { ...data, name: 'Renamed' }, data.lastUpdated);
        assert.deepEqual([updated.status, updated.data.name], [200, 'Renamed']);
        refused(await rejection(admit.accessRecords.updateRecord('rec-life', { ...data, name: 'Too late' }, new Date(Date.parse(data.lastUpdated) - 60_000))), 412);
        assert.equal((await admit.accessRecords.getRecord('rec-life')).data.name, 'Renamed');

        await admit.accessRecords.deleteRecord('rec-life');
        assert.equal((await admit.accessRecords.getRecord('rec-life')).data.status, 'DELETED');
        assert.equal((await admit.accessRecords.createRecord(record('rec-life'))).status, 201, 'creating over a deleted record succeeds');
      });

      test('two writers with the same record: the second is told', async () => {
        const { data } = await admit.accessRecords.createRecord(record('rec-race'));
        const first = await admit.accessRecords.updateRecord('rec-race', { ...data, name: 'First' }, data.lastUpdated);
        assert.ok(Date.parse(first.data.lastUpdated) > Date.parse(data.lastUpdated));
        refused(await rejection(admit.accessRecords.updateRecord('rec-race', { ...data, name: 'Second' }, data.lastUpdated)), 412);
      });

      test('are listed in pages, each once', async () => {
        for (let n = 0; n < 23; n++) { await admit.accessRecords.createRecord(record(`page-${n}`, { name: `Paging ${n}` })); }
        const seen = [];
        let cursor;
        do {
          const { data } = await admit.accessRecords.getRecords(10, cursor, 'PAGING');
          assert.ok(data.records.length <= 10);
          seen.push(...data.records.map(({ recordId }) => recordId));
          cursor = data.pagination?.next?.cursor;
        } while (cursor);
        assert.deepEqual(seen.sort(), Array.from({ length: 23 }, (_, n) => `page-${n}`).sort());
      });

      test('are listed by status', async () => {
        await admit.accessRecords.createRecord(record('gone-1', { name: 'Listed by status' }));
        await admit.accessRecords.deleteRecord('gone-1');
        const ids = async status => (await admit.accessRecords.getRecords(20, undefined, 'Listed by status', status)).data.records.map(r => r.recordId);
        assert.deepEqual(await ids('DELETED'), ['gone-1']);
        assert.deepEqual(await ids('ACTIVE'), []);
      });

      test('that break a rule are refused', async () => {
        for (const wrong of [
          { name: 'No statements', users: [{ userId: 'rita' }] },
          { ...record('wrong'), statements: [] },
          { ...record('wrong'), statements: [statement(['ro_unknown!'], 'a/1')] },
          { ...record('wrong'), statements: [statement(['Authress:ReadResource'], 'a/../b')] },
          { ...record('wrong'), statements: [{ ...record('x').statements[0], users: [{ userId: 'both' }] }] }
        ]) {
          const error = await rejection(admit.accessRecords.createRecord(wrong));
          refused(error, error.status === 422 ? 422 : 400, 'InvalidRequest');
        }
      });
    });

    describe('permissions of people', () => {
      const permissions = () => admit.userPermissions;
      const allowed = (user, resource, what) => permissions().authorizeUser(user, resource, what).then(({ status }) => status === 200, error => {
        if (error.name === 'UnauthorizedError') { return false; }
        throw error;
      });

      before(told(async () => {
        await admit.roles.createRole({ roleId: 'ro_reader', name: 'Reader', permissions: [action('documents:read')] });
        await admit.accessRecords.createRecord({
          recordId: 'people', name: 'People', users: [{ userId: 'github|42' }, { userId: 'mail:ann@example.com' }],
          statements: [statement(['ro_reader'], 'documents/1', '/folders/*')]
        });
      }));

      test('follow the resource and the action', async () => {
        const user = 'github|42';
        for (const [resource, what, expected] of [
          ['documents/1', 'documents:read', true], ['/documents/1', 'DOCUMENTS:READ', true], ['documents/1/pages/2', 'documents:read', true],
          ['documents/1', 'documents:edit', false], ['documents/2', 'documents:read', false], ['Documents/1', 'documents:read', false],
          ['folders/a', 'documents:read', true], ['folders', 'documents:read', false], ['folders/*', 'documents:read', true], ['*', 'documents:read', false],
          ['documents/1', 'documents', false], ['documents/1', 'documents:read:title', true]
        ]) { assert.equal(await allowed(user, resource, what), expected, `${what} on ${resource}`); }
        assert.equal(await allowed('mail:ann@example.com', 'documents/1', 'documents:read'), true);
        assert.equal(await allowed('stranger', 'documents/1', 'documents:read'), false);
      });

      test('are listed', async () => {
        const { data: list } = await permissions().getUserPermissionsForResource('github|42', 'documents/1');
        assert.deepEqual(list.permissions, [action('documents:read')]);
        const { data: roles } = await permissions().getUserRolesForResource('github|42', 'documents/1');
        assert.deepEqual(roles.roles.map(role => role.roleId), ['ro_reader']);
        assert.equal((await rejection(permissions().getUserPermissionsForResource('stranger', 'documents/1'))).status, 404);

        const resources = await permissions().getUserResources('github|42', 'documents/*', 20, null, 'documents:read');
        assert.deepEqual(resources.data.resources.map(found => found.resourceUri.replace(/^\//, '')), ['documents/1']);
        const all = await permissions().getUserResources('github|42', 'folders/*', 20, null, 'documents:read');
        assert.equal(all.data.accessToAllSubResources, true);
        const none = await permissions().getUserResources('stranger', 'documents/*', 20, null, 'documents:read');
        assert.deepEqual(none.data.resources, []);
      });

      test('an answered write is seen by the very next check, a hundred times', async () => {
        for (let n = 0; n < 50; n++) {
          const record = { recordId: `flip-${n}`, name: 'Flip', users: [{ userId: 'flip' }], statements: [statement(['ro_reader'], 'flips/1')] };
          await admit.accessRecords.createRecord(record);
          assert.equal(await allowed('flip', 'flips/1', 'documents:read'), true, `round ${n}: granted`);
          await admit.accessRecords.deleteRecord(record.recordId);
          assert.equal(await allowed('flip', 'flips/1', 'documents:read'), false, `round ${n}: revoked`);
        }
      });
    });

    test('connections live their whole life and keep their secret', async () => {
      const connection = {
        connectionId: 'con_partner', type: 'OAUTH2', authenticationUrl: 'https://idp.example.com/authorize', tokenUrl: 'https://idp.example.com/token',
        issuerUrl: 'https://idp.example.com', clientId: 'abc', clientSecret: 'a-secret-of-the-provider-4711', data: { name: 'Partner' }
      };
      server.log.secret('client secret', connection.clientSecret);
      const created = await admit.connections.createConnection(connection);
      assert.equal(created.status, 201);
      assert.equal(created.data.connectionId, 'con_partner');
      const read = await admit.connections.getConnection('con_partner');
      assert.equal(read.data.data.name, 'Partner');
      const list = await admit.connections.getConnections();
      assert.ok(list.data.connections.some(({ connectionId }) => connectionId === 'con_partner'));
      const updated = await admit.connections.updateConnection('con_partner', { ...connection, data: { name: 'Renamed' } });
      assert.deepEqual([updated.status, updated.data.data.name], [200, 'Renamed']);
      const upserted = await admit.connections.updateConnection('con_fresh', { ...connection, connectionId: 'con_fresh' });
      assert.equal(upserted.status, 200);
      for (const { data } of [created, read, list, updated, upserted]) { assert.ok(!JSON.stringify(data).includes(connection.clientSecret)); }
      assert.equal((await admit.connections.deleteConnection('con_partner')).status, 204);
      refused(await rejection(admit.connections.getConnection('con_partner')), 404, 'NotFound');
    });

    test('applications live their whole life', async () => {
      const token = await admit.httpClient.tokenProvider(server.url);
      const application = { applicationId: 'app_shop', name: 'Shop', redirectUrls: ['https://shop.example.com/'] };
      const created = await http(server, 'POST', '/v1/applications', { token, body: application });
      assert.equal(created.status, 201, created.text);
      const { applicationId } = created.json;
      const path = `/v1/applications/${applicationId}`;
      assert.deepEqual((await http(server, 'GET', path, { token })).json.redirectUrls, application.redirectUrls);
      const listed = await http(server, 'GET', '/v1/applications', { token });
      assert.ok(listed.json.applications.some(found => found.applicationId === 'app_default'));
      const updated = await http(server, 'PUT', path, { token, body: { ...application, name: 'Store' } });
      assert.deepEqual([updated.status, updated.json.name], [200, 'Store']);
      assert.equal((await http(server, 'DELETE', path, { token })).status, 204);
      assert.equal((await http(server, 'GET', path, { token })).status, 404);
    });

    test('an account is told of itself', async () => {
      const { data } = await admit.accounts.getAccounts();
      assert.ok(Array.isArray(data.accounts) && data.accounts.length === 1);
      const { accountId } = data.accounts[0];
      const { data: account } = await admit.accounts.getAccount(accountId);
      assert.equal(account.accountId, accountId);
      assert.ok(account.company && Date.parse(account.createdTime));
    });

    test('a user who is not there is not found', async () => {
      refused(await rejection(admit.users.getUser('usr_nobody')), 404, 'NotFound');
    });
  });
}
