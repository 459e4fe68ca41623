// npm openid-client: every other way to tokens, and what may be done with them.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createLocalJWKSet, importPKCS8, jwtVerify } from 'jose';
import * as oidc from 'openid-client';
import { told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { limit } from '../harness/net.mjs';
import { claims as inside } from '../harness/signin.mjs';
import { clientKeys } from './keys.mjs';
import { callback, resource, startResource, startRig } from './rig.mjs';

const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const device = 'urn:ietf:params:oauth:grant-type:device_code';
const bearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
const basic = { tokenEndpointAuthMethod: 'client_secret_basic' };

for (const database of databases) {
  describe(`openid-client, grants, on ${database}`, () => {
    let rig;
    let ann;
    let keys;
    let api;
    before(told(async () => {
      rig = await startRig({ database });
      [ann, keys] = [rig.person('ann@example.com'), await clientKeys()];
      api = await startResource((await discovered('app_default', oidc.None())).serverMetadata(), resource);
    }));
    after(async () => { await api?.stop(); await rig?.stop(); });

    const discovered = (clientId, auth, metadata, options = {}) =>
      oidc.discovery(rig.origin, clientId, metadata, auth, { ...options, execute: [oidc.allowInsecureRequests, oidc.enableNonRepudiationChecks] });
    const authOf = client => client.clientSecret ? oidc.ClientSecretBasic(client.clientSecret) : oidc.None();

    async function made(settings, metadata) {
      const client = await rig.client(settings);
      const auth = settings.tokenEndpointAuthMethod === 'private_key_jwt' ? oidc.PrivateKeyJwt({ key: keys.EdDSA.key, kid: keys.EdDSA.kid }) : authOf(client);
      return { ...client, config: await discovered(client.clientId, auth, metadata) };
    }

    async function signIn(config, { scope = 'openid email offline_access', person = ann, DPoP, more = {} } = {}) {
      const verifier = oidc.randomPKCECodeVerifier();
      const nonce = oidc.randomNonce();
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri: callback, scope, nonce, code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...more
      });
      const { answer } = await person.authorize(url);
      return rig.secret(await oidc.authorizationCodeGrant(config, answer, { pkceCodeVerifier: verifier, expectedNonce: nonce }, undefined, { DPoP }));
    }

    const refused = async (promise, code, message) => {
      const error = await promise.then(() => undefined, failure => failure);
      assert.ok(error, message || `${code} expected`);
      assert.equal(error.error ?? error.cause?.error, code, `${message || ''} ${error.message} ${JSON.stringify(error.cause?.error_description ?? error.error_description)}`);
      return error;
    };

    test('discovery in both forms says the same', async () => {
      const connect = await discovered('app_default', oidc.None());
      const server = await discovered('app_default', oidc.None(), undefined, { algorithm: 'oauth2' });
      const [a, b] = [connect.serverMetadata(), server.serverMetadata()];
      assert.equal(a.issuer, rig.issuer);
      for (const name of Object.keys(b)) { assert.deepEqual(b[name], a[name], name); }
      for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri']) { assert.ok(b[name].startsWith(`${rig.issuer}/`), name); }
    });

    for (const [name, settings] of Object.entries({
      'secret in the header': basic, 'private key': { tokenEndpointAuthMethod: 'private_key_jwt' }
    })) {
      test(`client credentials, ${name}: a JWT for a resource, scopes narrowed, no refresh token`, async () => {
        const { config, clientId } = await made({ ...settings, jwks: keys.jwks, grantTypes: ['client_credentials'], scopes: ['read', 'write'] });
        const tokens = await oidc.clientCredentialsGrant(config, { scope: 'read', resource });
        assert.equal(tokens.refresh_token, undefined);
        assert.equal(tokens.id_token, undefined);
        const answer = await oidc.fetchProtectedResource(config, tokens.access_token, api.url, 'GET');
        const access = await answer.json();
        assert.deepEqual([access.sub, access.client_id, access.scope, access.aud], [clientId, clientId, 'read', resource]);
        await refused(oidc.clientCredentialsGrant(config, { scope: 'admin' }), 'invalid_scope');
        await refused(oidc.clientCredentialsGrant(config, { resource: 'https://elsewhere.example/' }), 'invalid_target');
        const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
        const bound = await oidc.clientCredentialsGrant(config, { resource }, { DPoP });
        assert.equal(bound.token_type, 'dpop');
        const held = await oidc.fetchProtectedResource(config, bound.access_token, api.url, 'GET', undefined, undefined, { DPoP });
        assert.ok((await held.json()).cnf.jkt);
      });
    }

    test('client credentials of a service client, by its access key and by its secret', async () => {
      const { clientId } = await rig.api('POST', '/v1/clients', { name: 'Machine' });
      const made = await rig.api('POST', `/v1/clients/${clientId}/access-keys`, {});
      const [, kid] = made.accessKey.split('.');
      const text = made.accessKey.split('.').at(-1);
      rig.server.log.secret('access key', text);
      const key = await importPKCS8(`-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----`, 'EdDSA');
      const byKey = await discovered(clientId, oidc.PrivateKeyJwt({ key, kid }));
      const first = await oidc.clientCredentialsGrant(byKey);
      assert.equal(inside(first.access_token).sub, clientId);
      assert.ok(made.clientSecret, 'a secret comes with the access key');
      const bySecret = await discovered(clientId, oidc.ClientSecretBasic(rig.server.log.secret('client secret', made.clientSecret)));
      const second = await oidc.clientCredentialsGrant(bySecret);
      assert.equal(inside(second.access_token).sub, clientId);
      const answer = await http(rig.server, 'GET', '/v1/roles', { token: second.access_token });
      assert.notEqual(answer.status, 401, 'it is a token of the account\'s own API');
    });

    test('refresh of a public client: the token rotates, a repeat gives the same again, reuse ends the family', async () => {
      const { config } = await made({});
      const first = await signIn(config);
      const second = await oidc.refreshTokenGrant(config, first.refresh_token);
      assert.notEqual(second.refresh_token, first.refresh_token);
      assert.equal(second.claims().sub, first.claims().sub);
      const repeated = await oidc.refreshTokenGrant(config, first.refresh_token);
      assert.equal(repeated.refresh_token, second.refresh_token, 'within the moment of grace');
      const third = await oidc.refreshTokenGrant(config, second.refresh_token);
      assert.ok((await oidc.fetchUserInfo(config, third.access_token, first.claims().sub)).sub);
      await refused(oidc.refreshTokenGrant(config, first.refresh_token), 'invalid_grant');
      await refused(oidc.refreshTokenGrant(config, third.refresh_token), 'invalid_grant', 'the family is over');
      await assert.rejects(oidc.fetchUserInfo(config, third.access_token, first.claims().sub), 'its access tokens too');
    });

    test('refresh of a confidential client: the token stays, scopes only become less, another client gets nothing', async () => {
      const { config } = await made(basic);
      const first = await signIn(config, { scope: 'openid email read offline_access' });
      const less = await oidc.refreshTokenGrant(config, first.refresh_token, { scope: 'read' });
      assert.equal(less.scope, 'read');
      const again = await oidc.refreshTokenGrant(config, first.refresh_token);
      assert.ok(again.scope.includes('email'));
      await refused(oidc.refreshTokenGrant(config, first.refresh_token, { scope: 'read write' }), 'invalid_scope');
      await refused(oidc.refreshTokenGrant((await made(basic)).config, first.refresh_token), 'invalid_grant');
      assert.ok((await oidc.refreshTokenGrant(config, first.refresh_token)).access_token, 'the other client did no harm');
    });

    test('refresh with DPoP: bound to the key of a public client', async () => {
      const { config } = await made({});
      const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('EdDSA'));
      const first = await signIn(config, { DPoP });
      assert.ok((await oidc.refreshTokenGrant(config, first.refresh_token, undefined, { DPoP })).access_token);
      await refused(oidc.refreshTokenGrant(config, first.refresh_token), 'invalid_grant');
      const other = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'));
      await refused(oidc.refreshTokenGrant(config, first.refresh_token, undefined, { DPoP: other }), 'invalid_grant');
    });

    test('without offline_access there is no refresh token', async () => {
      const { config } = await made(basic);
      assert.equal((await signIn(config, { scope: 'openid' })).refresh_token, undefined);
    });

    for (const format of ['jwt', 'opaque']) {
      test(`introspection of a ${format} access token, as JSON and as a signed JWT; revocation`, async () => {
        const { config, clientId } = await made({ ...basic, accessTokenFormat: format });
        const tokens = await signIn(config);
        const told = await oidc.tokenIntrospection(config, tokens.access_token);
        assert.deepEqual([told.active, told.client_id, told.sub, told.iss], [true, clientId, tokens.claims().sub, rig.issuer]);
        assert.ok(told.exp > told.iat && told.scope.includes('openid'));
        const refresh = await oidc.tokenIntrospection(config, tokens.refresh_token);
        assert.equal(refresh.active, true);

        const signed = await made({ ...basic, accessTokenFormat: format, introspectionSignedResponseAlg: 'ES256' }, { introspection_signed_response_alg: 'ES256' });
        const theirs = await signIn(signed.config);
        assert.equal((await oidc.tokenIntrospection(signed.config, theirs.access_token)).active, true);
        assert.equal((await oidc.tokenIntrospection(signed.config, tokens.access_token)).active, false, 'another client\'s token');

        await oidc.tokenRevocation(config, tokens.access_token);
        assert.equal((await oidc.tokenIntrospection(config, tokens.access_token)).active, false);
        await assert.rejects(oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub));
        const next = await oidc.refreshTokenGrant(config, tokens.refresh_token);
        await oidc.tokenRevocation(config, next.refresh_token);
        await refused(oidc.refreshTokenGrant(config, next.refresh_token), 'invalid_grant');
        assert.equal((await oidc.tokenIntrospection(config, next.access_token)).active, false);
        await oidc.tokenRevocation(config, 'rubbish');
      });
    }

    for (const alg of ['EdDSA', 'RS256', 'ES256', 'PS256']) {
      test(`userinfo as a JWT signed with ${alg}`, async () => {
        const { config, clientId } = await made({ userinfoSignedResponseAlg: alg, idTokenSignedResponseAlg: alg }, { userinfo_signed_response_alg: alg, id_token_signed_response_alg: alg });
        const tokens = await signIn(config);
        const info = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
        assert.deepEqual([info.iss, info.aud, info.email], [rig.issuer, clientId, 'ann@example.com']);
      });
    }

    test('token exchange: narrower scope and audience, with the actor named', async () => {
      const web = await made({ ...basic, scopes: ['openid', 'read', 'write'] });
      const gateway = await made({ ...basic, grantTypes: [exchange, 'client_credentials'], scopes: ['read', 'write'], introspectionAudiences: [resource] });
      const subject = await signIn(web.config, { scope: 'openid read write', more: { resource } });
      const actor = await oidc.clientCredentialsGrant(gateway.config);
      const ask = more => oidc.genericGrantRequest(gateway.config, exchange, { subject_token: subject.access_token, subject_token_type: accessToken, scope: 'read', resource, ...more });
      const exchanged = await ask({ actor_token: actor.access_token, actor_token_type: accessToken });
      assert.equal(exchanged.issued_token_type, accessToken);
      const answer = await (await oidc.fetchProtectedResource(gateway.config, exchanged.access_token, api.url, 'GET')).json();
      assert.deepEqual([answer.sub, answer.scope, answer.client_id], [subject.claims().sub, 'read', gateway.clientId]);
      assert.equal(answer.act.sub, gateway.clientId);
      assert.ok(answer.exp <= inside(subject.access_token).exp);
      await refused(ask({ resource: 'https://elsewhere.example/' }), 'invalid_target');
    });

    test('device: pending, approved by the person on the page, tokens', async () => {
      const { config } = await made({ grantTypes: [device, 'refresh_token'] });
      const start = await oidc.initiateDeviceAuthorization(config, { scope: 'openid email offline_access' });
      assert.match(start.user_code, /^[A-Z]{4}-[A-Z]{4}$/);
      const polled = oidc.pollDeviceAuthorizationGrant(config, { ...start, interval: 1 }, undefined, { signal: AbortSignal.timeout(limit) });
      const page = await ann.visit(start.verification_uri_complete);
      assert.equal(page.status, 200, page.text);
      const tokens = await polled;
      assert.equal(tokens.claims().sub, inside(tokens.access_token).sub);
      assert.ok(tokens.refresh_token);
      assert.equal((await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)).email, 'ann@example.com');
    });

    test('device: denied by the person', async () => {
      const { config } = await made({ grantTypes: [device] });
      const start = await oidc.initiateDeviceAuthorization(config, { scope: 'openid' });
      const polled = oidc.pollDeviceAuthorizationGrant(config, { ...start, interval: 1 }, undefined, { signal: AbortSignal.timeout(limit) });
      await Promise.all([refused(polled, 'access_denied'), ann.visit(start.verification_uri_complete, { deny: true })]);
    });

    test('rich authorization requests: the details come back, in the token and at introspection', async () => {
      const { config } = await made({ ...basic, authorizationDetailsTypes: ['payment'] });
      const details = [{ type: 'payment', actions: ['initiate'], instructedAmount: { currency: 'EUR', amount: '12.50' } }];
      const tokens = await signIn(config, { scope: 'openid', more: { authorization_details: JSON.stringify(details), resource } });
      assert.deepEqual(tokens.authorization_details, details);
      const access = await (await oidc.fetchProtectedResource(config, tokens.access_token, api.url, 'GET')).json();
      assert.deepEqual(access.authorization_details, details);
      assert.deepEqual((await oidc.tokenIntrospection(config, tokens.access_token)).authorization_details, details);
    });

    test('consent: a third party asks once, is remembered, and gets no token for the account\'s API', async () => {
      const { config } = await made({ ...basic, thirdParty: true });
      const bob = rig.person('bob@example.com');
      const first = await signIn(config, { person: bob });
      assert.equal(bob.consents, 1);
      await signIn(config, { person: bob });
      assert.equal(bob.consents, 1, 'remembered');
      assert.deepEqual([inside(first.access_token).aud].flat(), [rig.issuer]);
      assert.equal((await oidc.fetchUserInfo(config, first.access_token, first.claims().sub)).email, 'bob@example.com');
    });

    test('consent: a person who says no sends the client access_denied', async () => {
      const { config } = await made({ ...basic, thirdParty: true });
      const carl = rig.person('carl@example.com');
      const url = oidc.buildAuthorizationUrl(config, {
        redirect_uri: callback, scope: 'openid', state: 'kept', code_challenge: await oidc.calculatePKCECodeChallenge(oidc.randomPKCECodeVerifier()), code_challenge_method: 'S256'
      });
      const { params } = await carl.authorize(url, { deny: true });
      assert.deepEqual([params.get('error'), params.get('state'), params.get('iss'), params.has('code')], ['access_denied', 'kept', rig.issuer, false]);
    });

    test('signed answers verify with the published keys alone', async () => {
      const { config } = await made({ idTokenSignedResponseAlg: 'PS256' }, { id_token_signed_response_alg: 'PS256' });
      const tokens = await signIn(config);
      const { jwks_uri: uri } = config.serverMetadata();
      const keySet = createLocalJWKSet((await http(rig.server, 'GET', new URL(uri).pathname)).json);
      const { protectedHeader } = await jwtVerify(tokens.id_token, keySet, { issuer: rig.issuer, algorithms: ['PS256'] });
      assert.ok(protectedHeader.kid);
    });
  });
}
