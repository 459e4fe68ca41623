// The JavaScript verifier (clients/javascript) against real tokens, tokens that nobody may take, and an issuer that
// says what a test wants. It runs in this process and the server in another, so a revocation travels as it would in production.

import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Revocations, Verifier } from '../../clients/javascript/src/index.js';
import { startAdmit, told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { eventually } from '../harness/net.mjs';
import { allowRedirects, claims, Visitor } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';

const back = 'http://localhost:9/back';
const failsBy = code => error => {
  assert.equal(error.code, code, error.stack);
  return true;
};
const encode = value => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** An issuer with a key of its own, whose sets and feed are what `says` holds. */
async function startIssuer() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'EdDSA', use: 'sig' };
  const says = { keys: { keys: [jwk] }, feed: null, fetches: 0 };
  const server = createServer((request, response) => {
    if (request.url.includes('jwks')) {
      says.fetches++;
      response.end(JSON.stringify(says.keys));
    } else if (says.feed) { response.end(says.feed(new URL(request.url, 'http://x').searchParams)); } else { response.writeHead(503).end(); }
  });
  await new Promise(done => { server.listen(0, '127.0.0.1', done); });
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const token = (payload = {}, head = {}, key = privateKey) => {
    const now = Math.floor(Date.now() / 1000);
    const body = typeof payload === 'string' ? payload : { iss: issuer, sub: 'ann', aud: 'acc_a', iat: now, exp: now + 60, sid: 'ses_1', jti: 'jti_1', ...payload };
    const input = `${encode({ alg: 'EdDSA', kid: 'k', typ: 'at+jwt', ...head })}.${encode(body)}`;
    return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`;
  };
  return { issuer, says, token, jwk, stop: () => new Promise(done => { server.close(done); server.closeAllConnections(); }) };
}

describe('the verifier', () => {
  let is;
  before(told(async () => { is = await startIssuer(); }));
  after(() => is?.stop());
  const verifier = (more = {}) => new Verifier({ issuer: is.issuer, audience: 'acc_a', ...more });

  test('takes what is good', async () => {
    assert.equal((await verifier().verify(is.token({ aud: ['x', 'acc_a'], tags: { a: [1, { b: '"}{' }] } }))).sub, 'ann');
  });

  test('refuses what is not', async () => {
    const v = verifier();
    const now = Math.floor(Date.now() / 1000);
    const good = is.token();
    const [head, payload, signature] = good.split('.');
    const other = generateKeyPairSync('ed25519').privateKey;
    const last = signature.at(-1);
    const bent = String.fromCharCode(last.charCodeAt(0) + 1); // the bits that no byte needs
    for (const [name, token, code] of [
      ['nothing', '', 'malformed'], ['no text', 7, 'malformed'], ['two parts', `${head}.${payload}`, 'malformed'], ['four parts', `${good}.`, 'malformed'],
      ['padding', `${head}=.${payload}.${signature}`, 'malformed'], ['a space', `${good} `, 'malformed'], ['bits left over', good.slice(0, -1) + bent, 'malformed'],
      ['alg none', is.token({}, { alg: 'none' }), 'algorithm'], ['alg HS256', is.token({}, { alg: 'HS256' }), 'algorithm'], ['alg Ed25519', is.token({}, { alg: 'Ed25519' }), 'algorithm'],
      ['a jwk of its own', is.token({}, { jwk: is.jwk }), 'malformed'], ['crit', is.token({}, { crit: ['b64'] }), 'malformed'], ['a kid that is a number', is.token({}, { kid: 7 }), 'malformed'],
      ['another type', is.token({}, { typ: 'JWT' }), 'type'], ['another key', is.token({}, {}, other), 'signature'], ['an unknown key', is.token({}, { kid: 'x' }), 'unknownKey'],
      ['another issuer', is.token({ iss: `${is.issuer}/` }), 'issuer'], ['another audience', is.token({ aud: ['acc_ab'] }), 'audience'], ['no audience', is.token({ aud: undefined }), 'audience'],
      ['no sub', is.token({ sub: '' }), 'malformed'], ['expired', is.token({ exp: now - 11 }), 'expired'], ['no exp', is.token({ exp: undefined }), 'malformed'], ['exp as text', is.token({ exp: `${now + 60}` }), 'malformed'],
      ['of tomorrow', is.token({ nbf: now + 60 }), 'notYetValid'], ['issued tomorrow', is.token({ iat: now + 60 }), 'notYetValid'],
      ['bound to a key', is.token({ cnf: { jkt: 'x' } }), 'bound'],
      ['a member twice', is.token(`{"iss":"${is.issuer}","sub":"bob","sub":"ann","aud":"acc_a","exp":${now + 60}}`), 'malformed'],
      ['a member twice, escaped', is.token(`{"iss":"${is.issuer}","sub":"bob","s\\u0075b"  :"ann","aud":"acc_a","exp":${now + 60}}`), 'malformed'],
      ['a member in two cases', is.token(`{"iss":"${is.issuer}","sub":"bob","Sub":"ann","aud":"acc_a","exp":${now + 60}}`), 'malformed'],
      ['an array', is.token('[1]'), 'malformed'], ['too long', is.token({ x: 'x'.repeat(9000) }), 'malformed']
    ]) {
      await assert.rejects(v.verify(token), failsBy(code), name);
    }
  });

  test('asks for keys seldom, whoever asks it', async () => {
    const v = verifier();
    await Promise.all(Array.from({ length: 20 }, () => v.verify(is.token())));
    const before = is.says.fetches;
    for (let i = 0; i < 50; i++) { await assert.rejects(v.verify(is.token({}, { kid: `x${i}` })), failsBy('unknownKey')); }
    assert.ok(is.says.fetches - before <= 1, `${is.says.fetches - before} fetches`);
  });

  test('cannot be made for what is no issuer', () => {
    for (const issuer of ['http://login.example.com', 'https://login.example.com/', 'https://a@login.example.com', 'https://login.example.com?x', 'login']) {
      assert.throws(() => new Verifier({ issuer, audience: 'a' }), TypeError, issuer);
      assert.throws(() => new Revocations({ issuer }), TypeError, issuer);
    }
    assert.throws(() => new Verifier({ issuer: is.issuer, audience: '' }), TypeError);
  });

  test('says what is its own fault', async () => {
    const v = new Verifier({ issuer: 'http://127.0.0.1:1', audience: 'acc_a' });
    await assert.rejects(v.verify(is.token()), failsBy('keysUnavailable'));
  });

  test('believes the feed of its issuer only, for as long as it may', async () => {
    let now = Date.now();
    const revocations = new Revocations({ issuer: is.issuer, now: () => now });
    const v = verifier({ revocations, now: () => now });
    await assert.rejects(v.verify(is.token()), failsBy('revocationsUnavailable'));
    const iat = () => Math.floor(now / 1000);
    const feed = (more = {}, head = {}, key) => query => is.token({ aud: 'revocations', sub: 'revocations', since: query.get('since'), cursor: 'c', iat: iat(), ended: [], ...more }, { typ: 'revocations+jwt', ...head }, key);
    for (const [name, answer] of Object.entries({
      'an access token': feed({}, { typ: 'at+jwt' }), 'another key': feed({}, {}, generateKeyPairSync('ed25519').privateKey), 'another issuer': feed({ iss: 'https://x.example' }),
      'another question': feed({ since: 'z' }), 'no list': feed({ ended: 'x' }), 'an ending that is none': feed({ ended: [{ k: 1 }] }), 'nothing': () => ''
    })) {
      is.says.feed = answer;
      await assert.rejects(revocations.follow(), failsBy('revocationsUnavailable'), name);
      await assert.rejects(v.verify(is.token()), failsBy('revocationsUnavailable'), name);
    }
    is.says.feed = feed();
    await revocations.follow();
    await v.verify(is.token());
    now += 61_000;
    await assert.rejects(v.verify(is.token({ iat: iat(), exp: iat() + 60 })), failsBy('revocationsUnavailable'));
    is.says.feed = feed({ iat: iat() - 3600 });
    await revocations.follow();
    await assert.rejects(v.verify(is.token({ iat: iat(), exp: iat() + 60 })), failsBy('revocationsUnavailable'), 'an old answer');
    const open = new Revocations({ issuer: is.issuer, failOpen: true });
    await verifier({ revocations: open }).verify(is.token());
  });

  test('believes no key that its issuer has withdrawn', async () => {
    const now = Math.floor(Date.now() / 1000);
    const hash = createHash('sha256').update(`admit/revocations\0${is.issuer}\0kid\0k`).digest().subarray(0, 16).toString('base64url');
    const feed = ended => query => is.token({ aud: 'revocations', sub: 'revocations', since: query.get('since'), cursor: 'c', ended }, { typ: 'revocations+jwt' });
    const revocations = new Revocations({ issuer: is.issuer, failOpen: true });
    const v = verifier({ revocations });
    const token = is.token({ iat: now + 5, exp: now + 1e6 }); // whoever has stolen a key writes any times
    is.says.feed = feed([]);
    await revocations.follow();
    await v.verify(token);
    is.says.feed = feed([{ k: 'kid', h: hash, at: now - 3600, until: now + 1e9 }]);
    await revocations.follow();
    await assert.rejects(v.verify(token), failsBy('revoked'));
    is.says.feed = feed([]);
    await assert.rejects(revocations.follow(), failsBy('revocationsUnavailable'), 'an answer by the withdrawn key');
    await assert.rejects(v.verify(token), failsBy('revoked'));
  });
});

for (const database of databases) {
  describe(`the JavaScript verifier beside a server on ${database}`, () => {
    let server;
    let smtp;
    let revocations;
    before(told(async () => {
      smtp = await startSmtp();
      server = await startAdmit({ database, dev: false, smtp });
      await allowRedirects(server, [back]);
    }));
    after(async () => { revocations?.stop(); await server?.stop(); await smtp?.stop(); });

    test('hears of the end of a session', async t => {
      const ann = await new Visitor(server, smtp).signIn('ann@example.com', back);
      const bob = await new Visitor(server, smtp).signIn('bob@example.com', back);
      revocations = new Revocations({ issuer: server.url });
      await revocations.start();
      const verifier = new Verifier({ issuer: server.url, audience: 'acc_default', revocations });
      const said = await verifier.verify(ann.accessToken);
      assert.equal(said.sub, claims(ann.accessToken).sub);
      await verifier.verify(bob.accessToken);

      const ended = await http(server, 'DELETE', '/api/session', { token: ann.accessToken });
      assert.ok(ended.status < 300, ended.text);
      const began = performance.now();
      let took;
      for (;;) {
        const refused = await verifier.verify(ann.accessToken).then(() => null, error => error);
        took = performance.now() - began;
        if (refused) { assert.equal(refused.code, 'revoked'); break; }
        assert.ok(took < 30_000, 'the token of an ended session is still taken');
        await sleep(2);
      }
      t.diagnostic(`refused ${took.toFixed(0)} ms after the answer`);
      await verifier.verify(bob.accessToken);

      // Who begins to follow later knows it, too; and no list is an access token.
      const late = new Revocations({ issuer: server.url });
      await late.follow();
      await assert.rejects(new Verifier({ issuer: server.url, audience: 'acc_default', revocations: late }).verify(ann.accessToken), failsBy('revoked'));
      const list = (await http(server, 'GET', '/.well-known/revocations')).text;
      const keys = (await http(server, 'GET', '/.well-known/openid-configuration/jwks')).json.keys;
      const { kid } = JSON.parse(Buffer.from(list.split('.')[0], 'base64url'));
      assert.ok(!keys.some(key => key.kid === kid), 'the list is signed by a key that SDKs take for the one of access tokens');
    });

    test('hears of withdrawn keys, of the one that signs the list, too', async t => {
      const ann = await new Visitor(server, smtp).signIn('ann@example.com', back);
      const following = new Revocations({ issuer: server.url });
      t.after(() => following.stop());
      await following.start();
      const verifier = new Verifier({ issuer: server.url, audience: 'acc_default', revocations: following });
      await verifier.verify(ann.accessToken);
      const kidOf = text => JSON.parse(Buffer.from(text.split('.')[0], 'base64url')).kid;
      const signer = async () => kidOf((await http(server, 'GET', '/.well-known/revocations')).text);
      const refused = (token, code) => eventually(`it is refused: ${code}`, () => verifier.verify(token).then(() => false, error => error.code === code), { timeout: 30_000, every: 5 });

      const lists = await signer();
      await server.command('keys', 'withdraw', lists);
      await eventually('another key signs the list', async () => await signer() !== lists, { timeout: 30_000 });
      await verifier.verify(ann.accessToken);
      const began = performance.now();
      await server.command('keys', 'withdraw', kidOf(ann.accessToken)); // which only the successor's answers can tell
      await refused(ann.accessToken, 'revoked');
      t.diagnostic(`refused ${(performance.now() - began).toFixed(0)} ms after the command began`);

      // The successor's tokens are taken, by a process that has not heard of it, too.
      const later = await new Visitor(server, smtp).signIn('ann@example.com', back);
      assert.notEqual(kidOf(later.accessToken), kidOf(ann.accessToken));
      await verifier.verify(later.accessToken);
    });
  });
}
