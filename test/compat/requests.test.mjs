// Claims, configured resources and access requests: by the unmodified @authress/sdk where it has a method, otherwise
// as the other clients put their requests on the wire.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { rejection, startAdmit, told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';

const statement = (roles, ...resources) => ({ roles, resources: resources.map(resourceUri => ({ resourceUri })) });
const permission = (action, allow = true) => ({ action, allow });

/** A refusal: the status, and a body with the three members of the error shape. */
function refused({ status, data, json, message }, wanted, code) {
  const body = data ?? json;
  assert.equal(status, wanted, JSON.stringify(body ?? message));
  assert.ok(body.title && body.errorId);
  assert.equal(body.errorCode, code);
}

/** What the Go and Python models insist on in a collection. */
function collection(answer, name) {
  assert.equal(answer.status, 200, answer.text ?? JSON.stringify(answer.data));
  const body = answer.json ?? answer.data;
  assert.ok(Array.isArray(body[name]), name);
  assert.ok(body.links && 'self' in body.links, 'links.self');
  return body[name];
}

/** What they insist on in an access request. */
function request(answer, status, state) {
  assert.equal(answer.status, status, answer.text);
  const { requestId, access, lastUpdated, links } = answer.json;
  assert.match(requestId, /^[a-zA-Z0-9_]{1,64}$/);
  assert.ok(Array.isArray(access.users) && Array.isArray(access.statements) && Date.parse(lastUpdated) && links.self.href.endsWith(`/v1/requests/${requestId}`));
  assert.equal(answer.json.status, state);
  return answer.json;
}

