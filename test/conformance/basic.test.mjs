// What the OpenID Foundation's plans "basic", "form_post", "config" and "dynamic" ask of a provider. modules.mjs says which test
// states which module.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { eventually } from '../harness/net.mjs';
import { forms } from '../harness/signin.mjs';
import { clientKeys } from './keys.mjs';
import { now, Party, random } from './party.mjs';
import { callback, startRig } from './rig.mjs';

const encode = value => Buffer.from(JSON.stringify(value)).toString('base64url');

for (const database of databases) {
  for (const mode of ['query', 'form_post']) {
    describe(`basic plan by ${mode} on ${database}`, () => {
      let rig;
      let client;
      let ann;
      let keys;
      const scopes = 'openid profile email offline_access';
      before(told(async () => {
        rig = await startRig({ database });
        keys = await clientKeys();
        client = await party({});
        ann = rig.person('ann@example.com');
        await rig.api('GET', '/v1/users?limit=1');
      }));
      after(() => rig?.stop());

      const party = async (settings, { redirectUrls, ...options } = {}) => new Party(rig, await rig.client({
        tokenEndpointAuthMethod: 'client_secret_basic', idTokenSignedResponseAlg: 'RS256', jwks: keys.jwks, ...settings
      }, { redirectUrls: redirectUrls || [callback] }), { method: 'client_secret_basic', ...options });
      const answered = mode === 'query' ? {} : { response_mode: mode };
      const signIn = (params = {}, { person = ann, by = client, ...options } = {}) => by.signIn(person, { params: { ...answered, ...params }, ...options });
      /** The answer to a request, good or bad. */
      const asked = async (params, { person = ann, by = client, ...options } = {}) => {
        const { params: all } = by.request({ ...answered, ...params });
        return person.visit(await by.url(all), options);
      };
      const errorOf = page => mode === 'query' || page.left ? page.left?.searchParams.get('error') : page.posted?.fields.error;
      const isLocal = (page, what) => {
        assert.ok(!page.left && !page.posted, `${what}: the browser was sent away`);
        assert.equal(page.status, 400, what);
      };

      test('a sign-in with the secret in the header', async () => {
        const { id, back, token_type: type, expires_in: life } = await signIn({ scope: scopes });
        assert.equal(back.as, mode);
        assert.equal(type, 'Bearer');
        assert.ok(life > 0);
        assert.ok(id.sub.length <= 255 && id.exp > now() && Math.abs(id.iat - now()) < 60);
      });

      test('a sign-in with the secret in the body', async () => {
        const by = await party({ tokenEndpointAuthMethod: 'client_secret_post' }, { method: 'client_secret_post' });
        assert.ok((await signIn({}, { by })).id.sub);
      });

      test('a request without response_type is refused', async () => {
        assert.ok(['invalid_request', 'unsupported_response_type'].includes(errorOf(await asked({ response_type: undefined }))));
      });

      test('an ID token signed with RS256', async () => {
        assert.equal((await signIn()).id.header.alg, 'RS256');
      });

      test('no ID token is unsigned: none can be registered', async () => {
        const answer = await http(rig.server, 'POST', '/v1/applications', { token: rig.token, body: { name: 'None', redirectUrls: [callback], oauth: { idTokenSignedResponseAlg: 'none' } } });
        assert.equal(answer.status, 400, answer.text);
        assert.ok(!(await client.metadata()).id_token_signing_alg_values_supported.includes('none'));
      });

      test('userinfo by GET, and by POST with the token in the header', async () => {
        const { access_token: token, id } = await signIn();
        for (const method of ['GET', 'POST']) {
          const answer = await client.userinfo(token, { method });
          assert.equal(answer.status, 200, `${method}: ${answer.text}`);
          assert.equal(answer.json.sub, id.sub, method);
        }
      });

      test('a request without nonce succeeds', async () => {
        assert.equal((await signIn({ nonce: undefined })).id.nonce, undefined);
      });

      test('the scopes profile and email give their claims, and one without the other does not', async () => {
        const email = await client.userinfo((await signIn({ scope: 'openid email' })).access_token);
        assert.deepEqual([email.json.email, email.json.email_verified, email.json.updated_at], ['ann@example.com', true, undefined]);
        const profile = await client.userinfo((await signIn({ scope: 'openid profile' })).access_token);
        assert.equal(typeof profile.json.updated_at, 'number');
        assert.equal(profile.json.email, undefined);
        const both = await client.userinfo((await signIn({ scope: 'openid profile email' })).access_token);
        assert.ok(both.json.email && both.json.updated_at);
      });

      test('the order of scopes and of parameters does not matter', async () => {
        const { params, verifier } = client.request({ ...answered, scope: 'email openid' });
        const turned = Object.fromEntries(Object.entries(params).reverse());
        const tokens = await client.finish(await ann.authorize(await client.url(turned)), { params: turned, verifier });
        assert.ok(tokens.id.email);
      });

      for (const [name, params] of Object.entries({
        'display=page': { display: 'page' }, 'display=popup': { display: 'popup' }, 'an unknown parameter': { extra: 'foobar' },
        ui_locales: { ui_locales: 'se' }, claims_locales: { claims_locales: 'se' }
      })) {
        test(`${name} does no harm`, async () => { assert.ok((await signIn(params)).id.sub); });
      }

      test('login_hint fills the field of the login box', async () => {
        const page = await rig.person('hinted@example.com').open('GET', await client.url(client.request({ ...answered, login_hint: 'buffy@example.com' }).params));
        const field = forms(page.text).flatMap(form => form.fields).find(({ type }) => type === 'email');
        assert.equal(field.value, 'buffy@example.com');
      });

      test('prompt=login asks again, and auth_time says so', async () => {
        const first = await signIn();
        const before = ann.logins;
        await eventually('the clock has moved on', () => now() > first.id.auth_time);
        const second = await signIn({ prompt: 'login' });
        assert.equal(ann.logins, before + 1);
        assert.ok(second.id.auth_time > first.id.auth_time);
        assert.equal(second.id.sub, first.id.sub);
      });

      test('prompt=none without a session answers login_required', async () => {
        assert.equal(errorOf(await asked({ prompt: 'none' }, { person: rig.person('nobody@example.com') })), 'login_required');
      });

      test('prompt=none with a session answers at once, with the same auth_time', async () => {
        const [first, before] = [await signIn(), ann.logins];
        const second = await signIn({ prompt: 'none' });
        assert.deepEqual([second.id.sub, second.id.auth_time, ann.logins], [first.id.sub, first.id.auth_time, before]);
      });

      test('max_age=1 asks again after two seconds', async () => {
        const first = await signIn({ max_age: '15000' });
        await eventually('the sign-in is old', () => now() > first.id.auth_time + 1);
        const before = ann.logins;
        const second = await signIn({ max_age: '1' });
        assert.equal(ann.logins, before + 1);
        assert.ok(second.id.auth_time > first.id.auth_time);
      });

      test('max_age=10000 does not ask, and auth_time is there', async () => {
        const first = await signIn({ max_age: '15000' });
        const before = ann.logins;
        const second = await signIn({ max_age: '10000' });
        assert.equal(ann.logins, before);
        assert.equal(second.id.auth_time, first.id.auth_time);
      });

      test('id_token_hint with prompt=none answers for that person only', async () => {
        const first = await signIn();
        const second = await signIn({ prompt: 'none', id_token_hint: first.id_token });
        assert.equal(second.id.sub, first.id.sub);
        const eve = rig.person('eve@example.com');
        await signIn({}, { person: eve });
        const error = errorOf(await asked({ prompt: 'none', id_token_hint: first.id_token }, { person: eve }));
        assert.ok(['login_required', 'account_selection_required', 'interaction_required'].includes(error), error);
      });

      test('acr_values that are supported come back as acr', async () => {
        const { acr_values_supported: supported } = await client.metadata();
        const { id } = await signIn({ acr_values: supported.join(' ') });
        assert.ok(supported.includes(id.acr));
      });

      test('a code works once; the second use ends what the first gave', async () => {
        const first = await signIn({ scope: scopes });
        assert.equal((await client.userinfo(first.access_token)).status, 200);
        const again = await client.redeem(first.code, first.verifier);
        assert.deepEqual([again.status, again.json.error], [400, 'invalid_grant']);
        assert.equal((await client.userinfo(first.access_token)).status, 401);
        assert.equal((await client.post('token_endpoint', { grant_type: 'refresh_token', refresh_token: first.refresh_token })).json.error, 'invalid_grant');
      });

      test('a redirect_uri that is not registered gets an error page', async () => {
        isLocal(await asked({ redirect_uri: `${callback}x` }), 'longer');
        isLocal(await asked({ redirect_uri: `${callback}?foo=bar` }), 'with a query');
      });

      test('a request by POST succeeds', async () => {
        assert.ok((await signIn({}, { method: 'POST' })).id.sub);
      });

      test('a request_uri of the client\'s own is refused as not supported', async () => {
        const page = await asked({ request_uri: 'https://client.example/request.jwt' });
        assert.equal(errorOf(page), 'request_uri_not_supported', page.text?.slice(0, 500));
      });

      test('an unsigned request object is refused', async () => {
        const { params } = client.request(answered);
        const object = `${encode({ alg: 'none' })}.${encode({ ...params, iss: params.client_id, aud: rig.issuer, exp: now() + 60 })}.`;
        isLocal(await asked({ request: object }), 'in the address');
      });

      test('the redirect_uri of a request object counts, not the one beside it', async () => {
        const by = await party({}, { redirectUrls: [callback, `${callback}/second`], key: keys.RS256 });
        const { params } = by.request(answered);
        const object = await by.object({ ...params, redirect_uri: `${callback}/second` });
        const page = await ann.visit(await by.url({ ...params, request: object }));
        assert.equal(page.left?.pathname ?? new URL(page.posted.url).pathname, '/callback/second');
        isLocal(await ann.visit(await by.url({ ...params, request: await by.object({ ...params, redirect_uri: 'https://evil.example/' }) })), 'not registered');
      });

      test('claims asked for as essential are told', async () => {
        const asks = JSON.stringify({ userinfo: { email: { essential: true } }, id_token: { email_verified: null } });
        const { access_token: token, id } = await signIn({ claims: asks });
        assert.equal((await client.userinfo(token)).json.email, 'ann@example.com');
        assert.equal(id.email_verified, true);
      });

      test('a refresh token works, for its client only', async () => {
        const first = await signIn({ scope: scopes });
        const refresh = form => ({ grant_type: 'refresh_token', refresh_token: first.refresh_token, ...form });
        const second = await client.post('token_endpoint', refresh());
        assert.equal(second.status, 200, second.text);
        const id = await client.verify(second.json.id_token, { params: {}, access: second.json.access_token });
        assert.deepEqual([id.sub, id.iss, id.auth_time], [first.id.sub, first.id.iss, first.id.auth_time]);
        const other = await party({});
        assert.equal((await other.post('token_endpoint', refresh())).json.error, 'invalid_grant');
        assert.match(first.refresh_token, /^[\x20-\x7e]+$/);
      });

      test('PKCE: the right verifier succeeds, none and a wrong one do not', async () => {
        assert.ok((await signIn()).access_token);
        for (const [name, value] of Object.entries({ none: undefined, wrong: random() })) {
          const { params } = client.request(answered);
          const code = (await ann.authorize(await client.url(params))).params.get('code');
          const answer = await client.redeem(code, value);
          assert.deepEqual([answer.status, answer.json.error], [400, 'invalid_grant'], name);
        }
      });
    });
  }
}
