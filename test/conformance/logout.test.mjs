// What the OpenID Foundation's plans for logout ask of a provider: RP-initiated, back-channel, front-channel. modules.mjs says which
// test states which module.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { createLocalJWKSet, decodeJwt, jwtVerify, SignJWT } from 'jose';
import { told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { closeServer, eventually } from '../harness/net.mjs';
import { keyPair } from './keys.mjs';
import { Party } from './party.mjs';
import { startRig } from './rig.mjs';

const bye = 'http://localhost:9/bye';

for (const database of databases) {
  describe(`logout on ${database}`, () => {
    let rig;
    let listener;
    let front;
    let client;
    const received = [];
    before(told(async () => {
      rig = await startRig({ database });
      listener = createServer((request, response) => {
        const chunks = [];
        request.on('data', chunk => chunks.push(chunk)).on('end', () => {
          received.push(new URLSearchParams(Buffer.concat(chunks).toString()).get('logout_token'));
          response.writeHead(200, { 'Cache-Control': 'no-store' }).end();
        });
      });
      await new Promise(resolve => listener.listen(0, '127.0.0.1', resolve));
      front = `http://127.0.0.1:${listener.address().port}/front`;
      client = new Party(rig, await rig.client({
        tokenEndpointAuthMethod: 'client_secret_basic', idTokenSignedResponseAlg: 'RS256', postLogoutRedirectUrls: [bye],
        backchannelLogoutUrl: front.replace('/front', '/back'), backchannelLogoutSessionRequired: true, frontchannelLogoutUrl: front, frontchannelLogoutSessionRequired: true
      }));
    }));
    after(async () => { await rig?.stop(); listener && await closeServer(listener); });

    let people = 0;
    async function signedIn() {
      const person = rig.person(`person-${++people}@example.com`);
      return { person, ...await client.signIn(person) };
    }
    const logoutUrl = async params => `${rig.issuer}${await client.path('end_session_endpoint')}?${new URLSearchParams(params)}`;
    const silent = async person => {
      const page = await person.visit(await client.url(client.request({ prompt: 'none' }).params));
      return page.left.searchParams.get('error') ?? 'still signed in';
    };
    const nowhere = page => assert.ok(!page.left && !page.posted, `the browser was sent to ${page.left}`);
    /** The addresses of frames, and where the page leads afterwards. */
    const frames = page => [...page.text.matchAll(/<iframe\b[^>]*\ssrc="([^"]+)"/g)].map(([, src]) => src.replaceAll('&amp;', '&'));

    test('discovery tells of all three', async () => {
      const m = await client.metadata();
      assert.ok(m.end_session_endpoint);
      for (const name of ['backchannel_logout_supported', 'backchannel_logout_session_supported', 'frontchannel_logout_supported', 'frontchannel_logout_session_supported']) {
        assert.equal(m[name], true, name);
      }
    });

    const leads = (page, state) => {
      const to = page.left?.href ?? page.text.match(/http:\/\/localhost:9\/bye[^"'<\s]*/)?.[0].replaceAll('&amp;', '&');
      assert.ok(to, `the page leads back (${page.status}): ${page.text?.slice(0, 1500)}`);
      assert.equal(new URL(to).searchParams.get('state'), state);
    };

    test('with id_token_hint, return address and state', async () => {
      const { person, id_token: hint } = await signedIn();
      leads(await person.open('GET', await logoutUrl({ id_token_hint: hint, post_logout_redirect_uri: bye, state: 'abc' })), 'abc');
      assert.equal(await silent(person), 'login_required');
    });

    test('without state', async () => {
      const { person, id_token: hint } = await signedIn();
      leads(await person.open('GET', await logoutUrl({ id_token_hint: hint, post_logout_redirect_uri: bye })), null);
      assert.equal(await silent(person), 'login_required');
    });

    test('a return address that is not registered, or has a query added, is not followed', async () => {
      for (const to of ['https://evil.example/', `${bye}?foo=bar`]) {
        const { person, id_token: hint } = await signedIn();
        const page = await person.visit(await logoutUrl({ id_token_hint: hint, post_logout_redirect_uri: to }));
        nowhere(page);
        assert.ok(!page.text.includes('evil.example') && !page.text.includes('foo=bar'));
      }
    });

    test('a hint that is not ours signs nobody out and leads nowhere', async () => {
      const { person, id_token: hint } = await signedIn();
      const key = await keyPair('RS256');
      const forged = await new SignJWT(decodeJwt(hint)).setProtectedHeader({ alg: 'RS256', kid: key.kid }).sign(key.key);
      const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${hint.split('.')[1]}.`;
      for (const bad of [forged, unsigned]) {
        const page = await person.open('GET', await logoutUrl({ id_token_hint: bad, post_logout_redirect_uri: bye }));
        nowhere(page);
        assert.ok(!page.text.includes('localhost:9/bye'));
        assert.equal(await silent(person), 'still signed in');
      }
    });

    for (const [name, params] of Object.entries({ 'no parameters': {}, 'only a state': { state: 'abc' } })) {
      test(`with ${name} the person is asked, and signed out`, async () => {
        const { person } = await signedIn();
        const asked = await person.open('GET', await logoutUrl(params));
        nowhere(asked);
        assert.equal(await silent(person), 'still signed in', 'a link alone does nothing');
        nowhere(await person.visit(await logoutUrl(params)));
        assert.equal(await silent(person), 'login_required');
      });
    }

    test('with a return address and no hint the person is asked', async () => {
      const { person } = await signedIn();
      nowhere(await person.open('GET', await logoutUrl({ post_logout_redirect_uri: bye })));
      assert.equal(await silent(person), 'still signed in');
    });

    test('with a hint and no return address the person is signed out, and stays', async () => {
      const { person, id_token: hint } = await signedIn();
      nowhere(await person.open('GET', await logoutUrl({ id_token_hint: hint })));
      assert.equal(await silent(person), 'login_required');
    });

    test('back-channel: the client is told by a logout token', async () => {
      const { person, id_token: hint, id } = await signedIn();
      await person.open('GET', await logoutUrl({ id_token_hint: hint, post_logout_redirect_uri: bye }));
      const keys = createLocalJWKSet((await http(rig.server, 'GET', await client.path('jwks_uri'))).json);
      const token = await eventually('the logout token', () => received.filter(Boolean).find(text => decodeJwt(text).sid === id.sid));
      const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer: rig.issuer, audience: client.client.clientId, typ: 'logout+jwt', algorithms: ['RS256'], requiredClaims: ['iat', 'exp', 'jti', 'events'] });
      assert.equal(protectedHeader.alg, 'RS256');
      assert.deepEqual(payload.events, { 'http://schemas.openid.net/event/backchannel-logout': {} });
      assert.deepEqual([payload.sub, payload.sid, payload.nonce], [id.sub, id.sid, undefined]);
      assert.equal(await silent(person), 'login_required');
    });

    test('front-channel: the page holds a frame of the client, with iss and sid', async () => {
      const { person, id_token: hint, id } = await signedIn();
      const page = await person.open('GET', await logoutUrl({ id_token_hint: hint, post_logout_redirect_uri: bye, state: 'abc' }));
      const frame = frames(page).find(src => src.startsWith(front));
      assert.ok(frame, page.text);
      const query = new URL(frame).searchParams;
      assert.deepEqual([query.get('iss'), query.get('sid')], [rig.issuer, id.sid]);
      leads(page, 'abc');
      assert.equal(await silent(person), 'login_required');
    });
  });
}
