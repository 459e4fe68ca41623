// Two nodes on one PostgreSQL: what one was told the other knows, and a login may wander between them.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startAdmit, told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { eventually } from '../harness/net.mjs';
import { allowRedirects, codeIn, Visitor } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';

const back = 'http://localhost:9/back';

describe('two nodes on one database', { skip: !databases.includes('postgres') && 'PostgreSQL only' }, () => {
  let smtp;
  let first;
  let second;
  let admit;
  let key;
  before(told(async () => {
    smtp = await startSmtp();
    first = await startAdmit({ database: 'postgres', dev: false, smtp });
    second = await first.node();
    key = await first.accessKey('nodes');
    admit = first.sdk(key);
    await allowRedirects(first, [back]);
  }));
  after(async () => { await second?.stop(); await first?.stop(); await smtp?.stop(); });

  const at = async (node, user, resource, action, token = key) =>
    (await http(node, 'GET', `/v1/users/${encodeURIComponent(user)}/resources/${encodeURIComponent(resource)}/permissions/${action}`, { token })).status;

  test('a grant and its removal reach the other node', async () => {
    for (let round = 0; round < 10; round++) {
      const record = { recordId: `wander-${round}`, name: 'Wander', users: [{ userId: 'wanda' }], statements: [{ roles: ['Authress:ReadResource'], resources: [{ resourceUri: `paths/${round}` }] }] };
      await admit.accessRecords.createRecord(record);
      await eventually('granted', async () => await at(second, 'wanda', `paths/${round}`, 'READ') === 200, { every: 5 });
      await admit.accessRecords.deleteRecord(record.recordId);
      await eventually('revoked', async () => await at(second, 'wanda', `paths/${round}`, 'READ') === 404, { every: 5 });
    }
  });

  test('a removed access key is refused by the other node', async () => {
    const { data: { clientId } } = await admit.serviceClients.createClient({ name: 'Short', options: { grantUserPermissionsAccess: true } });
    const { data: { accessKey, keyId } } = await admit.serviceClients.requestAccessKey(clientId);
    await eventually('known', async () => await at(second, 'x', 'y', 'z', accessKey) === 404);
    await admit.serviceClients.deleteAccessKey(clientId, keyId);
    await eventually('refused', async () => await at(second, 'x', 'y', 'z', accessKey) === 401);
  });

  test('a login wanders from node to node with every step, and its end is known to both', async () => {
    const visitor = new Visitor(first, smtp);
    const on = node => { visitor.server = node; return visitor; };
    const started = await on(first).start(back);
    let page = await on(second).open('GET', started.authenticationUrl);
    page = await on(first).fill(page, field => field.type === 'email', 'wanderer@example.com');
    page = await on(second).fill(page, field => field.complete === 'one-time-code', codeIn(await smtp.next('wanderer@example.com')));
    const code = page.left.searchParams.get('code');
    const exchanged = await on(first).exchange(started, code);
    assert.equal(exchanged.status, 200, exchanged.text);
    const { access_token: token } = exchanged.json;
    const { sub } = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
    for (const node of [first, second]) { assert.equal(await at(node, sub, 'x', 'y', token), 404); }
    await on(second).send('GET', `/logout?client_id=app_default&redirect_uri=${encodeURIComponent(back)}`);
    assert.equal(await at(second, sub, 'x', 'y', token), 401, 'at once where it was ended');
    await eventually('ended everywhere', async () => await at(first, sub, 'x', 'y', token) === 401, { every: 5 });
  });

  test('five wrong codes are five, however they are spread', async () => {
    const visitor = new Visitor(first, smtp);
    const nodes = [first, second];
    const started = await visitor.start(back);
    let page = await visitor.open('GET', started.authenticationUrl);
    page = await visitor.fill(page, field => field.type === 'email', 'spread@example.com');
    const right = codeIn(await smtp.next('spread@example.com'));
    const wrong = right === '000000' ? '000001' : '000000';
    const form = page;
    await Promise.all(Array.from({ length: 12 }, (_, n) => {
      const guess = new Visitor(nodes[n % 2], smtp);
      guess.jar = visitor.jar;
      return guess.fill(form, field => field.complete === 'one-time-code', wrong);
    }));
    const late = await visitor.fill(form, field => field.complete === 'one-time-code', right);
    assert.equal(late.left, undefined, 'the right code came after more than five wrong ones');
  });
});
