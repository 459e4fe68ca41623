// Tenants and invites: the unmodified @authress/sdk, the shapes of the Go and Python SDKs, and people who sign in for a tenant or by an invite.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { rejection, startAdmit, told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { allowRedirects, claims, codeIn, Visitor } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';

const back = 'http://localhost:9/back';

function refused(error, status, code) {
  assert.equal(error.status, status, JSON.stringify(error.data ?? error.message));
  if (code) { assert.equal(error.data.errorCode, code); }
}

for (const database of databases) {
  describe(`tenants and invites on ${database}`, () => {
    let server;
    let smtp;
    let admit;
    let key;
    before(told(async () => {
      smtp = await startSmtp();
      server = await startAdmit({ database, smtp });
      key = await server.accessKey('tenants');
      admit = server.sdk(key);
      await allowRedirects(server, [back]);
      await admit.roles.createRole({ roleId: 'ro_reader', name: 'Reader', permissions: [{ action: 'documents:read', allow: true, grant: false, delegate: false }] });
    }));
    after(async () => { await server?.stop(); await smtp?.stop(); });

    const visitor = () => new Visitor(server, smtp);
    const start = more => http(server, 'POST', '/api/authentication', {
      headers: { Origin: new URL(back).origin },
      body: { redirectUrl: back, codeChallengeMethod: 'S256', codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', applicationId: 'app_default', ...more }
    });

    test('a tenant lives its whole life', async () => {
      const tenant = { tenantId: 'ten_life', tenantLookupIdentifier: 'Life', data: { name: 'Life Ltd' }, connection: { connectionId: 'con_email' }, domains: [{ domain: 'life.test' }], tokenConfiguration: { accessTokenDuration: 'PT1H', sessionDuration: 'P2D' } };
      const created = await admit.tenants.createTenant(tenant);
      assert.equal(created.status, 201);
      assert.ok(Date.parse(created.data.createdTime));
      assert.deepEqual([created.data.domains, created.data.connection, created.data.tokenConfiguration.accessTokenDuration], [tenant.domains, tenant.connection, 'PT1H']);
      const read = await admit.tenants.getTenant('ten_life');
      assert.deepEqual([read.status, read.data.data.name, read.data.tenantLookupIdentifier], [200, 'Life Ltd', 'Life']);
      const listed = await admit.tenants.getTenants();
      assert.ok(listed.data.tenants.some(one => one.tenantId === 'ten_life'));
      assert.ok(listed.data.links.self !== undefined);
      refused(await rejection(admit.tenants.createTenant({ tenantLookupIdentifier: 'LIFE' })), 409);
      refused(await rejection(admit.tenants.createTenant({ domains: [{ domain: 'life.test' }] })), 409);
      refused(await rejection(admit.tenants.createTenant({ connection: { connectionId: 'con_none' } })), 400, 'InvalidConnection');
      const updated = await admit.tenants.updateTenant('ten_life', { ...tenant, data: { name: 'Life SE' } });
      assert.deepEqual([updated.status, updated.data.data.name], [200, 'Life SE']);
      assert.equal((await admit.tenants.deleteTenant('ten_life')).status, 204);
      refused(await rejection(admit.tenants.getTenant('ten_life')), 404, 'NotFound');
      refused(await rejection(admit.tenants.createTenant(tenant)), 409);
    });

    test('a tenant takes the connection along that was made for it', async () => {
      await admit.connections.createConnection({
        connectionId: 'con_own', type: 'OAUTH2', authenticationUrl: 'https://idp.example.com/a', tokenUrl: 'https://idp.example.com/t', clientId: 'c', clientSecret: 's',
        data: { name: 'Own', oidcUserEndpointUrl: 'https://idp.example.com/u' }, tags: { tenantId: 'ten_own' }
      });
      await admit.tenants.createTenant({ tenantId: 'ten_own', connection: { connectionId: 'con_own' } });
      assert.equal((await admit.tenants.deleteTenant('ten_own')).status, 204);
      refused(await rejection(admit.connections.getConnection('con_own')), 404);
    });

    test('Python adds people, and Go lists them', async () => {
      await admit.tenants.createTenant({ tenantId: 'ten_people' });
      const ann = await visitor().signIn('ann@people.test', back);
      const patch = body => http(server, 'PATCH', '/v1/tenants/ten_people/users', { token: key, body, headers: { 'User-Agent': 'Authress SDK; Python; 0.0.0;' } });
      assert.equal((await patch({ userId: ann.userId })).status, 204);
      assert.equal((await patch({ userId: ann.userId })).status, 204);
      assert.equal((await patch({ userId: 'usr_nobody' })).status, 404);
      const listed = await http(server, 'GET', '/v1/users?tenantId=ten_people', { token: key, headers: { 'User-Agent': 'Authress SDK; Go; 0.0.0; ', Accept: 'application/links+json' } });
      assert.deepEqual([listed.status, listed.json.users.map(one => one.userId)], [200, [ann.userId]]);
      assert.equal((await http(server, 'DELETE', `/v1/tenants/ten_people/users/${ann.userId}`, { token: key })).status, 204);
      assert.equal((await http(server, 'PATCH', '/v1/tenants/ten_people/users', { token: ann.accessToken, body: { userId: ann.userId } })).status, 403);
    });

    test('who signs in for a tenant must belong to it, and the token says so', async () => {
      await admit.tenants.createTenant({ tenantId: 'ten_acme', tenantLookupIdentifier: 'acme', connection: { connectionId: 'con_email' }, domains: [{ domain: 'acme.test' }], tokenConfiguration: { accessTokenDuration: 'PT10M' } });
      const inside = await visitor().signIn('bob@acme.test', back, { tenantLookupIdentifier: 'ACME' });
      const token = claims(inside.accessToken);
      assert.ok(token.aud.includes('ten_acme'), token.aud);
      assert.equal(token.exp - token.iat, 600);
      assert.equal(token.azp, 'con_email');

      const stranger = visitor();
      const started = await stranger.start(back, { tenantLookupIdentifier: 'acme' });
      let page = await stranger.open('GET', started.authenticationUrl);
      page = await stranger.fill(page, field => field.type === 'email', 'eve@evil.test');
      page = await stranger.fill(page, field => field.complete === 'one-time-code', codeIn(await smtp.next('eve@evil.test', 0)));
      assert.equal(page.left, undefined, 'the stranger came through');
      assert.match(page.text, /organisation that you don(’|&#8217;|&rsquo;)t belong to/);

      // Nobody writes a tenant into their own token by asking for it as an audience.
      const liar = await visitor().signIn('liar@evil.test', back, { audiences: ['ten_acme', 'https://api.example.com'] });
      assert.deepEqual(claims(liar.accessToken).aud.includes('ten_acme'), false);
      assert.ok(claims(liar.accessToken).aud.includes('https://api.example.com'));

      const unknown = await start({ tenantLookupIdentifier: 'nobody' });
      assert.deepEqual([unknown.status, unknown.json.errorCode], [400, 'InvalidTenant']);
    });

    test('an address leads to its tenant\'s provider', async () => {
      await admit.connections.createConnection({
        connectionId: 'con_corp', type: 'OAUTH2', authenticationUrl: 'https://idp.corp.test/authorize', tokenUrl: 'https://idp.corp.test/token', clientId: 'c', clientSecret: 's',
        data: { name: 'Corp', oidcUserEndpointUrl: 'https://idp.corp.test/me' }
      });
      await admit.tenants.createTenant({ tenantId: 'ten_corp', tenantLookupIdentifier: 'corp', connection: { connectionId: 'con_corp' }, domains: [{ domain: 'corp.test' }] });
      const person = visitor();
      const started = await person.start(back);
      let page = await person.fill(await person.open('GET', started.authenticationUrl), field => field.type === 'email', 'ann@Corp.test');
      assert.equal(page.left?.host, 'idp.corp.test');
      const named = visitor();
      page = await named.open('GET', (await named.start(back, { tenantLookupIdentifier: 'corp', connectionId: 'con_email' })).authenticationUrl);
      assert.equal(page.left?.host, 'idp.corp.test', 'the tenant goes before the connection');

      const hinted = visitor();
      const { authenticationRequestId } = await hinted.start(back);
      const patched = await http(server, 'PATCH', `/api/authentication/${authenticationRequestId}`, { headers: { Origin: new URL(back).origin }, body: { tenantLookupIdentifier: 'ann@corp.test' } });
      assert.equal(patched.status, 200, patched.text);
      assert.equal((await hinted.open('GET', patched.json.authenticationUrl)).left?.host, 'idp.corp.test');
    });

    test('an invite lives its whole life', async () => {
      const statements = [{ roles: ['ro_reader'], resources: [{ resourceUri: 'documents/1' }] }];
      const created = await admit.invites.createInvite({ statements });
      assert.equal(created.status, 201);
      const { inviteId } = created.data;
      assert.ok(inviteId.length >= 32);
      assert.ok(Math.abs(Date.parse(created.data.expiryTime) - Date.now() - 7 * 86400e3) < 60e3);
      const read = await admit.invites.getInvite(inviteId);
      assert.deepEqual([read.status, read.data.inviteId, read.data.statements], [200, inviteId, statements]);

      const ann = await visitor().signIn('ann@invited.test', back, { inviteId });
      const own = server.sdk(() => ann.accessToken);
      refused(await rejection(own.invites.getInvite(inviteId)), 403);
      const accepted = await own.invites.respondToInvite(inviteId);
      assert.equal(accepted.status, 200);
      for (const member of ['accountId', 'createdTime', 'company']) { assert.ok(accepted.data[member], member); }
      await own.userPermissions.authorizeUser(ann.userId, 'documents/1', 'documents:read'); // rejects when they may not
      assert.equal((await own.invites.respondToInvite(inviteId)).status, 200);

      const bob = await visitor().signIn('bob@invited.test', back);
      refused(await rejection(server.sdk(() => bob.accessToken).invites.respondToInvite(inviteId)), 404);
      refused(await rejection(server.sdk(() => bob.accessToken).invites.createInvite({ statements })), 403);
      refused(await rejection(admit.invites.respondToInvite(inviteId)), 403);
      const used = await start({ inviteId });
      assert.deepEqual([used.status, used.json.errorCode], [400, 'InvalidInvite']);

      const other = (await admit.invites.createInvite({ statements })).data.inviteId;
      await admit.invites.deleteInvite(other);
      refused(await rejection(admit.invites.getInvite(other)), 404);
    });

    test('an invite names the id of who signs up, and the tenant', async () => {
      await admit.tenants.createTenant({ tenantId: 'ten_inv', connection: { connectionId: 'con_email' }, domains: [{ domain: 'inv.test' }] });
      const { data: { inviteId } } = await admit.invites.createInvite({ statements: [], linkedUserId: 'cleo_1', defaultLoginTenantId: 'ten_inv', expiryTime: new Date(Date.now() + 3600e3).toISOString() });
      const cleo = await visitor().signIn('cleo@inv.test', back, { inviteId, tenantLookupIdentifier: 'corp' });
      assert.equal(cleo.userId, 'cleo_1');
      assert.ok(claims(cleo.accessToken).aud.includes('ten_inv'), 'the invite\'s tenant goes first');
      const dan = await visitor().signIn('dan@inv.test', back, { inviteId });
      assert.notEqual(dan.userId, 'cleo_1');
      refused(await rejection(server.sdk(() => dan.accessToken).invites.respondToInvite(inviteId)), 404);
      assert.equal((await server.sdk(() => cleo.accessToken).invites.respondToInvite(inviteId)).status, 200);
      refused(await rejection(admit.invites.createInvite({ statements: [], linkedUserId: 'cleo_1' })), 409);
      refused(await rejection(admit.invites.createInvite({ statements: [], expiryTime: new Date(Date.now() + 60e3).toISOString() })), 400);
    });

    test('Go and Python read what they are sent', async () => {
      const python = await http(server, 'POST', '/v1/invites', { token: key, body: { statements: [{ roles: ['ro_reader'], resources: [{ resourceUri: 'documents/2' }] }], conflictResolutionStrategy: 'REPLACE_RECORD_DATA' }, headers: { 'User-Agent': 'Authress SDK; Python; 0.0.0;' } });
      assert.equal(python.status, 201);
      assert.ok(python.json.inviteId && python.json.links.self.href);
      const go = await http(server, 'GET', `/v1/invites/${python.json.inviteId}`, { token: key, headers: { Accept: 'application/links+json', 'User-Agent': 'Authress SDK; Go; 0.0.0; ' } });
      assert.deepEqual([go.status, go.json.conflictResolutionStrategy], [200, 'REPLACE_RECORD_DATA']);
      const tenants = await http(server, 'GET', '/v1/tenants', { token: key, headers: { Accept: 'application/links+json', 'User-Agent': 'Authress SDK; Go; 0.0.0; ' } });
      assert.ok(Array.isArray(tenants.json.tenants));
    });
  });
}