for (const database of databases) {
  describe(`claims, resources and requests on ${database}`, () => {
    let server;
    let admit;
    const keys = {};
    const clients = {};
    const ids = {};

    before(told(async () => {
      server = await startAdmit({ database });
      admit = await server.administrator();
      keys.admin = await server.accessKey('requests-admin');
      for (const name of ['ann', 'bob', 'lead']) {
        const { data: { clientId } } = await admit.serviceClients.createClient({ name });
        const { data: { accessKey } } = await admit.serviceClients.requestAccessKey(clientId);
        server.log.secret(`key of ${name}`, accessKey.split('.')[3]);
        Object.assign(keys, { [name]: accessKey });
        clients[name] = server.sdk(accessKey);
        ids[name] = clientId;
      }
      await admit.accessRecords.createRecord({ recordId: 'lead', name: 'Lead', users: [{ userId: ids.lead }], statements: [statement(['Authress:Owner'], 'projects/p1')] });
    }));
    after(() => server?.stop());

    const may = (who, resource, action = 'docs:read') => admit.userPermissions.authorizeUser(who, resource, action).then(() => true, error => {
      if (error.name === 'UnauthorizedError') { return false; }
      throw error;
    });

    describe('the JavaScript SDK', () => {
      test('configures resources', async () => {
        const resources = admit.resources;
        assert.equal((await rejection(resources.getResourcePermissions('site/pages'))).status, 404);
        assert.equal(await may('anybody', 'site/pages/1'), false);
        const put = await resources.updateResourcePermissions('site/pages', { permissions: [permission('PUBLIC'), permission('CLAIM', false)] });
        assert.deepEqual([put.status, put.data.permissions], [200, [permission('PUBLIC'), permission('CLAIM', false)]]);
        assert.equal(await may('anybody', 'site/pages/1'), true, 'the very next check');
        assert.equal(await may('anybody', 'site'), false);
        const got = await resources.getResourcePermissions('/site/pages/');
        assert.deepEqual([got.status, got.data.permissions, got.data.resourceUri], [200, put.data.permissions, 'site/pages']);
        const listed = collection(await resources.getResources(), 'resources');
        assert.ok(listed.some(({ resourceUri, permissions }) => resourceUri === 'site/pages' && permissions.length === 2));
        await resources.updateResourcePermissions('site/pages', { permissions: [permission('PUBLIC', false)] });
        assert.equal(await may('anybody', 'site/pages/1'), false, 'the very next check');
        await resources.updateResourcePermissions('open/*', { permissions: [permission('PUBLIC')] });
        assert.deepEqual([await may('anybody', 'open/1'), await may('anybody', 'open')], [true, false]);
      });

      test('is refused what nobody may open', async () => {
        for (const resource of ['*', 'Authress:Roles', 'authress:roles', 'Authress:*', '*/x', 'a//b', 'a/../b']) {
          for (const action of ['PUBLIC', 'CLAIM']) {
            refused(await rejection(admit.resources.updateResourcePermissions(resource, { permissions: [permission(action)] })), 400, 'InvalidRequest');
          }
        }
        for (const permissions of [undefined, [], [permission('READ')], [permission('PUBLIC'), permission('PUBLIC', false)]]) {
          refused(await rejection(admit.resources.updateResourcePermissions('site/x', { permissions })), 400, 'InvalidRequest');
        }
        refused(await rejection(clients.lead.resources.updateResourcePermissions('projects/p1', { permissions: [permission('PUBLIC')] })), 403, 'Forbidden');
        refused(await rejection(clients.lead.resources.getResources()), 403, 'Forbidden');
      });

      test('lists the users of a resource', async () => {
        await admit.accessRecords.createRecord({
          recordId: 'users', name: 'Users', users: [{ userId: 'u1' }, { userId: 'u2' }], statements: [statement(['Authress:ReadResource', 'Authress:Owner'], '/library/books')]
        });
        await admit.accessRecords.createRecord({ recordId: 'above', name: 'Above', users: [{ userId: 'u3' }], statements: [statement(['Authress:Owner'], 'library'), statement(['Authress:Owner'], 'library/books/1')] });
        const users = collection(await admit.resources.getResourceUsers('library/books'), 'users');
        assert.deepEqual(users.map(({ userId }) => userId), ['u1', 'u2']);
        assert.deepEqual(users[0].roles.map(({ roleId }) => roleId).sort(), ['Authress:Owner', 'Authress:ReadResource']);
        refused(await rejection(clients.ann.resources.getResourceUsers('library/books')), 403, 'Forbidden');
      });

      test('claims what is open, once', async () => {
        const claim = (who, resourceId, collectionResource = 'accounts') => clients[who].accessRecords.createClaim({ collectionResource, resourceId });
        refused(await rejection(claim('ann', 'a1')), 403, 'Forbidden');
        await admit.resources.updateResourcePermissions('accounts', { permissions: [permission('CLAIM')] });
        const claimed = await claim('ann', 'a1');
        assert.deepEqual([claimed.status, claimed.data], [201, {}]);
        assert.deepEqual([await may(ids.ann, 'accounts/a1/settings', 'anything'), await may(ids.ann, 'accounts/a2'), await may(ids.ann, 'accounts')], [true, false, false]);
        for (const who of ['ann', 'bob']) { refused(await rejection(claim(who, 'a1')), 409, 'AlreadyClaimed'); }
        for (const [collectionResource, code] of [['/accounts/', 'AlreadyClaimed'], ['Accounts', 'Forbidden'], ['accounts//', 'InvalidRequest']]) {
          refused(await rejection(claim('bob', 'a1', collectionResource)), { AlreadyClaimed: 409, Forbidden: 403, InvalidRequest: 400 }[code], code);
        }
        for (const resourceId of ['a1/x', '*', 'a1/', '/a1', '%61', '..', '', undefined]) { refused(await rejection(claim('bob', resourceId)), 400, 'InvalidRequest'); }
        refused(await rejection(claim('bob', 'sc_1', 'Authress:ServiceClients')), 400, 'InvalidRequest');
        const results = await Promise.all(['ann', 'bob', 'lead', 'bob', 'ann', 'lead'].map(who => claim(who, 'prize').then(({ status }) => status, ({ status }) => status)));
        assert.deepEqual(results.sort(), [201, 409, 409, 409, 409, 409]);
      });

      test('shares what was claimed, as its owner', async () => {
        await clients.ann.accessRecords.createClaim({ collectionResource: 'accounts', resourceId: 'shared' });
        const { data } = await clients.ann.accessRecords.createRecord({ name: 'Share', users: [{ userId: ids.bob }], statements: [statement(['Authress:ReadResource'], 'accounts/shared/part')] });
        assert.equal(await may(ids.bob, 'accounts/shared/part', 'READ'), true);
        await clients.ann.accessRecords.deleteRecord(data.recordId);
        assert.equal(await may(ids.bob, 'accounts/shared/part', 'READ'), false);
      });
    });

    const shapes = {
      Go: { encode: text => encodeURIComponent(text).replaceAll('*', '%2A').replaceAll('%3A', ':').replaceAll('%40', '@'), agent: 'Authress SDK; Go; 0.0.0; ', accept: 'application/links+json' },
      Python: { encode: text => encodeURIComponent(text).replaceAll('*', '%2A'), agent: 'Authress SDK; Python; 3.0.0;', accept: 'application/links+json' },
      'C#': { encode: text => encodeURIComponent(text).replace(/%[0-9A-F]{2}/g, hex => hex.toLowerCase()), agent: 'Authress SDK; C#; 3.0.0;' },
      Rust: { encode: encodeURIComponent, agent: 'Authress SDK; Rust; 0.1.0;' },
      Ruby: { encode: text => text, agent: 'Authress SDK; Ruby; 1.0.0;' }
    };
    for (const [language, { encode, agent, accept }] of Object.entries(shapes)) {
      describe(language, () => {
        const place = `shape-${language.replace('#', 'sharp').toLowerCase()}`;
        const as = who => (method, path, body) => http(server, method, path, { token: keys[who], body, headers: { 'User-Agent': agent, ...(accept ? { Accept: accept } : {}) } });
        const ask = as('admin');

        test('configures a resource', async () => {
          const path = `/v1/resources/${encode(`${place}/a:b/c@d`)}`;
          assert.equal((await ask('GET', path)).status, 404);
          const put = await ask('PUT', path, { permissions: [permission('PUBLIC')] });
          assert.equal(put.status, 200, put.text);
          assert.deepEqual((await ask('GET', path)).json.permissions, [permission('PUBLIC')]);
          const pattern = await ask('PUT', `/v1/resources/${encode(`${place}/e/*`)}`, { permissions: [permission('PUBLIC')] });
          assert.deepEqual([pattern.status, pattern.json.resourceUri], [200, `${place}/e/*`]);
          const names = collection(await ask('GET', '/v1/resources'), 'resources').map(({ resourceUri }) => resourceUri);
          assert.ok(names.includes(`${place}/a:b/c@d`) && names.includes(`${place}/e/*`));
        });

        test('pages the users of a resource, by cursor and by link', async () => {
          const uri = `${place}/pages/1`;
          await admit.accessRecords.createRecord({
            recordId: place, name: 'Pages', users: Array.from({ length: 5 }, (_, n) => ({ userId: `p|${n}` })), statements: [statement(['Authress:Owner'], uri)]
          });
          for (const follow of ['cursor', 'link']) {
            const seen = [];
            const first = `/v1/resources/${encode(uri)}/users?limit=2`;
            for (let path = first; path;) {
              const answer = await ask('GET', path);
              seen.push(...collection(answer, 'users').map(({ userId }) => userId));
              const { pagination, links } = answer.json;
              const next = links.next && new URL(links.next.href);
              path = follow === 'cursor' ? pagination?.next?.cursor && `${first}&cursor=${encodeURIComponent(pagination.next.cursor)}` : next && next.pathname + next.search;
              assert.ok(seen.length <= 5);
            }
            assert.deepEqual(seen, [0, 1, 2, 3, 4].map(n => `p|${n}`), follow);
          }
        });

        test('asks for access and decides', async () => {
          const body = { requestId: 'ignored', status: 'APPROVED', access: { users: [{ userId: ids.bob }], statements: [statement(['Authress:ReadResource'], `projects/p1/${place}`)] }, tags: { why: 'work' } };
          const made = request(await as('bob')('POST', '/v1/requests', body), 201, 'OPEN');
          assert.deepEqual([made.access, made.tags, made.requestedBy], [body.access, body.tags, { userId: ids.bob }]);
          assert.equal(await may(ids.bob, `projects/p1/${place}`, 'READ'), false);
          for (const who of ['bob', 'lead', 'admin']) {
            assert.ok(collection(await as(who)('GET', '/v1/requests?status=OPEN&limit=20'), 'records').some(({ requestId }) => requestId === made.requestId), who);
          }
          assert.ok(!collection(await as('ann')('GET', '/v1/requests'), 'records').length);
          const path = `/v1/requests/${made.requestId}`;
          request(await as('bob')('GET', path), 200, 'OPEN');
          refused(await as('ann')('GET', path), 403, 'Forbidden');
          for (const who of ['ann', 'bob']) { refused(await as(who)('PATCH', path, { status: 'APPROVED' }), 403, 'Forbidden'); }
          refused(await ask('PATCH', path, { status: 'OPEN' }), 400, 'InvalidRequest');
          const approved = request(await as('lead')('PATCH', path, { status: 'APPROVED' }), 200, 'APPROVED');
          assert.equal(await may(ids.bob, `projects/p1/${place}`, 'READ'), true, 'the very next check');
          assert.equal((await admit.accessRecords.getRecord(approved.recordId)).data.admins[0].userId, ids.lead);
          refused(await ask('PATCH', path, { status: 'DENIED' }), 409, 'AccessRequestDecided');
          assert.equal((await ask('DELETE', path)).status, 204);
          request(await ask('GET', path), 200, 'DELETED');
          const gone = collection(await ask('GET', '/v1/requests?status=DELETED'), 'records');
          assert.ok(gone.some(({ requestId }) => requestId === made.requestId));

          const denied = request(await as('bob')('POST', '/v1/requests', body), 201, 'OPEN');
          request(await as('lead')('PATCH', `/v1/requests/${denied.requestId}`, { status: 'DENIED' }), 200, 'DENIED');
          const withdrawn = request(await as('bob')('POST', '/v1/requests', body), 201, 'OPEN');
          assert.equal((await as('bob')('DELETE', `/v1/requests/${withdrawn.requestId}`)).status, 204);
          refused(await as('lead')('PATCH', `/v1/requests/${withdrawn.requestId}`, { status: 'APPROVED' }), 409, 'AccessRequestDecided');
          refused(await ask('GET', '/v1/requests/req_none'), 404, 'NotFound');
        });

        test('is told what a request cannot be', async () => {
          const post = access => as('bob')('POST', '/v1/requests', { access });
          const good = [statement(['Authress:ReadResource'], 'projects/p1')];
          refused(await post({ users: [{ userId: ids.ann }], statements: good }), 403, 'Forbidden');
          const own = [{ userId: ids.bob }];
          for (const statements of [[], undefined, [statement([], 'a')], [statement(['r'], 'a//b')], [{ ...good[0], users: [{ userId: ids.ann }] }], Array.from({ length: 101 }, () => good[0])]) {
            refused(await post({ users: own, statements }), 422, 'InvalidRequest');
          }
          refused(await ask('POST', '/v1/requests', { access: { users: Array.from({ length: 101 }, (_, n) => ({ userId: `u${n}` })), statements: good } }), 422, 'InvalidRequest');
          refused(await as('bob')('POST', '/v1/requests', '{'), 400, 'InvalidRequest');
        });

        test('claims', async () => {
          await admit.resources.updateResourcePermissions(place, { permissions: [permission('CLAIM')] });
          const claimed = await as('ann')('POST', '/v1/claims', { collectionResource: place, resourceId: 'mine' });
          assert.deepEqual([claimed.status, claimed.json], [201, {}], claimed.text);
          refused(await as('bob')('POST', '/v1/claims', { collectionResource: place, resourceId: 'mine' }), 409, 'AlreadyClaimed');
        });
      });
    }

    test('Ruby\'s raw slashes have one reading', async () => {
      const ask = path => http(server, 'GET', path, { token: keys.admin });
      await admit.resources.updateResourcePermissions('raw/users', { permissions: [permission('PUBLIC')] });
      collection(await ask('/v1/resources/raw/users'), 'users'); // the users of raw, not the resource raw/users
      assert.deepEqual((await ask('/v1/resources/raw%2Fusers')).json.permissions, [permission('PUBLIC')]);
      collection(await ask('/v1/resources/raw%2Fusers/users'), 'users');
      for (const path of ['/v1/resources/raw/users/x', '/v1/resources/a%2Fb/c', '/v1/resources/a/subjects/users', '/v1/resources/a%252Fb']) {
        refused(await ask(path), 400, 'InvalidRequest');
      }
    });
  });
}
