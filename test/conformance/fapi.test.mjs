// What the OpenID Foundation's plans "FAPI 2.0 Security Profile" and "FAPI 2.0 Message Signing" ask of a provider, for clients with
// private_key_jwt and DPoP. modules.mjs says which test states which module.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { eventually } from '../harness/net.mjs';
import { keyPair } from './keys.mjs';
import { now, Party, possession, random } from './party.mjs';
import { callback, half, startRig } from './rig.mjs';

const flip = text => `${text.slice(0, -6)}${text.at(-6) === 'A' ? 'B' : 'A'}${text.slice(-5)}`;

for (const database of databases) {
  describe(`FAPI 2.0 on ${database}`, () => {
    let rig;
    let ann;
    let first;
    let second;
    let signed;
    let holder;
    let rsa;
    before(told(async () => {
      rsa = await keyPair('RS256');
      rig = await startRig({ database });
      ann = rig.person('ann@example.com');
      [first, second, signed] = [await party(), await party(), await party({ requireSignedRequestObject: true })];
      holder = await possession();
      await first.metadata();
    }));
    after(() => rig?.stop());

    async function party(more = {}, key) {
      key ??= await keyPair('ES256');
      const settings = {
        tokenEndpointAuthMethod: 'private_key_jwt', tokenEndpointAuthSigningAlg: 'ES256', requestObjectSigningAlg: 'ES256', jwks: { keys: [key.public, rsa.public] },
        requirePushedAuthorizationRequests: true, dpopBoundAccessTokens: true, idTokenSignedResponseAlg: 'ES256', authorizationSignedResponseAlg: 'ES256', ...more
      };
      const made = new Party(rig, await rig.client(settings), { method: 'private_key_jwt', key });
      return made;
    }
    /** The headers with a proof for an endpoint. */
    const dpop = async (by, endpoint, { key = holder, ...options } = {}) => ({ DPoP: await key.proof('POST', by.issuer + await by.path(endpoint), options) });
    const push = async (by, params, { proof, ...options } = {}) =>
      by.post('pushed_authorization_request_endpoint', params, { ...options, headers: proof ? await dpop(by, 'pushed_authorization_request_endpoint', proof) : {} });
    const address = async (by, pushed) => by.url({ client_id: by.client.clientId, request_uri: pushed.json.request_uri });
    /** From parameters to the answer for the client. */
    async function answered(by, params, options) {
      const pushed = await push(by, params, options);
      assert.equal(pushed.status, 201, pushed.text);
      return ann.authorize(await address(by, pushed));
    }
    const redeem = async (by, code, verifier, { proof = {}, ...options } = {}) => by.redeem(code, verifier, { ...options, headers: proof ? await dpop(by, 'token_endpoint', proof) : {} });
    /** The whole way. */
    async function signIn(by = first, { params: more, proof, object, ...options } = {}) {
      const { params, verifier } = by.request(more);
      const back = await answered(by, object ? { client_id: params.client_id, request: await by.object(params, object) } : params, { proof });
      assert.equal(back.params.get('error'), null, back.params.get('error_description'));
      assert.equal(back.params.get('state'), params.state ?? null);
      const code = back.params.get('code');
      const tokens = await redeem(by, code, verifier, { proof, ...options });
      assert.equal(tokens.status, 200, tokens.text);
      return { ...tokens.json, id: tokens.json.id_token && await by.verify(tokens.json.id_token, { params, code, access: tokens.json.access_token }), code, verifier, params };
    }
    const refused = (answer, ...codes) => {
      assert.ok([400, 401].includes(answer.status), `${answer.status} ${answer.text}`);
      assert.ok(codes.includes(answer.json.error), `${answer.json.error}: ${answer.json.error_description}`);
    };
    const isLocal = page => assert.ok(!page.left && !page.posted && page.status === 400, `a page of the server's own: ${page.status} ${page.left}`);
    /** A code, for what happens at the token endpoint. */
    async function code(by = first, more) {
      const { params, verifier } = by.request(more);
      return { code: (await answered(by, params)).params.get('code'), verifier };
    }
    const userinfo = async (by, token, options = {}) => {
      const { key = holder, scheme = 'DPoP', headers, ...more } = options;
      const url = by.issuer + await by.path('userinfo_endpoint');
      return by.userinfo(undefined, { headers: headers ?? { Authorization: `${scheme} ${token}`, DPoP: await key.proof('GET', url, { token, ...more }) } });
    };

    test('discovery holds what the profile asks for', async () => {
      const m = await first.metadata();
      assert.equal(m.authorization_response_iss_parameter_supported, true);
      assert.deepEqual(m.code_challenge_methods_supported, ['S256']);
      assert.deepEqual(m.response_types_supported, ['code']);
      assert.ok(m.pushed_authorization_request_endpoint && m.token_endpoint_auth_methods_supported.includes('private_key_jwt'));
      for (const name of ['dpop_signing_alg_values_supported', 'token_endpoint_auth_signing_alg_values_supported', 'request_object_signing_alg_values_supported', 'authorization_signing_alg_values_supported']) {
        assert.ok(m[name].includes('ES256') && !m[name].includes('none'), name);
      }
      assert.ok(m.response_modes_supported.includes('jwt'));
    });

    test('two clients sign in, and the resource takes each token with its key only', async () => {
      for (const by of [first, second]) {
        const { access_token: token, token_type: type, id } = await signIn(by, { proof: {} });
        assert.equal(type, 'DPoP');
        assert.equal((await userinfo(by, token)).json.sub, id.sub);
        assert.equal((await userinfo(by, token, { key: await possession() })).status, 401);
        assert.equal((await by.userinfo(token)).status, 401, 'as plain Bearer');
      }
    });

    test('the scheme of the access token is read in any case', async () => {
      const { access_token: token } = await signIn();
      for (const scheme of ['dpop', 'DPOP', 'dPoP']) { assert.equal((await userinfo(first, token, { scheme })).status, 200, scheme); }
    });

    test('without state and without nonce', async () => {
      const { id } = await signIn(first, { params: { state: undefined, nonce: undefined } });
      assert.equal(id.nonce, undefined);
    });

    test('a nonce of 64 and one of 384 characters come back', async () => {
      for (const length of [64, 384]) { assert.equal((await signIn(first, { params: { nonce: 'n'.repeat(length) } })).id.nonce.length, length); }
    });

    test('a long state comes back', async () => {
      await signIn(first, { params: { state: 's'.repeat(1024) } });
    });

    test('the order of scopes does not matter', async () => {
      assert.ok((await signIn(first, { params: { scope: 'email openid' } })).id.email);
    });

    test('claims asked for are told', async () => {
      const { id } = await signIn(first, { params: { claims: JSON.stringify({ id_token: { email: { essential: true } } }) } });
      assert.equal(id.email, 'ann@example.com');
    });

    test('proofs: 10 seconds old, 10 seconds ahead, with nbf and exp', async () => {
      const { access_token: token } = await signIn(first, { proof: { claims: { iat: now() - 10 } } });
      assert.equal((await userinfo(first, token, { claims: { iat: now() - 10 } })).status, 200);
      const ahead = await signIn(first, { proof: { claims: { iat: now() + 9 } } });
      assert.equal((await userinfo(first, ahead.access_token, { claims: { iat: now() + 9 } })).status, 200);
      await signIn(first, { proof: { claims: { nbf: now() - 1, exp: now() + 60 } } });
    });

    test('dpop_jkt binds the code: the key of the proof at PAR and at the token endpoint must be that one', async () => {
      await signIn(first, { params: { dpop_jkt: holder.jkt }, proof: {} });
      await signIn(first, { proof: {} });
      const other = await possession();
      refused(await push(first, first.request({ dpop_jkt: other.jkt }).params, { proof: {} }), 'invalid_dpop_proof', 'invalid_request');
      for (const [more, proof] of [[{}, {}], [{ dpop_jkt: holder.jkt }, undefined]]) {
        const { params, verifier } = first.request(more);
        const back = await answered(first, params, { proof });
        refused(await redeem(first, back.params.get('code'), verifier, { proof: { key: other } }), 'invalid_grant', 'invalid_dpop_proof');
      }
    });

    test('without a proof there is no token', async () => {
      const { code: one, verifier } = await code();
      refused(await redeem(first, one, verifier, { proof: null }), 'invalid_dpop_proof', 'invalid_request');
    });

    test('bad proofs are refused', async () => {
      const { access_token: token } = await signIn();
      const url = first.issuer + await first.path('userinfo_endpoint');
      const other = await possession();
      for (const [name, proof] of Object.entries({
        'another method': await holder.proof('POST', url, { token }), 'another address': await holder.proof('GET', `${url}x`, { token }),
        'another token': await holder.proof('GET', url, { token: `${token}x` }), 'no token': await holder.proof('GET', url),
        'an old one': await holder.proof('GET', url, { token, claims: { iat: now() - 3600 } }), 'no jti': await holder.proof('GET', url, { token, claims: { jti: undefined } }),
        'no iat': await holder.proof('GET', url, { token, claims: { iat: undefined } }), 'another type': await holder.proof('GET', url, { token, header: { typ: 'JWT' } }),
        'another key': await other.proof('GET', url, { token, header: { jwk: holder.jwk } }), 'a broken signature': flip(await holder.proof('GET', url, { token })), none: undefined
      })) {
        const answer = await first.userinfo(undefined, { headers: { Authorization: `DPoP ${token}`, ...(proof ? { DPoP: proof } : {}) } });
        assert.equal(answer.status, 401, name);
        assert.match(answer.headers['www-authenticate'], /DPoP/, name);
      }
      const once = await holder.proof('GET', url, { token });
      const use = () => first.userinfo(undefined, { headers: { Authorization: `DPoP ${token}`, DPoP: once } });
      assert.deepEqual([(await use()).status, (await use()).status], [200, 401], 'a proof twice');
    });

    test('a refresh token works, bound to its client', async () => {
      const { refresh_token: token, id } = await signIn(first, { params: { scope: 'openid offline_access' } });
      const refresh = async by => by.post('token_endpoint', { grant_type: 'refresh_token', refresh_token: token }, { headers: await dpop(by, 'token_endpoint') });
      const next = await refresh(first);
      assert.equal(next.status, 200, next.text);
      assert.equal((await first.verify(next.json.id_token, { params: {} })).sub, id.sub);
      refused(await refresh(second), 'invalid_grant');
    });

    test('a code is its client\'s, works once, and not without the client\'s proof', async () => {
      const one = await code();
      refused(await redeem(second, one.code, one.verifier), 'invalid_grant');
      const two = await code();
      refused(await redeem(first, two.code, two.verifier, { form: { client_id: second.client.clientId } }), 'invalid_client', 'invalid_request');
      const three = await code();
      refused(await redeem(first, three.code, three.verifier, { proven: false, form: { client_id: first.client.clientId } }), 'invalid_client');
      const tokens = await signIn();
      await eventually('a second has passed', ((then) => () => now() > then + 1)(now()));
      refused(await redeem(first, tokens.code, tokens.verifier), 'invalid_grant');
      assert.equal((await userinfo(first, tokens.access_token)).status, 401);
    });

    test('PKCE: needed, S256 only, and the verifier must be there and be right', async () => {
      refused(await push(first, first.request({ code_challenge: undefined, code_challenge_method: undefined }).params), 'invalid_request');
      refused(await push(first, first.request({ code_challenge_method: 'plain' }).params), 'invalid_request');
      for (const verifier of [undefined, random()]) { refused(await redeem(first, (await code()).code, verifier), 'invalid_grant'); }
    });

    test('client assertions: what is not taken', async () => {
      for (const [name, assertion] of Object.entries({
        'signed with RS256': { key: rsa, alg: 'RS256' }, 'expired five minutes ago': { claims: { iat: now() - 360, exp: now() - 300 } },
        'for another server': { claims: { aud: 'https://other.example' } }, 'without sub': { claims: { sub: undefined } }, 'of another client': { claims: { sub: second.client.clientId } },
        'not before over a minute from now': { claims: { iat: now() + 70, nbf: now() + 70, exp: now() + 130 } }, 'for a list of audiences': { claims: { aud: [rig.issuer, 'https://other.example'] } },
        'signed by another client': { key: second.key }
      })) {
        const by = await party({}, first.key); // each its own: whoever guesses too often has to wait
        refused(await push(by, by.request().params, { assertion }), 'invalid_client');
        const { code: one, verifier } = await code(by);
        const answer = await redeem(by, one, verifier, { assertion });
        assert.ok(answer.status === 401 || answer.status === 400, name);
        assert.equal(answer.json.error, 'invalid_client', name);
      }
    });

    test('client assertions: 8 seconds ahead is taken', async () => {
      const answer = await push(first, first.request().params, { assertion: { claims: { nbf: now() + 8, iat: now() + 8 } } });
      assert.equal(answer.status, 201, answer.text);
    });

    test('PAR: a request_uri works once', async () => {
      const to = await address(first, await push(first, first.request().params));
      assert.ok((await ann.authorize(to)).params.get('code'));
      isLocal(await ann.visit(to));
    });

    test('PAR: a request_uri is its client\'s, and must be one', async () => {
      const pushed = await push(first, first.request().params);
      isLocal(await ann.visit(await first.url({ client_id: second.client.clientId, request_uri: pushed.json.request_uri })));
      assert.ok(pushed.json.expires_in < 600, 'it ends soon');
      refused(await push(first, { ...first.request().params, request_uri: pushed.json.request_uri }), 'invalid_request');
    });

    test('PAR: GET is no method of it', async () => {
      const path = await first.path('pushed_authorization_request_endpoint');
      const { http } = await import('../harness/http.mjs');
      for (const method of ['GET', 'PUT', 'DELETE']) { assert.ok([404, 405].includes((await http(rig.server, method, path)).status), method); }
    });

    test('without PAR the request is refused', async () => {
      const page = await ann.visit(await first.url(first.request().params));
      assert.ok(page.left ? page.left.searchParams.get('error') === 'invalid_request' : page.status === 400, `${page.left} ${page.status}`);
    });

    test('redirect_uri: missing and not registered', async () => {
      for (const uri of [undefined, `${callback}/other`]) { refused(await push(first, first.request({ redirect_uri: uri }).params), 'invalid_request'); }
    });

    test('response types other than code are refused', async () => {
      for (const type of ['code id_token', 'token', 'id_token']) { refused(await push(first, first.request({ response_type: type }).params), 'unsupported_response_type', 'invalid_request'); }
    });

    test('an acr that cannot be reached, asked for as essential, is refused', async () => {
      const claims = JSON.stringify({ id_token: { acr: { essential: true, values: ['urn:example:unreachable'] } } });
      const { params } = first.request({ claims });
      const pushed = await push(first, params);
      const error = pushed.status === 201 ? (await ann.authorize(await address(first, pushed))).params.get('error') : pushed.json.error;
      assert.ok(['unmet_authentication_requirements', 'access_denied', 'invalid_request'].includes(error), error);
    });

    test('signed requests: the whole way, with an answer by JWT', async () => {
      const { params, verifier } = signed.request({ response_mode: 'jwt', scope: 'openid email' });
      const back = await answered(signed, { client_id: params.client_id, request: await signed.object(params) });
      const { createLocalJWKSet, jwtVerify } = await import('jose');
      const { http } = await import('../harness/http.mjs');
      const keys = createLocalJWKSet((await http(rig.server, 'GET', await signed.path('jwks_uri'))).json);
      const { payload, protectedHeader } = await jwtVerify(back.params.get('response'), keys, { issuer: rig.issuer, audience: signed.client.clientId, algorithms: ['ES256'] });
      assert.equal(protectedHeader.alg, 'ES256');
      assert.deepEqual([payload.state, [...back.params.keys()]], [params.state, ['response']]);
      const tokens = await redeem(signed, payload.code, verifier);
      assert.equal(tokens.status, 200, tokens.text);
      assert.equal((await signed.verify(tokens.json.id_token, { params, code: payload.code, access: tokens.json.access_token })).c_hash, half('ES256', payload.code));
    });

    test('signed requests: what is taken', async () => {
      for (const [name, object] of Object.entries({
        'a list of audiences': { claims: { aud: ['https://other.example', rig.issuer] } }, 'not before 8 seconds from now': { claims: { nbf: now() + 8 } }
      })) {
        assert.ok((await signIn(signed, { object })).id, name);
      }
    });

    test('signed requests: what is not taken', async () => {
      const { params } = signed.request();
      const unsigned = `${Buffer.from('{"alg":"none","typ":"oauth-authz-req+jwt"}').toString('base64url')}.${Buffer.from(JSON.stringify({ ...params, iss: params.client_id, aud: rig.issuer, nbf: now(), exp: now() + 60 })).toString('base64url')}.`;
      for (const [name, request] of Object.entries({
        'no exp': await signed.object(params, { claims: { exp: undefined } }), 'no nbf': await signed.object(params, { claims: { nbf: undefined } }), expired: await signed.object(params, { claims: { exp: now() - 300, nbf: now() - 400 } }),
        'for another server': await signed.object(params, { claims: { aud: 'https://other.example' } }), 'a life over an hour': await signed.object(params, { claims: { exp: now() + 4200 } }),
        'not before over an hour ago': await signed.object(params, { claims: { nbf: now() - 4200 } }), 'signed with RS256': await signed.object(params, { key: rsa, alg: 'RS256' }),
        'not signed': unsigned, 'a broken signature': flip(await signed.object(params)), 'signed by another client': await signed.object(params, { key: second.key }),
        'a request_uri inside': await signed.object({ ...params, request_uri: 'urn:ietf:params:oauth:request_uri:x' }), 'no redirect_uri': await signed.object({ ...params, redirect_uri: undefined })
      })) {
        const answer = await push(signed, { client_id: params.client_id, request });
        assert.equal(answer.status, 400, `${name}: ${answer.text}`);
        assert.ok(['invalid_request_object', 'invalid_request'].includes(answer.json.error), name);
      }
      refused(await push(signed, params), 'invalid_request', 'invalid_request_object');
    });


    test('signed requests: what stands beside the object counts for nothing', async () => {
      const { params, verifier } = signed.request();
      const back = await answered(signed, { client_id: params.client_id, request: await signed.object(params), state: 'beside', nonce: 'beside' });
      assert.equal(back.params.get('state'), params.state);
      const tokens = await redeem(signed, back.params.get('code'), verifier);
      assert.equal((await signed.verify(tokens.json.id_token, { params })).nonce, params.nonce);
      const none = signed.request({ state: undefined });
      const silent = await answered(signed, { client_id: params.client_id, request: await signed.object(none.params), state: 'beside' });
      assert.equal(silent.params.get('state'), null);
    });
  });
}
